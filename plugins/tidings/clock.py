"""Business time: always a parameter. Here it is read from text, and once, at the edge, from the machine."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tidings.errors import TidingsError


def wall_clock() -> datetime:
    """The machine's time, UTC. Only edges call it: the CLI, Airflow tasks, the demo."""
    return datetime.now(UTC)


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
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone(default_zone))).astimezone(UTC)
