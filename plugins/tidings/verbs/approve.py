"""approve: name the hash of a definition or of a plan, and release what waits for it; or say no to a plan."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from tidings.errors import TidingsError
from tidings.ledger import plans
from tidings.ledger.database import Ledger
from tidings.model.counts import ApproveShape
from tidings.planning.definition import definition_of
from tidings.planning.plan import find_campaign
from tidings.planning.store import log_arms, read_plan
from tidings.project import Project

Kind = Literal["definition", "plan", "rejected"]


def approve(
    project: Project,
    campaign: str,
    now: datetime,
    *,
    who: str,
    hash_: str | None = None,
    comment: str = "",
    reject: bool = False,
) -> ApproveShape:
    """Record an approval and release what it names. Without a hash it is the definition as the files say it now.

    With `reject` a plan that waits is discarded instead: nothing of it is sent, and its occasion may be planned anew.
    TidingsError where the hash is neither that definition nor a waiting plan's: what was looked at has changed; where
    the campaign asks for the approval of every plan, and a definition is named; or where no plan is named to reject.
    """
    found = find_campaign(project, campaign)
    definition = definition_of(project, found)
    hash_ = hash_ or (None if reject else definition)
    look = f"run `tidings plan {campaign} --commit`, look at it, and give the hash it prints with --hash"
    if hash_ is None:
        raise TidingsError("it is a plan that is rejected", look)
    if hash_ == definition and found.approval == "plan":
        raise TidingsError(f"{campaign} asks for the approval of every single plan", look)
    kind: Kind = "rejected" if reject else "definition" if hash_ == definition else "plan"
    row = {"hash": hash_, "kind": kind, "campaign": campaign, "who": who, "at": now, "comment": comment}

    with Ledger.open(project) as ledger, ledger.write() as connection:
        if kind != "definition" and hash_ not in plans.hashes(connection, campaign):
            raise TidingsError(f"{hash_[:12]} is neither the definition of {campaign} nor a plan that waits", look)
        released = [] if reject else plans.approve(connection, row)
        rejected = plans.reject(connection, row) if reject else []
        for plan in released:
            log_arms(connection, read_plan(project, connection, found, plan))
    ids = [plan.plan_id for plan in released]
    return ApproveShape(campaign=campaign, hash=hash_, kind=kind, who=who, released=ids, rejected=rejected)
