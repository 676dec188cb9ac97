"""lanes: how fast messages leave by each provider to each group of domains, and which of them have stopped."""

from __future__ import annotations

from datetime import datetime

from tidings.clock import zone
from tidings.delivery.lanes import daily_limit, rate_of
from tidings.ledger import lanes as table
from tidings.ledger.database import Ledger
from tidings.model.counts import LaneShape, LanesShape
from tidings.project import Project
from tidings.settings import USUAL_LANE


def lanes(project: Project, now: datetime) -> LanesShape:
    """Every lane that was used or paused, as it is at `now`."""
    day = now.astimezone(zone(project.settings.timezone)).date()
    with Ledger.open(project, create=False) as ledger, ledger.read() as connection:
        rows = [table.on_day(row, day) for row in table.everything(connection)]
    found = []
    for row in rows:
        settings = project.settings.lanes.get(row["provider"], USUAL_LANE)
        rate = rate_of(settings, row["domain_group"])
        limit = daily_limit(settings.warm_up, day) if settings.warm_up else None
        shares = {name: row[name] / row["sent"] if row["sent"] else 0.0 for name in ("bounced", "complained")}
        found.append(
            LaneShape(
                provider=row["provider"],
                domains=row["domain_group"],
                paused_at=row["paused_at"],
                cause=row["cause"],
                today=row["today"],
                warm_up_limit=limit,
                rate_per_hour=None if rate is None else rate * 3600,
                sent_lately=row["sent"],
                **shares,
            )
        )
    return LanesShape(lanes=found)
