"""deliver: send what is planned, due and released; at most once."""

from __future__ import annotations

from datetime import datetime

from tidings.delivery.claim import Scope
from tidings.delivery.dispatch import Tell, dispatch
from tidings.ledger.database import Ledger
from tidings.model.counts import DeliverShape
from tidings.model.run import Run
from tidings.project import Project


def deliver(
    project: Project,
    now: datetime,
    *,
    plan_id: str | None = None,
    shard: tuple[int, int] | None = None,
    run: Run | None = None,
    tell: Tell | None = None,
) -> DeliverShape:
    """One dispatcher call over a plan (or all), and one shard of the persons (index, of how many) or all.

    `tell` hears after each batch what has been done so far.
    """
    with Ledger.open(project, create=False) as ledger:
        return dispatch(project, ledger, now, Scope(plan_id, shard), run, tell)
