"""why: the gates of a campaign for one customer, until the first that closes."""

from __future__ import annotations

from datetime import datetime

from tidings.errors import TidingsError
from tidings.ledger import messages
from tidings.ledger.archive import Archive
from tidings.ledger.database import Ledger
from tidings.ledger.persons import load_profiles
from tidings.ledger.retention import of_person
from tidings.ledger.snapshots import current_snapshot
from tidings.model.counts import WhyLine, WhyMessage, WhyShape
from tidings.planning.decide import Decider
from tidings.planning.explain import explain
from tidings.planning.plan import find_campaign, next_occasion
from tidings.project import Project


def why(project: Project, customer: str, campaign: str, now: datetime) -> WhyShape:
    """The same gates as the plan's, asked of one person; TidingsError for a customer nobody knows."""
    found = find_campaign(project, campaign)
    with Ledger.open(project, create=False) as ledger, ledger.read() as connection:
        person = load_profiles(connection).get(customer)
        if person is None:
            raise TidingsError(f"there is no customer {customer!r}", "use a customer_id of the last refresh")
        decider = Decider(project, found, current_snapshot(connection, project.root), connection, now)
        occasion = next_occasion(project, found, connection, now).name
        told = explain(decider, person, occasion)
        stale = f"source_stale:{decider.stale.source}" if decider.stale else None
        held = [
            WhyMessage(
                occasion=row["occasion"],
                step=row["step"],
                channel=row["channel"],
                state=row["state"],
                reason=row["reason"],
                at=row["counted_at"] or row["not_before"],
                archived=archived,
            )
            for archived, rows in (
                (True, of_person(connection, Archive.of(project), person, campaign)),
                (False, messages.of_person(connection, person, campaign)),
            )
            for row in rows
        ]
    return WhyShape(
        customer=customer,
        person=person,
        campaign=campaign,
        decision=told.decision,
        reason=told.reason,
        gates=[
            WhyLine(gate=gate, passed=passed, detail=str(decider.stale) if gate == stale else "")
            for gate, passed in told.gates
        ],
        messages=held,
    )
