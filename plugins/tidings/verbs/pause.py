"""pause: nothing more leaves by a provider, to a group of domains, or at all; what is planned waits or expires."""

from __future__ import annotations

from datetime import datetime

from tidings.errors import TidingsError, did_you_mean
from tidings.ledger import lanes
from tidings.ledger.database import Ledger
from tidings.ledger.lanes import ALL, Key
from tidings.model.counts import PauseShape
from tidings.project import Project
from tidings.settings import USUAL_LANE


def pause(project: Project, now: datetime, provider: str = ALL, domains: str = ALL, because: str = "") -> PauseShape:
    """Stop at the next claim (R18): what was claimed before is sent, and nothing after it.

    TidingsError for a provider or a group of domains that the workspace does not have.
    """
    key = known_lane(project, provider, domains)
    with Ledger.open(project, create=False) as ledger, ledger.write() as connection:
        lanes.pause(connection, key, now, because or "paused by hand")
    return PauseShape(provider=provider, domains=domains, changed=1)


def known_lane(project: Project, provider: str, domains: str) -> Key:
    """The lane's key; TidingsError where the workspace has no such provider or group."""
    if provider != ALL and provider not in project.plugins.providers:
        raise TidingsError(
            f"there is no provider {provider!r}", did_you_mean(provider, list(project.plugins.providers))
        )
    groups = ["other", *project.settings.lanes.get(provider, USUAL_LANE).domains]
    if domains != ALL and (provider == ALL or domains not in groups):
        fix = did_you_mean(domains, groups) if provider != ALL else "name the provider, too"
        raise TidingsError(f"there is no group of domains {domains!r}", fix)
    return provider, domains
