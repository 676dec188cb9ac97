"""Business time as people type it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tidings.clock import parse_at
from tidings.errors import TidingsError


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22", datetime(2026, 11, 21, 17, tzinfo=UTC)),
        ("2026-11-22T09:00", datetime(2026, 11, 22, 2, tzinfo=UTC)),
        ("2026-11-22T09:00Z", datetime(2026, 11, 22, 9, tzinfo=UTC)),
        ("2026-11-22T09:00+01:00", datetime(2026, 11, 22, 8, tzinfo=UTC)),
        ("1900-01-01T00:00Z", datetime(1900, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_typed_time_is_utc_inside(text: str, moment: datetime) -> None:
    """Without an offset it is in the zone that is given."""
    assert parse_at(text, "Asia/Ho_Chi_Minh") == moment


@pytest.mark.parametrize("text", ["tomorrow", "", "2026", "2026-13-01", "22:00"])
def test_what_is_no_time_is_a_sentence(text: str) -> None:
    """With the forms that are read."""
    with pytest.raises(TidingsError, match="is not a time; write 2026-11-22 or 2026-11-22T09:00"):
        parse_at(text)


@pytest.mark.parametrize("text", ["0001-01-01", "0001-01-01T00:00+07:00", "9999-12-31", "9999-12-31T23:59-07:00"])
def test_the_ends_of_the_calendar_are_no_times_of_business(text: str) -> None:
    """In another zone, or a month earlier, they would have no date at all."""
    with pytest.raises(TidingsError, match="is no time to reckon with; write a year from 1900 to 2199"):
        parse_at(text, "Asia/Ho_Chi_Minh")
