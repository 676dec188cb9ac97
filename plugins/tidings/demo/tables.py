"""The demo shops' tables: their columns and types, and how rows become Parquet or CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]

CUSTOMERS = {
    "customer_id": "VARCHAR", "email": "VARCHAR", "phone": "VARCHAR", "first_name": "VARCHAR",
    "last_name": "VARCHAR", "locale": "VARCHAR", "timezone": "VARCHAR", "country": "VARCHAR",
    "created_at": "TIMESTAMPTZ", "birth_date": "DATE", "preferred_channel": "VARCHAR",
}  # fmt: skip
DEMOGRAPHICS = {
    "age": "VARCHAR", "income": "VARCHAR", "home_ownership": "VARCHAR", "marital_status": "VARCHAR",
    "household_size": "VARCHAR", "household_comp": "VARCHAR", "kids_count": "VARCHAR",
}  # fmt: skip
ORDERS = {
    "order_id": "VARCHAR", "customer_id": "VARCHAR", "ordered_at": "TIMESTAMPTZ", "total": "DECIMAL(12,2)",
    "currency": "VARCHAR", "status": "VARCHAR", "channel": "VARCHAR",
}  # fmt: skip
ORDER_LINES = {
    "order_id": "VARCHAR", "product_id": "VARCHAR", "quantity": "INTEGER", "unit_price": "DECIMAL(12,2)",
    "discount": "DECIMAL(12,2)",
}  # fmt: skip
PRODUCTS = {
    "product_id": "VARCHAR", "name": "VARCHAR", "category": "VARCHAR", "price": "DECIMAL(12,2)",
    "unit_cost": "DECIMAL(12,2)", "in_stock": "BOOLEAN", "url": "VARCHAR", "image_url": "VARCHAR",
}  # fmt: skip
CONSENTS = {
    "customer_id": "VARCHAR", "channel": "VARCHAR", "purpose": "VARCHAR", "state": "VARCHAR",
    "recorded_at": "TIMESTAMPTZ", "expires_at": "TIMESTAMPTZ", "source": "VARCHAR",
}  # fmt: skip
CASES = {
    "case_id": "VARCHAR", "customer_id": "VARCHAR", "opened_at": "TIMESTAMPTZ", "closed_at": "TIMESTAMPTZ",
    "topic": "VARCHAR",
}  # fmt: skip
ACTIVITY_COSTS = {
    "period": "VARCHAR", "activity": "VARCHAR", "amount": "DECIMAL(12,2)", "driver": "VARCHAR", "cost_level": "VARCHAR",
}  # fmt: skip


@dataclass(frozen=True)
class ShopSummary:
    """What a build wrote: `rows` by table, `states` customers by stage of life; `history_to` is exclusive."""

    folder: Path
    history_from: datetime
    history_to: datetime
    rows: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)


def load_rows(connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str], rows: list[Row]) -> None:
    """Make `table` in DuckDB out of `rows`, with the types of `columns`."""
    import pyarrow as pa

    arrow = pa.table({name: pa.array([row[name] for row in rows]) for name in columns})
    connection.register("incoming", arrow)
    typed = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in columns.items())
    connection.execute(f"CREATE TABLE {table} AS SELECT {typed} FROM incoming")
    connection.unregister("incoming")


def write_parquet(connection: duckdb.DuckDBPyConnection, query: str, order: str, path: Path) -> int:
    """Write the query's rows, in that order, to `path`; returns how many there are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    place = str(path).replace("'", "''")
    written = connection.execute(
        f"COPY (SELECT * FROM ({query}) ORDER BY {order}) TO '{place}' (FORMAT parquet, COMPRESSION zstd)"
    ).fetchone()
    return int(written[0]) if written else 0


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> int:
    """Write the rows under a header; nulls are empty, instants end in Z. Returns how many rows there are."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_text(row[name]) for name in columns])
            count += 1
    return count


def in_dollars(cents: int) -> str:
    """The amount as decimal text, exact."""
    return f"{cents // 100}.{cents % 100:02d}"


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            return f"{value:%Y-%m-%dT%H:%M:%S}Z"
        case date():
            return value.isoformat()
        case _:
            return str(value)
