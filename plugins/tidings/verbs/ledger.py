"""ledger: what state every message is in."""

from __future__ import annotations

from sqlalchemy import func, select

from tidings.ledger import lanes, messages, plans, reports
from tidings.ledger.database import Ledger, size
from tidings.ledger.head import head
from tidings.ledger.journal import Journal
from tidings.ledger.tables import persons
from tidings.model.counts import LedgerShape
from tidings.project import Project


def ledger(project: Project) -> LedgerShape:
    """Messages and reports by state, how many are in doubt, and since when the oldest released one waits."""
    with Ledger.open(project, create=False) as opened:
        tip = Journal.of(project).tip()  # before the ledger is asked: another record may be written meanwhile
        with opened.read() as connection:
            states = messages.states(connection)
            return LedgerShape(
                environment=project.environment,
                messages=states,
                campaigns=messages.states_by_campaign(connection),
                reports=reports.states(connection),
                in_doubt=states.get("in_doubt", 0),
                oldest_in_doubt=messages.oldest_in_doubt(connection),
                unapproved=plans.unapproved(connection),
                oldest_planned=messages.oldest_planned(connection),
                paused=sorted("/".join(lane) for lane in lanes.paused(connection)),
                persons=connection.execute(select(func.count()).select_from(persons)).scalar_one(),
                size=size(connection),
                archived=messages.archived(connection),
                behind=max(0, tip - head(connection)),
            )
