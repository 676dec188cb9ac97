"""tick: settle what a dead worker left, fetch what came back, advance who is due, deliver, expire."""

from __future__ import annotations

from datetime import datetime

from tidings.delivery.claim import Scope
from tidings.delivery.dispatch import Tell, dispatch
from tidings.delivery.reconcile import collect, reconcile
from tidings.errors import ProjectErrors, TidingsError
from tidings.ledger import messages, plans, reports
from tidings.ledger.database import Ledger, database_time
from tidings.ledger.snapshots import find_current, goal_asked
from tidings.model.counts import DeliverShape, TickShape
from tidings.model.run import Run
from tidings.planning.plan import plan_due
from tidings.planning.program import enrols
from tidings.planning.store import save_plan
from tidings.project import Project
from tidings.tracking.record import take


def tick(project: Project, now: datetime, *, run: Run | None = None, tell: Tell | None = None) -> TickShape:
    """One round over every live flow, then one dispatcher call over everything that is due, as `deliver` makes it.

    A flow that cannot be planned keeps nobody else back: its TidingsError is raised after all others had their turn.
    """
    advanced = finished = planned = 0
    failed: list[TidingsError] = []
    with Ledger.open(project, create=False) as ledger:
        with ledger.write() as connection:
            time = database_time(connection)
            settled = messages.recover(connection, time) + reports.recover(connection, time)
            ready = find_current(connection, project.root) is not None
        back = collect(project, ledger, now)
        tracked = take(project, ledger, back.events, now, back.bookmarks).new if any(back) else 0
        settled += reconcile(project, ledger, now)
        flows = [one for one in project.campaigns.values() if one.status == "live" and enrols(one)]
        for campaign in flows if ready else []:
            try:
                with ledger.read() as connection:
                    made = plan_due(project, campaign, connection, now)
                if made is None:
                    continue
                if made.moves or len(made.rows):
                    made = save_plan(project, ledger, made, run)
                if campaign.goal is not None:
                    with ledger.write() as connection:
                        goal_asked(connection, campaign.campaign, made.snapshot.snapshot_id)
            except TidingsError as error:
                failed.append(TidingsError(f"{campaign.campaign}: {error.reason}", error.fix, error.where))
                continue
            advanced += len(made.moves)
            finished += sum(move["state"] != "active" for move in made.moves)
            planned += made.counts.planned
        done = dispatch(project, ledger, now, Scope(), run, tell) if ready else _nothing()
        with ledger.read() as connection:
            unapproved = plans.unapproved(connection)
    if failed:
        raise failed[0] if len(failed) == 1 else ProjectErrors(failed)
    return TickShape(
        advanced=advanced,
        finished=finished,
        planned=planned,
        settled=settled,
        tracked=tracked,
        expired=done.expired,
        unapproved=unapproved,
        delivered=done,
    )


def _nothing() -> DeliverShape:
    none: dict[str, int] = {}
    return DeliverShape(
        claimed=0, accepted=0, refused=0, later=0, in_doubt=0, skipped=none, put_off=none, causes=none, expired=0
    )
