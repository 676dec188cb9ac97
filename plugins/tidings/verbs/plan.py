"""plan: who would get what, and why everyone else would not. Without `commit` nothing is written."""

from __future__ import annotations

from datetime import datetime

from tidings.ledger import plans
from tidings.ledger.database import Ledger
from tidings.model.run import Run
from tidings.planning.plan import Plan, find_campaign, next_occasion, plan_occasion
from tidings.planning.store import read_plan, save_plan
from tidings.project import Project


def plan(
    project: Project,
    campaign: str,
    now: datetime,
    *,
    commit: bool = False,
    occasion: str | None = None,
    run: Run | None = None,
) -> Plan:
    """The plan of the campaign's occasion at `now`; a complete one that exists already is returned as it is."""
    found = find_campaign(project, campaign)
    with Ledger.open(project, create=commit) as ledger:
        with ledger.read() as connection:
            name = occasion or next_occasion(project, found, connection, now).name
            held = plans.find_plan(connection, campaign, name)
            if held is not None:
                return read_plan(project, connection, found, held)
            made = plan_occasion(project, found, connection, now, name)
        return save_plan(project, ledger, made, run) if commit else made
