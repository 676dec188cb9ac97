from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.warehouse.workspaces import (
    NOW,
    Rows,
    ago,
    consent,
    customer,
    line,
    order,
    product,
    workspace,
    write_table,
)
from tidings.project import Project
from tidings.warehouse import tables as reading_of_tables
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.reading import fetch
from tidings.warehouse.tables import UNDONE, Tables, open_tables


def opened(
    root: Path, tables: Rows, quarantine: Path | None = None
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, int]]:
    """The rows of every table at NOW, and what was quarantined."""
    project = workspace(root, tables)
    with open_warehouse(project) as warehouse:
        found = open_tables(warehouse, NOW, quarantine)
        rows = {name: fetch(warehouse.backend, table, name).to_pylist() for name, table in found.items()}
        return rows, dict(found.quarantined)


def test_what_happens_at_or_after_now_is_not_there_yet(tmp_path: Path) -> None:
    """Every verb takes its own `now`: later rows are neither read nor quarantined."""
    second = timedelta(seconds=1)
    tables = {
        "customers": [customer("1"), customer("2", created_at=NOW), customer("3", created_at=None)],
        "orders": [order("1", "1", NOW - second), order("2", "1", NOW), order("3", "1", NOW + second)],
        "consents": [consent("1", at=NOW), consent("1", at=ago(1))],
    }
    rows, quarantined = opened(tmp_path, tables)
    assert sorted(row["customer_id"] for row in rows["customers"]) == ["1", "3"]
    assert [row["order_id"] for row in rows["orders"]] == ["1"]
    assert [row["recorded_at"] for row in rows["consents"]] == [ago(1)]
    assert quarantined == {}


def test_broken_rows_are_left_out_counted_and_kept(tmp_path: Path) -> None:
    """Null ids, duplicates, negative or missing totals and foreign money: by table and reason, and in Parquet."""
    tables = {
        "customers": [customer("1"), customer(" "), customer("2"), customer("2", created_at=ago(10))],
        "orders": [
            order("1", "1", ago(1)), order("2", None, ago(1)), order("3", "1", ago(1), "-5"),
            order("4", "1", ago(1), currency="EUR"), order("5", "1", None), order("1", "1", ago(9)),
        ],
        "order_lines": [line("1", "p"), line("1", None), line("1", "p", quantity=-1),
            line("1", "p", unit_price=Decimal(-1)),
        ],
        "products": [product("p"), product("q", name=None)],
        "consents": [consent("1"), consent("1", state="maybe")],
    }  # fmt: skip
    rows, quarantined = opened(tmp_path, tables, tmp_path / "quarantine")
    assert quarantined == {
        "customers.customer_id": 1, "customers.duplicate": 1,
        "orders.customer_id": 1, "orders.ordered_at": 1, "orders.total": 1, "orders.currency": 1, "orders.duplicate": 1,
        "order_lines.product_id": 1, "order_lines.quantity": 1, "order_lines.unit_price": 1,
        "products.name": 1, "consents.state": 1,
    }  # fmt: skip
    assert {name: len(found) for name, found in rows.items()} == {
        "customers": 2, "orders": 1, "order_lines": 1, "products": 1, "consents": 1,
    }  # fmt: skip
    kept = pq.read_table(tmp_path / "quarantine/orders.parquet").to_pylist()
    assert sorted((row["order_id"], row["reason"]) for row in kept) == [
        ("1", "duplicate"), ("2", "customer_id"), ("3", "total"), ("4", "currency"), ("5", "ordered_at"),
    ]  # fmt: skip


def test_of_two_rows_with_one_key_the_latest_sound_one_stays(tmp_path: Path) -> None:
    """A later broken row does not push out the sound one; equal rows leave one."""
    tables = {
        "orders": [
            order("1", "1", ago(5), "10"), order("1", "1", ago(4), "20"), order("1", "1", ago(3), "-1"),
            order("2", "1", ago(2), "7"), order("2", "1", ago(2), "7"),
        ],
        "customers": [customer("1")],
    }  # fmt: skip
    rows, quarantined = opened(tmp_path, tables)
    assert sorted((row["order_id"], row["total"]) for row in rows["orders"]) == [("1", 2000), ("2", 700)]
    assert quarantined == {"orders.total": 1, "orders.duplicate": 2}


def test_not_a_number_is_not_an_amount(tmp_path: Path) -> None:
    """A NaN total is quarantined; it would be greater than every threshold."""
    project = workspace(tmp_path, {"orders": [order("1", "1", ago(1)), order("2", "1", ago(1))]})
    path = tmp_path / "data/orders.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.column_names.index("total"), "total", pa.array([math.nan, 3.0])), path)
    with open_warehouse(project) as warehouse:
        assert open_tables(warehouse, NOW).quarantined == {"orders.total": 1}


