"""The table of occasions: the name that makes a message unique, whenever and however often a run happens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.planning.campaigns import campaign
from tidings.planning.occasion import Occasion, occasion_at

NEW_YORK = "America/New_York"
HANOI = "Asia/Ho_Chi_Minh"
START = datetime(2026, 1, 1, tzinfo=UTC)
REFRESHED = datetime(2026, 11, 21, 20, 30, tzinfo=UTC)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _occasion(now: str, zone: str = NEW_YORK, **changes: object) -> Occasion:
    return occasion_at(campaign(**changes), zone, _at(now), REFRESHED)


@pytest.mark.parametrize(
    ("now", "name", "due"),
    [
        ("2026-11-22T09:00-05:00", "2026-11-22", "2026-11-22T09:00-05:00"),
        ("2026-11-22T23:59-05:00", "2026-11-22", "2026-11-22T09:00-05:00"),
        ("2026-11-22T08:59:59.999999-05:00", "2026-11-21", "2026-11-21T09:00-05:00"),
        ("2026-11-22T09:00:00.000001-05:00", "2026-11-22", "2026-11-22T09:00-05:00"),
        ("2026-11-23T03:00Z", "2026-11-22", "2026-11-22T09:00-05:00"),
    ],
)
def test_a_daily_schedule_is_named_by_its_local_date(now: str, name: str, due: str) -> None:
    """From its time on until the next, however precisely the clock is read."""
    assert Occasion(name, _at(due)) == _occasion(now)


def test_the_campaigns_own_zone_comes_first() -> None:
    """Nine o'clock is nine o'clock where the campaign says, else where the workspace is."""
    assert "2026-11-22" == _occasion("2026-11-22T02:30Z", timezone=HANOI).name
    assert _at("2026-11-22T09:00+07:00") == _occasion("2026-11-22T02:30Z", timezone=HANOI).due_at
    assert "2026-11-21" == _occasion("2026-11-22T02:30Z").name


@pytest.mark.parametrize(
    ("now", "name"),
    [
        ("2026-11-22T08:00-05:00", "2026-11-21T17:00-05:00"),
        ("2026-11-22T09:00-05:00", "2026-11-22T09:00-05:00"),
        ("2026-11-22T17:00-05:00", "2026-11-22T17:00-05:00"),
        ("2026-07-22T17:00-04:00", "2026-07-22T17:00-04:00"),
    ],
)
def test_twice_a_day_is_named_with_time_and_offset(now: str, name: str) -> None:
    """A schedule that fires more than once a day needs the time, and the offset tells summer from winter."""
    assert name == _occasion(now, schedule="0 9,17 * * *").name


def test_twice_on_some_days() -> None:
    """The days on which it fires once keep the short name."""
    schedule = "0 9 * * 1-5"
    assert "2026-11-20" == _occasion("2026-11-22T12:00-05:00", schedule=schedule).name


@pytest.mark.parametrize(
    ("now", "name", "due"),
    [
        # On 8 March 2026 New York passes over 02:00 to 03:00.
        ("2026-03-08T01:59-05:00", "2026-03-07", "2026-03-07T02:30-05:00"),
        ("2026-03-08T03:00-04:00", "2026-03-07", "2026-03-07T02:30-05:00"),
        ("2026-03-08T03:30-04:00", "2026-03-08", "2026-03-08T03:30-04:00"),
        ("2026-03-09T02:30-04:00", "2026-03-09", "2026-03-09T02:30-04:00"),
    ],
)
def test_a_time_that_is_passed_over_still_comes(now: str, name: str, due: str) -> None:
    """Where clocks are put forward, 02:30 comes as long after midnight as it says, once."""
    assert Occasion(name, _at(due)) == _occasion(now, schedule="30 2 * * *")


@pytest.mark.parametrize(
    ("now", "name"),
    [
        # On 1 November 2026 New York has 01:00 to 02:00 twice.
        ("2026-11-01T01:29-04:00", "2026-10-31"),
        ("2026-11-01T01:30-04:00", "2026-11-01"),
        ("2026-11-01T01:10-05:00", "2026-11-01"),
        ("2026-11-01T01:30-05:00", "2026-11-01"),
        ("2026-11-01T02:30-05:00", "2026-11-01"),
    ],
)
def test_a_time_that_comes_twice_counts_when_it_first_comes(now: str, name: str) -> None:
    """Where clocks are put back, the occasion neither comes again nor goes back to yesterday's."""
    found = _occasion(now, schedule="30 1 * * *")
    assert name == found.name
    assert _at(f"{name}T01:30-04:00") == found.due_at


