from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.warehouse.workspaces import NOW, ago
from tidings.warehouse.freshness import Stale, stale_sources

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("newest", "stale"),
    [({"orders": ago(2)}, False), ({"orders": ago(2) - SECOND}, True), ({"orders": None}, True), ({}, False)],
)
def test_a_source_is_too_old_beyond_its_limit(newest: dict[str, datetime | None], stale: bool) -> None:
    """At the limit it is not; without rows it is; one without a column of time is as old as the reading."""
    found = stale_sources({"orders": 2 * DAY}, newest, NOW, NOW)
    assert bool(found) is stale


def test_a_source_without_a_time_ages_with_its_snapshot() -> None:
    """Products have no moment: what was read two days ago is two days old."""
    assert stale_sources({"products": DAY}, {}, ago(1), NOW) == []
    assert stale_sources({"products": DAY}, {}, ago(2), NOW) == [Stale("products", ago(2), DAY, NOW)]


@pytest.mark.parametrize(
    ("newest", "said"),
    [
        (ago(3.5), "orders is older than 3d: its newest is of 2026-10-28 12:00 UTC; warehouse.freshness allows 1d"),
        (ago(1) - SECOND, "orders is older than 1d: its newest is of 2026-10-30 23:59 UTC; "),
        (None, "orders has no row with a time; warehouse.freshness allows 1d"),
    ],
)
def test_it_says_how_old_it_is(newest: datetime | None, said: str) -> None:
    """In whole days, under two days in hours."""
    assert str(Stale("orders", newest, DAY, NOW)).startswith(said)
