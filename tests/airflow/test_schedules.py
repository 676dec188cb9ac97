from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tidings.airflow.schedules import cron, once
from tidings.model.campaign import Once


def first_run(timetable: Any) -> datetime:
    """When the scheduler starts the first run of a Dag with this timetable, unpaused now."""
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import TimeRestriction

    nothing_ran = TimeRestriction(earliest=None, latest=None, catchup=False)
    core = coerce_to_core_timetable(timetable)
    info = core.next_dagrun_info(last_automated_data_interval=None, restriction=nothing_ran)
    return info.run_after


def daily_at(moment: datetime) -> Any:
    """A timetable that falls due at this time of each day."""
    return cron(f"{moment.minute} {moment.hour} * * *", "UTC")


def test_the_first_unpausing_does_not_start_a_run_of_the_past() -> None:
    """A Dag that fell due 35 minutes ago waits for tomorrow, although Airflow's own default would start it."""
    now = datetime.now(UTC)
    assert first_run(daily_at(now - timedelta(minutes=35))) > now


def test_a_tick_between_two_readings_of_the_file_is_not_lost() -> None:
    """A Dag that fell due five minutes ago, and has never run, is started."""
    due = (datetime.now(UTC) - timedelta(minutes=5)).replace(second=0, microsecond=0)
    assert first_run(daily_at(due)) == due


@pytest.mark.parametrize("expression", ["@daily", "0 8 * * 2#1", "*/5 * * * *", "0 9 1,15 * mon-fri"])
def test_airflow_reads_what_campaigns_may_write(expression: str) -> None:
    """Expressions that `check` lets pass give Airflow a next run."""
    assert first_run(cron(expression, "Asia/Ho_Chi_Minh")) > datetime.now(UTC) - timedelta(minutes=11)


@pytest.mark.parametrize(
    ("at", "zone", "expression"),
    [
        ("2026-12-24T09:30", "Asia/Ho_Chi_Minh", "30 9 24 12 *"),
        ("2026-12-24T09:30+07:00", "America/New_York", "30 21 23 12 *"),
        ("2026-12-24", "UTC", "0 0 24 12 *"),
    ],
)
def test_once_is_a_date_on_the_wall_clock_of_its_zone(at: str, zone: str, expression: str) -> None:
    """The minute, hour, day and month of the moment, as the campaign's zone shows them."""
    assert once(Once(once=at), zone) == expression
