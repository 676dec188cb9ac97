"""How old the company's tables are: the newest moment of each against the limit that the settings give it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tidings.model.scalars import format_duration

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Stale:
    """A source beyond its `limit`; `newest` is its newest moment, None where it has no row with one."""

    source: str
    newest: datetime | None
    limit: timedelta
    now: datetime

    def __str__(self) -> str:
        allowed = f"warehouse.freshness allows {format_duration(self.limit)}"
        if self.newest is None:
            return f"{self.source} has no row with a time; {allowed}"
        age = self.now - self.newest
        said = format_duration(age - age % (HOUR if age < 2 * 24 * HOUR else 24 * HOUR))
        return f"{self.source} is older than {said}: its newest is of {self.newest:%Y-%m-%d %H:%M} UTC; {allowed}"


def stale_sources(
    limits: Mapping[Any, timedelta], newest: Mapping[str, datetime | None], read_at: datetime, now: datetime
) -> list[Stale]:
    """The sources beyond their limits at `now`, in alphabetical order; one that is exactly as old as it may be is not.

    `newest` is what `open_tables` found. A source that it does not hold has no column of time and is as old as the
    reading of it, `read_at`.
    """
    found = []
    for source, limit in sorted(limits.items()):
        moment = newest.get(source, read_at)
        if moment is None or now - moment > limit:
            found.append(Stale(source, moment, limit, now))
    return found
