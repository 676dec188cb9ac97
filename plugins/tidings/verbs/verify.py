"""verify: recompute what must hold in the ledger."""

from __future__ import annotations

from tidings.ledger.database import Ledger
from tidings.ledger.head import head
from tidings.ledger.journal import Journal
from tidings.ledger.verify import rules
from tidings.model.counts import Breach, VerifyShape
from tidings.project import Project

SHOWN = 10
JOURNAL, KNOWN = "journal", "the ledger knows every record of its journal, or `tidings ledger recover`"


def verify(project: Project) -> VerifyShape:
    """Every rule of ledger/verify.py, and the ledger beside its journal, at one moment; nothing is changed."""
    journal = Journal.of(project)
    breaches = []
    with Ledger.open(project, create=False) as ledger:
        tip = journal.tip()  # before the ledger is asked: a worker beside us may write another record meanwhile
        with ledger.read() as connection:
            checked = 1
            for rule in rules():
                checked += 1
                if found := rule.find(connection):
                    breaches.append(Breach(rule=rule.code, sentence=rule.sentence, count=len(found), ids=found[:SHOWN]))
            if (behind := tip - head(connection)) > 0:
                breaches.append(Breach(rule=JOURNAL, sentence=KNOWN, count=behind, ids=[]))
    return VerifyShape(ok=not breaches, rules=checked, breaches=breaches)
