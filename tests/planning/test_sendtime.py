from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.model.steps import SendAt
from tidings.planning.sendtime import after_quiet, send_time
from tidings.settings import QuietHours

ZONES = [
    "America/New_York",
    "Asia/Ho_Chi_Minh",
    "Asia/Shanghai",
    "Europe/London",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
]
NEW_YORK = ZoneInfo("America/New_York")
NIGHT = QuietHours.model_validate({"start": "21:00", "end": "08:00"})

START = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.integers(0, 2 * 365 * 86400 * 1000).map(lambda number: START + timedelta(milliseconds=number))
zones = st.sampled_from(ZONES).map(ZoneInfo)
clocks = st.times().map(lambda at: at.replace(second=0, microsecond=0))
quiet_hours = st.tuples(clocks, clocks).map(lambda pair: QuietHours(start=pair[0], end=pair[1]))
changes = st.sampled_from(
    [datetime(2026, 3, 8, 5, tzinfo=UTC), datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2026, 3, 29, tzinfo=UTC)]
).flatmap(lambda start: st.integers(0, 5 * 3600).map(lambda seconds: start + timedelta(seconds=seconds)))


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _quiet(quiet: QuietHours, here: ZoneInfo, moment: datetime) -> bool:
    clock = moment.astimezone(here).time()
    if quiet.start <= quiet.end:
        return quiet.start <= clock < quiet.end
    return clock >= quiet.start or clock < quiet.end


@pytest.mark.parametrize(
    ("now", "leaves"),
    [
        ("2026-11-22T20:59:59-05:00", "2026-11-22T20:59:59-05:00"),
        ("2026-11-22T21:00-05:00", "2026-11-23T08:00-05:00"),
        ("2026-11-23T03:00-05:00", "2026-11-23T08:00-05:00"),
        ("2026-11-23T07:59:59-05:00", "2026-11-23T08:00-05:00"),
        ("2026-11-23T08:00-05:00", "2026-11-23T08:00-05:00"),
        # The night in which an hour is passed over, and the one that has an hour twice.
        ("2026-03-07T22:00-05:00", "2026-03-08T08:00-04:00"),
        ("2026-10-31T22:00-04:00", "2026-11-01T08:00-05:00"),
    ],
)
def test_a_message_waits_for_the_end_of_the_night(now: str, leaves: str) -> None:
    """Quiet hours are those of the recipient's own wall clock, moved to their end and not dropped (R28)."""
    assert _at(leaves) == after_quiet(NIGHT, NEW_YORK, _at(now))


def test_quiet_hours_at_noon() -> None:
    """Quiet hours may lie inside a day."""
    lunch = QuietHours.model_validate({"start": "12:00", "end": "14:00"})
    assert _at("2026-11-22T14:00-05:00") == after_quiet(lunch, NEW_YORK, _at("2026-11-22T12:30-05:00"))
    assert _at("2026-11-22T11:59-05:00") == after_quiet(lunch, NEW_YORK, _at("2026-11-22T11:59-05:00"))


def test_without_quiet_hours_nothing_waits() -> None:
    """No quiet hours, and quiet hours of no length, move nothing."""
    now = _at("2026-11-22T03:00-05:00")
    assert now == after_quiet(None, NEW_YORK, now)
    assert now == after_quiet(QuietHours(start=time(3), end=time(3)), NEW_YORK, now)


@given(quiet_hours, zones, st.one_of(moments, changes))
def test_quiet_hours_always_end(quiet: QuietHours, here: ZoneInfo, now: datetime) -> None:
    """The result is never in quiet hours, never before now, less than a day and an hour's change away (R28)."""
    leaves = after_quiet(quiet, here, now)
    assert not _quiet(quiet, here, leaves)
    assert now <= leaves < now + timedelta(hours=25)
    assert leaves == after_quiet(quiet, here, leaves)


@given(clocks, zones, st.one_of(moments, changes))
def test_the_recipients_own_time(clock: time, here: ZoneInfo, now: datetime) -> None:
    """Today if it is still to come, else tomorrow; a time that the clocks pass over comes as late as it says."""
    leaves = send_time(SendAt(local=clock), None, here, now)
    assert now <= leaves < now + timedelta(hours=25)
    local = leaves.astimezone(here)
    asked = datetime.combine(local.date(), clock, here)
    passed_over = asked.astimezone(UTC).astimezone(here).time() != clock
    assert local.time() == clock or passed_over


@given(clocks, quiet_hours, zones, st.one_of(moments, changes))
def test_both_together(clock: time, quiet: QuietHours, here: ZoneInfo, now: datetime) -> None:
    """A time of day that falls into quiet hours waits for their end (R28)."""
    leaves = send_time(SendAt(local=clock), quiet, here, now)
    assert not _quiet(quiet, here, leaves)
    assert now <= leaves < now + timedelta(hours=50)


@pytest.mark.parametrize(
    ("now", "leaves"),
    [
        ("2026-11-22T08:00-05:00", "2026-11-22T09:00-05:00"),
        ("2026-11-22T09:00-05:00", "2026-11-22T09:00-05:00"),
        ("2026-11-22T09:00:01-05:00", "2026-11-23T09:00-05:00"),
        ("2026-10-31T12:00-04:00", "2026-11-01T09:00-05:00"),
    ],
)
def test_nine_in_the_morning(now: str, leaves: str) -> None:
    """The next nine o'clock of the recipient, across a change of the clocks too."""
    assert _at(leaves) == send_time(SendAt(local=time(9)), NIGHT, NEW_YORK, _at(now))


def test_at_once() -> None:
    """Without a time of day a message leaves now, or when the night is over."""
    assert _at("2026-11-22T12:00Z") == send_time(None, None, NEW_YORK, _at("2026-11-22T12:00Z"))
    assert _at("2026-11-22T13:00Z") == send_time(None, NIGHT, NEW_YORK, _at("2026-11-22T12:00Z"))
