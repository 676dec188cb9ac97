"""Orders in other currencies: which rate, how it is rounded, and what stays out."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import ibis
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.databases import empty_postgres
from tests.warehouse.workspaces import NOW, Row, ago, customer, order, workspace, write_csv
from tidings.project import Project
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.orders import orders_since
from tidings.warehouse.reading import fetch
from tidings.warehouse.tables import open_tables


def rate(day: date, rate: Any, currency: str = "EUR") -> Row:
    """So many units of the base currency for one of this."""
    return {"date": day, "currency": currency, "rate": rate if rate is None else Decimal(str(rate))}


def totals(project: Project) -> tuple[dict[str, int], dict[str, int]]:
    """The total of each sound order at NOW, and what was quarantined."""
    with open_warehouse(project) as warehouse:
        tables = open_tables(warehouse, NOW)
        rows = fetch(warehouse.backend, tables["orders"], "orders").to_pylist()
        assert {row["currency"].strip().upper() for row in rows} <= {warehouse.currency}
        return {row["order_id"]: row["total"] for row in rows}, dict(tables.quarantined)


DAY = ago(3).date()
RATES = [
    rate(DAY - timedelta(days=2), "1.10"), rate(DAY, "1.20"), rate(DAY + timedelta(days=1), "9"), rate(DAY, "1.15"),
    rate(DAY, "0.5", "gbp "), rate(DAY, None, "JPY"), rate(DAY, "0", "CHF"), rate(DAY, "-1", "SEK"),
]  # fmt: skip
ORDERS = [
    order("usd", "1", ago(3), "7"), order("day", "1", ago(3) + timedelta(hours=23), "10", currency=" eur"),
    order("before", "1", ago(3) - timedelta(seconds=1), "10", currency="EUR"),
    order("early", "1", ago(6), "10", currency="EUR"), order("gbp", "1", ago(1), "0.03", currency="GBP"),
    order("odd", "1", ago(1), "0.05", currency="GBP"), order("none", "1", ago(1), "5", currency="JPY"),
    order("zero", "1", ago(1), "5", currency="CHF"), order("less", "1", ago(1), "5", currency="SEK"),
    order("negative", "1", ago(1), "-5", currency="EUR"), order("unsaid", "1", ago(1), "5", currency=None),
]  # fmt: skip


def test_the_last_rate_on_or_before_the_day_counts(tmp_path: Path) -> None:
    """By UTC days; of two rates on one day the highest; half a cent goes to the even one."""
    found, broken = totals(workspace(tmp_path, {"customers": [customer("1")], "orders": ORDERS, "fx": RATES}))
    assert found == {"usd": 700, "day": 1200, "before": 1100, "gbp": 2, "odd": 2}
    assert broken == {"orders.currency": 5, "orders.total": 1, "fx.rate": 3}


def test_without_rates_other_currencies_stay_out(tmp_path: Path) -> None:
    """As before."""
    found, broken = totals(workspace(tmp_path, {"orders": ORDERS}))
    assert (list(found), broken) == (["usd"], {"orders.currency": 9, "orders.total": 1})


def test_goals_see_converted_orders(tmp_path: Path) -> None:
    """What is asked since a moment is in the same money."""
    import pandas as pd

    project = workspace(tmp_path, {"orders": ORDERS, "fx": RATES})
    found = orders_since(project, pd.DataFrame({"customer_id": ["1"], "since": [ago(4)]}), NOW)
    assert dict(zip(found["order_id"], found["value"], strict=True)) == {
        "before": 1100, "usd": 700, "day": 1200, "gbp": 2, "odd": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("base", "total", "of", "minor"), [("VND", "12.34", "25385.5", 313257), ("KWD", "1", "0.3", 300)]
)
def test_each_currency_has_its_own_minor_unit(tmp_path: Path, base: str, total: str, of: str, minor: int) -> None:
    """Cents are not lost on the way to a currency without them."""
    placed = [order("1", "1", ago(1), total, currency="USD")]
    project = workspace(tmp_path, {"orders": placed, "fx": [rate(DAY, of, "USD")]}, base_currency=base)
    assert totals(project)[0] == {"1": minor}


def test_rates_may_stand_in_a_csv(tmp_path: Path) -> None:
    """Text becomes a date and an exact number; what is none is a broken row."""
    project = workspace(tmp_path, {"orders": ORDERS})
    write_csv(tmp_path / "data", "fx", [rate(DAY, "1.2"), {"date": "soon", "currency": "EUR", "rate": "x"}])
    found, broken = totals(project)
    assert (found["day"], broken["fx.date"]) == (1200, 1)


@given(
    st.lists(
        st.tuples(st.decimals(0, 10**9, places=2, allow_nan=False), st.decimals("0.000000000001", 10**3, places=12)),
        min_size=1,
        max_size=9,
    )
)
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_conversion_is_that_of_decimals(tmp_path: Path, pairs: list[tuple[Decimal, Decimal]]) -> None:
    """Total times rate, once rounded half to even, as Python's decimals do it."""
    codes = [f"X{number}" for number in range(len(pairs))]
    tables = {
        "orders": [
            order(code, "1", ago(1), total, currency=code) for code, (total, _) in zip(codes, pairs, strict=True)
        ],
        "fx": [rate(DAY, of, code) for code, (_, of) in zip(codes, pairs, strict=True)],
    }
    wanted = {
        code: int((total * of * 100).quantize(Decimal(1), ROUND_HALF_EVEN))
        for code, (total, of) in zip(codes, pairs, strict=True)
    }
    assert totals(workspace(tmp_path, tables))[0] == wanted


def test_postgresql_converts_alike(tmp_path: Path) -> None:
    """To the last cent."""
    files = workspace(tmp_path / "files", {"orders": ORDERS, "fx": RATES})
    url = empty_postgres()
    connection = ibis.connect(url)
    for path in files.warehouse_folder.glob("*.parquet"):
        connection.create_table(path.stem, pq.read_table(path))
    connection.disconnect()
    assert totals(workspace(tmp_path / "database", warehouse={"url": url})) == totals(files)
