"""Calendar days of the workspace's time zone, as numbers: the same on every engine."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import ibis.expr.types as ir

DAY = 86_400
FIRST = datetime(2000, 1, 1, tzinfo=UTC)
"""Before it clocks are taken to be what they were then."""

EPOCH = date(1970, 1, 1)
WEEK = timedelta(days=7)


def today(now: datetime, zone: str) -> int:
    """The number of the day at `now`, in days since 1970."""
    return (now.astimezone(ZoneInfo(zone)).date() - EPOCH).days


def local_day(moment: ir.Column, now: datetime, zone: str) -> ir.Column:
    """The number of the day of each moment before `now`, in days since 1970 by the clocks of `zone`.

    Engines differ in how a moment is told by another clock, and in which changes of clocks they know: so the changes
    stand in the query.
    """
    import ibis

    seconds = moment.epoch_seconds().cast("int64")
    (_, first), *later = _offsets(ZoneInfo(zone), now)
    # The latest first: an engine stops at the first that holds, and most rows are new.
    changes = [(seconds >= since, seconds + offset) for since, offset in reversed(later)]
    ahead = ibis.cases(*changes, else_=seconds + first) if changes else seconds + first
    return (ahead // DAY).cast("int64")


def _offsets(zone: ZoneInfo, now: datetime) -> list[tuple[int, int]]:
    """Since when (seconds since 1970) clocks were so many seconds ahead of UTC, in order of time."""
    at, last = FIRST, FIRST.astimezone(zone).utcoffset()
    found = [(int(at.timestamp()), _seconds(last))]
    while at < now:
        # No zone changes twice within a week.
        after = at + WEEK
        if after.astimezone(zone).utcoffset() != last:
            low, high = int(at.timestamp()), int(after.timestamp())
            while high - low > 1:
                middle = (low + high) // 2
                same = datetime.fromtimestamp(middle, UTC).astimezone(zone).utcoffset() == last
                low, high = (middle, high) if same else (low, middle)
            last = after.astimezone(zone).utcoffset()
            found.append((high, _seconds(last)))
        at = after
    return found


def _seconds(offset: timedelta | None) -> int:
    return int((offset or timedelta()).total_seconds())
