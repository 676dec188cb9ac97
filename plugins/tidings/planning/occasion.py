"""The occasion of a run: part of every message's unique key, so that a retry cannot send twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter

from tidings.clock import parse_at, zone
from tidings.model.campaign import After, Campaign, Once


@dataclass(frozen=True)
class Occasion:
    """Its name, and when it fell due (UTC)."""

    name: str
    due_at: datetime

    def late(self, campaign: Campaign, now: datetime) -> bool:
        """Whether the occasion is too old to be started by a schedule (an unpaused Dag fires a missed tick)."""
        return now - self.due_at > campaign.late_by


def occasion_at(campaign: Campaign, default_zone: str, now: datetime, refreshed_at: datetime) -> Occasion:
    """The last due occasion at `now`; `refreshed_at` is the business time of the current snapshot."""
    here = zone(campaign.timezone or default_zone)
    schedule = campaign.schedule
    if isinstance(schedule, Once):
        return Occasion("once", parse_at(schedule.once, str(here)))
    if isinstance(schedule, After):
        due = refreshed_at
        name = due.astimezone(here).date().isoformat()
    else:
        last = _last_firing(schedule, here, now)
        due = last.astimezone(UTC)
        name = last.isoformat(timespec="minutes") if _twice_that_day(schedule, last) else last.date().isoformat()
    if campaign.audience.enter == "on_entry":
        name = f"entry:{name}"
    return Occasion(name, due)


def _last_firing(schedule: str, here: ZoneInfo, now: datetime) -> datetime:
    """The schedule's last time at or before `now`, on the wall clock of the zone: 09:00 stays 09:00 all year.

    Where clocks are put back, a time that comes twice counts when it first comes; where they are put forward, a time
    that is passed over counts as long after midnight as it says.
    """
    local = now.astimezone(here)
    again = local.replace(fold=0).utcoffset() or timedelta()
    repeated = again - (local.utcoffset() or timedelta())
    wall = local.replace(tzinfo=None, microsecond=0) + repeated + timedelta(seconds=1)
    firings = croniter(schedule, wall)
    while True:
        last = firings.get_prev(datetime).replace(tzinfo=here)
        if last.astimezone(UTC) <= now:
            return last


def _twice_that_day(schedule: str, last: datetime) -> bool:
    """Whether the schedule also comes due earlier or later on the day of `last`."""
    wall = last.replace(tzinfo=None)
    around = (croniter(schedule, wall).get_next(datetime), croniter(schedule, wall).get_prev(datetime))
    return any(other.date() == wall.date() for other in around)
