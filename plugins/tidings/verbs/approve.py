"""approve: name the hash of a definition or of a plan, and release what waits for it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from tidings.errors import TidingsError
from tidings.ledger import plans
from tidings.ledger.database import Ledger
from tidings.model.counts import ApproveShape
from tidings.planning.definition import definition_of
from tidings.planning.plan import find_campaign
from tidings.project import Project


def approve(
    project: Project, campaign: str, now: datetime, *, who: str, hash_: str | None = None, comment: str = ""
) -> ApproveShape:
    """Record an approval. Without a hash it is the definition as the files say it now.

    TidingsError where the hash is neither that definition nor a plan's: what was looked at has changed; or where the
    campaign asks for the approval of every plan, and a definition is named.
    """
    found = find_campaign(project, campaign)
    definition = definition_of(project, found)
    hash_ = hash_ or definition
    if hash_ == definition and found.approval == "plan":
        fix = f"run `tidings plan {campaign}`, look at it, and approve with --hash the hash it prints"
        raise TidingsError(f"{campaign} asks for the approval of every single plan", fix)
    with Ledger.open(project) as ledger, ledger.write() as connection:
        waiting = {row.plan_hash for row in plans.list_plans(connection, campaign)}
        kind: Literal["definition", "plan"] = "definition" if hash_ == definition else "plan"
        if kind == "plan" and hash_ not in waiting:
            fix = f"look at `tidings plan {campaign}` again and approve the hash it prints"
            raise TidingsError(f"{hash_[:12]} is neither the definition of {campaign} nor a plan that waits", fix)
        row = {"hash": hash_, "kind": kind, "campaign": campaign, "who": who, "at": now, "comment": comment}
        released = plans.approve(connection, row)
    return ApproveShape(campaign=campaign, hash=hash_, kind=kind, who=who, released=released)
