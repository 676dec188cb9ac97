"""When a message may leave: the recipient's own time of day, and never in quiet hours."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tidings.model.steps import SendAt
from tidings.settings import QuietHours


def _at(day: datetime, clock: time) -> datetime:
    return day.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)


def send_time(send_at: SendAt | None, quiet: QuietHours | None, here: ZoneInfo, now: datetime) -> datetime:
    """The first moment at or after `now` that the step and the quiet hours allow (UTC)."""
    moment = now
    if send_at is not None:
        local = now.astimezone(here)
        target = _at(local, send_at.local)
        moment = target if target >= local else _at(local + timedelta(days=1), send_at.local)
    return after_quiet(quiet, here, moment.astimezone(UTC))


def after_quiet(quiet: QuietHours | None, here: ZoneInfo, moment: datetime) -> datetime:
    """`moment` itself, or the end of the quiet hours it falls in (UTC); the message is moved, not dropped (R28)."""
    if quiet is None:
        return moment
    local = moment.astimezone(here)
    clock = local.time()
    night = quiet.start > quiet.end
    inside = (clock >= quiet.start or clock < quiet.end) if night else (quiet.start <= clock < quiet.end)
    if not inside:
        return moment
    end = _at(local, quiet.end)
    return (end if end > local else _at(local + timedelta(days=1), quiet.end)).astimezone(UTC)
