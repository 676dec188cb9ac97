from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.warehouse.workspaces import TYPES, ago, customer, order, workspace
from tidings.errors import TidingsError
from tidings.project import Project
from tidings.settings import Source
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.contract import SOURCES, fault
from tidings.warehouse.reading import fetch


def conformed(project: Project, name: str) -> list[dict[str, Any]]:
    """The rows of a table as the contract gives them."""
    with open_warehouse(project) as warehouse:
        return fetch(warehouse.backend, warehouse.table(name), name).to_pylist()


def rewrite(root: Path, name: str, column: str, values: Any) -> None:
    """Put `values` (an Arrow array) into a column of a table's file."""
    path = root / f"data/{name}.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.column_names.index(column), column, values), path)


MONEY = [
    ("USD", pa.array([Decimal("12.30")]), 1230),
    ("USD", pa.array([12.3]), 1230),
    ("USD", pa.array([0.1 + 0.2]), 30),
    ("USD", pa.array([7]), 700),
    ("USD", pa.array(["12.30"]), 1230),
    ("USD", pa.array(["twelve"]), None),
    ("USD", pa.array([math.nan]), None),
    ("USD", pa.array([math.inf]), None),
    ("USD", pa.array([1e15]), None),
    ("USD", pa.array([None], pa.float64()), None),
    ("USD", pa.nulls(1), None),
    ("VND", pa.array([Decimal("120000.00")]), 120000),
    ("KWD", pa.array([Decimal("1.234")]), 1234),
]


@pytest.mark.parametrize(("currency", "total", "minor"), MONEY)
def test_money_is_whole_minor_units(tmp_path: Path, currency: str, total: pa.Array, minor: int | None) -> None:
    """Whatever number the source has, a sum is of integers; what is no amount is NULL."""
    project = workspace(tmp_path, {"orders": [order("1", "1", ago(1))]}, base_currency=currency)
    rewrite(tmp_path, "orders", "total", total)
    assert conformed(project, "orders")[0]["total"] == minor


def test_instants_without_a_zone_are_utc_and_dates_begin_at_midnight(tmp_path: Path) -> None:
    """Every instant inside is UTC."""
    project = workspace(tmp_path, {"orders": [order("1", "1", ago(1))]})
    rewrite(tmp_path, "orders", "ordered_at", pa.array(["2026-03-01T09:00"]).cast(pa.timestamp("us")))
    assert conformed(project, "orders")[0]["ordered_at"] == datetime(2026, 3, 1, 9, tzinfo=UTC)
    rewrite(tmp_path, "orders", "ordered_at", pa.array([date(2026, 3, 1)]))
    assert conformed(project, "orders")[0]["ordered_at"] == datetime(2026, 3, 1, tzinfo=UTC)


def test_numbers_may_be_ids(tmp_path: Path) -> None:
    """An integer id becomes text, so that it meets the text of another table."""
    project = workspace(tmp_path, {"orders": [order("1", "1", ago(1))]})
    rewrite(tmp_path, "orders", "customer_id", pa.array([42]))
    assert conformed(project, "orders")[0]["customer_id"] == "42"


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("customer_id", pa.array([1.5])),
        ("ordered_at", pa.array([5])),
        ("total", pa.array([True])),
        ("status", pa.array([[1]])),
    ],
)
def test_a_column_of_another_kind_is_named(tmp_path: Path, column: str, values: pa.Array) -> None:
    """A type that would lose something is refused with the column and the way to cast it."""
    project = workspace(tmp_path, {"orders": [order("1", "1", ago(1))]})
    rewrite(tmp_path, "orders", column, values)
    with pytest.raises(TidingsError, match=rf"orders\.{column} has the type .*cast it in warehouse\.tables"):
        conformed(project, "orders")


@pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if source.required])
def test_every_missing_column_is_named_at_once(tmp_path: Path, name: str) -> None:
    """A table without its columns says which, and that a SELECT may rename."""
    project = workspace(tmp_path)
    kept = next(iter(TYPES[name]))
    pq.write_table(pa.table({kept: pa.array([], pa.string())}), tmp_path / f"data/{name}.parquet")
    with pytest.raises(TidingsError) as caught:
        conformed(project, name)
    required = [column for column, contract in SOURCES[name].columns.items() if contract.required and column != kept]
    assert all(repr(column) in caught.value.reason for column in required)
    assert f"warehouse.tables: {name}: select" in caught.value.fix


def test_one_missing_column_suggests_the_nearest(tmp_path: Path) -> None:
    """A misspelt column is found."""
    project = workspace(tmp_path)
    path = tmp_path / "data/products.parquet"
    table = pq.read_table(path)
    pq.write_table(table.rename_columns([{"category": "categorie"}.get(c, c) for c in table.column_names]), path)
    with pytest.raises(TidingsError, match="did you mean 'categorie'"):
        conformed(project, "products")


def test_optional_columns_are_null_where_absent(tmp_path: Path) -> None:
    """birth_date and agent_id are always there to ask about."""
    project = workspace(tmp_path, {"customers": [customer("1")]})
    row = conformed(project, "customers")[0]
    assert (row["birth_date"], row["agent_id"]) == (None, None)


def test_attributes_keep_what_can_be_asked_about(tmp_path: Path) -> None:
    """Numbers, text, dates and flags stay; NaN is nothing; lists are left out."""
    more = {"points": 3, "score": math.nan, "tags": ["a"], "member": True, "joined": date(2026, 1, 1), "tier": "gold"}
    project = workspace(tmp_path, {"customers": [customer("1", **more)]})
    row = conformed(project, "customers")[0]
    assert {key: row[key] for key in more if key in row} == {
        "points": 3, "score": None, "member": True, "joined": date(2026, 1, 1), "tier": "gold",
    }  # fmt: skip


def test_a_fault_is_the_first_thing_wrong_with_a_row(tmp_path: Path) -> None:
    """One reason a row, in the order of the columns; a sound row has none."""
    rows = [
        order("1", "1", ago(1)), order("", "1", ago(1)), order("3", "1", ago(1), "-1"), order("4", "1", ago(1), None),
        order("5", "1", ago(1), currency="EUR"), order("6", "1", ago(1), currency=None),
        order("7", "1", ago(1), currency=" usd "),
    ]  # fmt: skip
    project = workspace(tmp_path, {"orders": rows})
    with open_warehouse(project) as warehouse:
        table = warehouse.table("orders")
        table = table.select("order_id", reason=fault("orders", table, "USD"))
        found = fetch(warehouse.backend, table, "orders").to_pylist()
    assert [row["reason"] for row in found] == [None, "order_id", "total", "total", "currency", "currency", None]


def test_settings_know_the_sources_by_name() -> None:
    """What `warehouse.tables` and `warehouse.freshness` may name is what the contract holds."""
    assert set(get_args(Source)) == set(SOURCES)
