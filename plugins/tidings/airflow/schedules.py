"""When Airflow runs a campaign: its `schedule` as a timetable."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, CronTriggerTimetable

from tidings.clock import parse_at, zone
from tidings.model.campaign import After, Campaign, Once

# A Dag that is unpaused for the first time starts a run that fell due at most this long ago. Not zero: the Dag
# is read again twice a minute, and a tick between two readings must not be lost.
GRACE = timedelta(minutes=10)


def cron(expression: str, timezone: str, grace: timedelta = GRACE) -> CronTriggerTimetable:
    """A timetable on the wall clock of a named zone; without a start date, its first run is the next tick."""
    return CronTriggerTimetable(expression, timezone=timezone, run_immediately=grace)


def timetable(campaign: Campaign, default_zone: str, refreshed: Asset) -> Any:
    """What the Dag's `schedule` takes; None for a campaign that is not live."""
    if campaign.status != "live":
        return None
    name = campaign.timezone or default_zone
    if isinstance(campaign.schedule, After):
        return [refreshed]
    if isinstance(campaign.schedule, Once):
        return cron(once(campaign.schedule, name), name)
    return cron(campaign.schedule, name)


def once(schedule: Once, timezone: str) -> str:
    """The cron expression of one date and time. It comes due again each year, and the plan task skips that.

    Not `@once`, which runs as soon as the Dag is unpaused; and no start and end date, with which Airflow leaves the
    tasks of a run by hand out without a word.
    """
    local = parse_at(schedule.once, timezone).astimezone(zone(timezone))
    return f"{local.minute} {local.hour} {local.day} {local.month} *"
