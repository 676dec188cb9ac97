"""resume: let what was paused go on; nothing is sent twice, and what has expired meanwhile stays so."""

from __future__ import annotations

from tidings.ledger import lanes
from tidings.ledger.database import Ledger
from tidings.ledger.lanes import ALL
from tidings.model.counts import PauseShape
from tidings.project import Project
from tidings.verbs.pause import known_lane


def resume(project: Project, provider: str = ALL, domains: str = ALL) -> PauseShape:
    """Let a lane go on, and every one it stands for: without names, all. Their marks of lately are forgotten."""
    key = known_lane(project, provider, domains)
    with Ledger.open(project, create=False) as ledger, ledger.write() as connection:
        changed = lanes.resume(connection, key)
    return PauseShape(provider=provider, domains=domains, changed=changed)