@pytest.mark.parametrize("status", [*UNDONE, "Returned", "CANCELLED"])
def test_an_undone_order_counts_nowhere(tmp_path: Path, status: str) -> None:
    """Returned and cancelled orders, and their lines, are out; they are no broken rows."""
    tables = {
        "orders": [order("1", "1", ago(1), status=status), order("2", "1", ago(1), status=None)],
        "order_lines": [line("1", "p"), line("2", "p")],
        "products": [product("p")],
    }
    rows, quarantined = opened(tmp_path, tables)
    assert [row["order_id"] for row in rows["orders"]] == ["2"]
    assert [row["order_id"] for row in rows["order_lines"]] == ["2"]
    assert quarantined == {}


def test_lines_know_their_customer_moment_and_category(tmp_path: Path) -> None:
    """A line of an unknown product has no category; one of an unknown order is nobody's and is left out."""
    tables = {
        "orders": [order("1", "7", ago(1))],
        "order_lines": [line("1", "p"), line("1", "unknown"), line("nowhere", "p")],
        "products": [product("p", "Bread")],
    }
    rows, _ = opened(tmp_path, tables)
    found = sorted(
        (row["product_id"], row["customer_id"], row["ordered_at"], row["category"]) for row in rows["order_lines"]
    )
    assert found == [("p", "7", ago(1), "Bread"), ("unknown", "7", ago(1), None)]


def twice(
    root: Path, monkeypatch: pytest.MonkeyPatch, tables: Rows, between: Callable[[Project], Project], later: timedelta
) -> tuple[int, Tables, Tables]:
    """How many queries a second reading asks that knows of the first, what it finds, and what one finds that does not.

    `between` happens in between; the second reading is so much `later`.
    """
    project = workspace(root, tables)
    with open_warehouse(project) as warehouse:
        earlier = {**open_tables(warehouse, NOW).kept, "as_of": NOW.isoformat()}
    asked: list[str] = []

    def counted(backend: Any, table: Any, what: str) -> pa.Table:
        asked.append(what)
        return fetch(backend, table, what)

    monkeypatch.setattr(reading_of_tables, "fetch", counted)
    with open_warehouse(between(project)) as warehouse:
        knowing = open_tables(warehouse, NOW + later, None, json.loads(json.dumps(earlier)))
        number = len(asked)
        return number, knowing, open_tables(warehouse, NOW + later)


CLEAN: Rows = {
    "customers": [customer("1"), customer("2", created_at=None)],
    "orders": [order("1", "1", ago(1))],
    "cases": [],
}


def untouched(project: Project) -> Project:
    """Nothing happened."""
    return project


def test_sound_files_that_have_not_changed_are_not_looked_through_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No query, and the same answer as by looking."""
    number, knowing, looking = twice(tmp_path, monkeypatch, CLEAN, untouched, timedelta(days=1))
    assert number == 0
    assert (knowing.quarantined, knowing.kept) == (looking.quarantined, looking.kept)
    assert (knowing.newest["orders"], knowing.newest["cases"]) == (ago(1), None)


def rewritten(project: Project) -> Project:
    """An order without a customer, in a file of the same size."""
    write_table(project.root / "data", "orders", [order("1", " ", ago(1))])
    return project


def queried(project: Project) -> Project:
    """A SELECT may read anything."""
    asked = project.settings.warehouse.model_copy(update={"tables": {"products": "select * from products"}})
    return replace(project, settings=project.settings.model_copy(update={"warehouse": asked}))


@pytest.mark.parametrize(
    ("more", "between", "later"),
    [
        ({}, rewritten, 1),
        ({}, queried, 1),
        ({}, untouched, -2),
        ({"orders": [order("1", "1", ago(-0.5))]}, untouched, 1),
        ({"orders": [order("1", " ", ago(1))]}, untouched, 1),
    ],
)
def test_otherwise_they_are(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: Rows,
    between: Callable[[Project], Project],
    later: int,
) -> None:
    """A file that was written again, a SELECT, an earlier moment, a row that was in the future, or a broken one."""
    number, knowing, looking = twice(tmp_path, monkeypatch, {**CLEAN, **more}, between, timedelta(days=later))
    assert number >= len(CLEAN)
    assert (knowing.quarantined, knowing.kept) == (looking.quarantined, looking.kept)
