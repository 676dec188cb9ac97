"""plan: who would get what, and why everyone else would not. Without `commit` nothing is written."""

from __future__ import annotations

from datetime import datetime

from tidings.errors import TidingsError
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
    """The plan of the campaign's occasion at `now`; a complete one that exists already is returned as it is.

    Its `due_at` is when the occasion falls due, unless one was typed. With `commit`, TidingsError for a campaign that
    is not live, and before that time: the occasion would be used up.
    """
    found = find_campaign(project, campaign)
    if commit and found.status != "live":
        fix = f"write `status: live` in config/campaigns/{campaign}.yaml, or look at the plan without --commit"
        raise TidingsError(f"{campaign} is {found.status}, not live", fix)
    with Ledger.open(project, create=commit) as ledger:
        with ledger.read() as connection:
            due = next_occasion(project, found, connection, now)
            name = occasion or due.name
            held = plans.find_plan(connection, campaign, name)
            if held is not None:
                return read_plan(project, connection, found, held)
            if commit and not occasion and due.due_at > now:
                fix = f"run it then, or send it now with --occasion {name}"
                raise TidingsError(f"{campaign} is not due before {due.due_at.isoformat()}", fix)
            made = plan_occasion(project, found, connection, now, name)
            made.due_at = None if occasion else due.due_at
        return save_plan(project, ledger, made, run) if commit else made
