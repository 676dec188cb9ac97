"""ledger: what state every message is in."""

from __future__ import annotations

from sqlalchemy import func, select

from tidings.ledger import messages, plans, reports
from tidings.ledger.database import Ledger
from tidings.ledger.tables import persons
from tidings.model.counts import LedgerShape
from tidings.project import Project


def ledger(project: Project) -> LedgerShape:
    """Messages and reports by state, how many are in doubt, and since when the oldest released one waits."""
    with Ledger.open(project, create=False) as opened, opened.read() as connection:
        states = messages.states(connection)
        return LedgerShape(
            environment=project.environment,
            messages=states,
            reports=reports.states(connection),
            in_doubt=states.get("in_doubt", 0),
            unapproved=plans.unapproved(connection),
            oldest_planned=messages.oldest_planned(connection),
            persons=connection.execute(select(func.count()).select_from(persons)).scalar_one(),
        )
