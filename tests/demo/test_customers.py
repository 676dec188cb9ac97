"""What customers buy in the demo's days without any campaign: their own past again, moved by whole weeks."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tidings.demo.customers import write_baseline

START = datetime(2026, 11, 3, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture
def data(small_demo: Path, tmp_path: Path) -> Path:
    """The tables of a small demo, to write into."""
    return shutil.copytree(small_demo / "data", tmp_path / "data")


def ask(data: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows over the files of orders and lines; times are UTC, without a zone."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for table in ("orders", "order_lines"):
            for file in (data / table).glob("*.parquet"):
                name = table if file.stem == "history" else f"{file.stem}_{table}"
                connection.execute(f"CREATE VIEW {name} AS FROM '{file}'")
        return connection.execute(query).fetchall()


def repeated(data: Path) -> list[tuple[Any, ...]]:
    """Customer, order, when it was placed and when its repetition is, of each repeated order."""
    return ask(
        data,
        "SELECT o.customer_id, o.order_id, o.ordered_at::TIMESTAMP, b.ordered_at::TIMESTAMP"
        " FROM baseline_orders b JOIN orders o ON b.order_id = 'B-' || o.order_id"
        " AND o.customer_id = b.customer_id AND o.total = b.total ORDER BY ALL",
    )


def test_everybody_goes_on_as_before(data: Path) -> None:
    """Every order is one of the customer's own, with its lines; all of a customer come 3, 4 or 5 weeks later."""
    written = write_baseline(data, START, seed=1)
    rows = repeated(data)
    assert len(rows) == written > 200
    gaps: dict[str, set[timedelta]] = {}
    for customer, _order, before, after in rows:
        gaps.setdefault(customer, set()).add(after - before)
        assert timedelta() <= after - START.replace(tzinfo=None) < 3 * WEEK
    assert {len(each) for each in gaps.values()} == {1}
    assert set().union(*gaps.values()) == {3 * WEEK, 4 * WEEK, 5 * WEEK}
    lines = "product_id, quantity, unit_price, discount FROM {0}order_lines"
    of_them = "(SELECT order_id FROM baseline_orders)"
    before = ask(data, f"SELECT 'B-' || order_id AS id, {lines.format('')} WHERE id IN {of_them} ORDER BY ALL")
    assert ask(data, f"SELECT order_id, {lines.format('baseline_')} ORDER BY ALL") == before


def test_who_has_stopped_buying_does_not_begin_again(data: Path) -> None:
    """No order for five weeks, none in the days that are played."""
    write_baseline(data, START, seed=1)
    last = dict(ask(data, "SELECT customer_id, max(ordered_at)::TIMESTAMP FROM orders GROUP BY ALL"))
    lapsed = {customer for customer, at in last.items() if at < (START - 5 * WEEK).replace(tzinfo=None)}
    assert len(lapsed) > 20
    assert not lapsed & {row[0] for row in repeated(data)}


def test_the_seed_decides(data: Path) -> None:
    """The same seed writes the same days, another one others."""
    found = []
    for seed in (1, 1, 2):
        write_baseline(data, START, seed)
        found.append(repeated(data))
    assert found[0] == found[1] != found[2]