@given(
    st.integers(0, 2 * 365 * 86400).map(lambda seconds: START + timedelta(seconds=seconds)),
    st.integers(0, 48 * 3600),
    st.sampled_from(
        ["30 1 * * *", "30 2 * * *", "0 */6 * * *", "15 * * * *", "0 9 * * 1", "0 8 1-7 * 2", "0 8 * * 2#1"]
    ),
    st.sampled_from([NEW_YORK, HANOI, "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo"]),
)
def test_occasions_only_move_forward(now: datetime, seconds: int, schedule: str, zone: str) -> None:
    """At no moment of the year is an occasion due later than now, and none comes back once it has passed."""
    planned = campaign(schedule=schedule)
    first = occasion_at(planned, zone, now, REFRESHED)
    second = occasion_at(planned, zone, now + timedelta(seconds=seconds), REFRESHED)
    assert first.due_at <= now
    assert first.due_at <= second.due_at <= now + timedelta(seconds=seconds)
    assert (first.name == second.name) == (first.due_at == second.due_at)
    assert first == occasion_at(planned, zone, first.due_at, REFRESHED)


def test_once_is_once() -> None:
    """A campaign that runs one time has one occasion, whatever the day, due at its local time."""
    for now in ("2026-11-22T12:00Z", "2027-11-22T12:00Z"):
        found = _occasion(now, schedule={"once": "2026-11-24T08:00"})
        assert Occasion("once", _at("2026-11-24T08:00-05:00")) == found


def test_after_a_refresh_the_occasion_is_the_refreshs() -> None:
    """The occasion is the day of the data, not of the run: a run that is repeated next day serves the same one."""
    for now in ("2026-11-21T21:00Z", "2026-11-23T08:00Z"):
        assert Occasion("2026-11-21", REFRESHED) == _occasion(now, schedule={"after": "refresh"})
    assert "2026-11-22" == _occasion("2026-11-23T08:00Z", zone=HANOI, schedule={"after": "refresh"}).name


def test_on_entering_the_occasion_is_an_entry() -> None:
    """Entries are told from broadcasts, and a one-time campaign stays once."""
    entering = {"include": "readers", "enter": "on_entry"}
    assert "entry:2026-11-22" == _occasion("2026-11-22T12:00-05:00", audience=entering).name
    twice = _occasion("2026-11-22T12:00-05:00", audience=entering, schedule="0 9,17 * * *")
    assert "entry:2026-11-22T09:00-05:00" == twice.name
    assert "once" == _occasion("2026-11-22T12:00Z", audience=entering, schedule={"once": "2026-11-24"}).name


@pytest.mark.parametrize(("minutes", "late"), [(0, False), (120, False), (121, True)])
def test_lateness(minutes: int, late: bool) -> None:
    """An occasion is too late when more than `late_by` has passed since it was due."""
    found = _occasion("2026-11-22T20:00-05:00")
    assert late == found.late(campaign(late_by="2h"), found.due_at + timedelta(minutes=minutes))


def test_the_zone_of_the_due_time_does_not_matter() -> None:
    """The due time is UTC, and `now` may be given in any zone."""
    local = datetime(2026, 11, 22, 10, tzinfo=ZoneInfo(HANOI))
    found = occasion_at(campaign(), HANOI, local, REFRESHED)
    assert ("2026-11-22", UTC) == (found.name, found.due_at.tzinfo)
