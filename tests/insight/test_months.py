"""Months, quarters and years."""

from __future__ import annotations

from datetime import UTC, date, datetime

import ibis
import pytest

from tidings.insight.months import Period, begins, between, by_month, first_day, month_of


@pytest.mark.parametrize(
    ("text", "unit", "first", "length"),
    [
        ("2026-12", "month", "2026-12-01", 1),
        ("2026-Q4", "quarter", "2026-10-01", 3),
        ("2026", "year", "2026-01-01", 12),
    ],
)
def test_periods(text: str, unit: str, first: str, length: int) -> None:
    """What they are called, and the months they consist of."""
    period = Period.read(text)
    assert (period.unit, str(first_day(period.first)), len(period.months)) == (unit, first, length)
    assert month_of(date.fromisoformat(first)) == period.first


def test_what_is_no_period() -> None:
    """Nothing is read into it."""
    with pytest.raises(ValueError, match="2026-Q5"):
        Period.read("2026-Q5")


def test_a_month_begins_where_the_shop_is() -> None:
    """In New York November begins in summer time, and ends in winter time."""
    november = month_of(date(2026, 11, 1))
    assert begins(november, "America/New_York") == datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert begins(november + 1, "America/New_York") == datetime(2026, 12, 1, 5, tzinfo=UTC)
    at = ibis.memtable({"at": [datetime(2026, 11, 1, hour, 59, tzinfo=UTC) for hour in (3, 4)]}).at.cast(
        "timestamp('UTC')"
    )
    months = range(november - 1, november + 1)
    assert list(by_month(at, months, "America/New_York").execute()) == [november - 1, november]
    assert list(between(at, [november], "America/New_York").execute()) == [False, True]
