"""Business time: always a parameter. Here it is read from text, and once, at the edge, from the machine."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from time import monotonic
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tidings.errors import TidingsError

YEARS = range(1900, 2200)
"""Far enough from the ends of the calendar that whatever is added or taken away still has a date."""


SAME_TIME = timedelta(minutes=15)


def wall_clock() -> datetime:
    """The machine's time, UTC. Only edges call it: the CLI, Airflow tasks, the demo, and the check of a typed time."""
    return datetime.now(UTC)


def is_typed(now: datetime) -> bool:
    """Whether this business time is another than the machine's: of --at, `clock.at` or a test."""
    return abs(wall_clock() - now) > SAME_TIME


class Running:
    """Business time during a call that may take hours: it goes on, unless it is a typed one, which stands still."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._since = None if is_typed(start) else monotonic()

    @property
    def now(self) -> datetime:
        """The given moment and, by the machine's time, what has passed since."""
        return self._start if self._since is None else self._start + timedelta(seconds=monotonic() - self._since)


def zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name; TidingsError where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise TidingsError(f"{name!r} is not a time zone", "use an IANA name such as Asia/Ho_Chi_Minh") from error


def parse_at(text: str, default_zone: str = "UTC") -> datetime:
    """`2026-11-22`, `2026-11-22T09:00` or with an offset, as UTC; without an offset it is in `default_zone`."""
    try:
        day_only = len(text) == 10
        moment = datetime.combine(date.fromisoformat(text), time()) if day_only else datetime.fromisoformat(text)
    except ValueError as error:
        raise TidingsError(f"{text!r} is not a time", "write 2026-11-22 or 2026-11-22T09:00+07:00") from error
    if moment.year not in YEARS:
        raise TidingsError(f"{text!r} is no time to reckon with", f"write a year from {YEARS.start} to {YEARS[-1]}")
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone(default_zone))).astimezone(UTC)
