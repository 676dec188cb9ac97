"""The tables that features and conditions are made of: sound rows, already visible at `now`, money in minor units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidings.warehouse.connection import Warehouse
from tidings.warehouse.contract import CONTACT_COLUMNS, SOURCES, fault
from tidings.warehouse.reading import fetch, save

if TYPE_CHECKING:
    import ibis.expr.types as ir

UNDONE = ("returned", "cancelled", "canceled", "refunded")
"""An order in one of these states counts nowhere."""

DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Tables(Mapping[str, "ir.Table"]):
    """Table by name. `orders` leaves out undone ones; `order_lines` also has customer_id, ordered_at and category.

    `quarantined` counts broken rows by `table.reason`. `newest` has for every source with a column of time its latest
    moment before `now`, also that of a broken row, and None where there is none or no such table.
    """

    found: Mapping[str, ir.Table]
    quarantined: Mapping[str, int]
    newest: Mapping[str, datetime | None]

    def __getitem__(self, name: str) -> ir.Table:
        return self.found[name]

    def __iter__(self) -> Any:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)


def open_tables(warehouse: Warehouse, now: datetime, quarantine: Path | None = None) -> Tables:
    """The tables at `now`, how many rows broke the contract, and how new each table is.

    Of several rows with one key the latest is kept. Where `quarantine` is a folder, the broken rows are written
    there, one Parquet file a table, with their reason and without contact columns.
    """
    found: dict[str, ir.Table] = {}
    counts: dict[str, int] = {}
    newest: dict[str, datetime | None] = {name: None for name, source in SOURCES.items() if source.since}
    for name, source in SOURCES.items():
        if not source.required and not warehouse.has(name):
            continue
        rows = visible(name, warehouse.table(name), now)
        broken, latest = _inspect(warehouse, name, rows)
        if source.since:
            newest[name] = latest
        if broken:
            rows = with_reason(name, rows, warehouse.currency)
            if quarantine is not None:
                quarantine.mkdir(parents=True, exist_ok=True)
                bad = rows.filter(rows.reason.notnull()).drop(*(set(CONTACT_COLUMNS) & set(rows.columns)))
                save(warehouse.backend, bad, quarantine / f"{name}.parquet", name)
            rows = rows.filter(rows.reason.isnull()).drop("reason")
        found[name] = rows
        counts |= {f"{name}.{reason}": count for reason, count in broken.items()}
    found["orders"] = done(found["orders"])
    found["order_lines"] = _enriched(found["order_lines"], found["orders"], found["products"])
    return Tables(found, counts, newest)


def visible(name: str, table: ir.Table, now: datetime) -> ir.Table:
    """The rows that are there at `now`; one without a time is."""
    import ibis

    since = SOURCES[name].since
    if since is None:
        return table
    return table.filter(table[since].isnull() | (table[since] < ibis.literal(now, type="timestamp('UTC', 6)")))


def done(orders: ir.Table) -> ir.Table:
    """Orders that were neither returned nor cancelled."""
    return orders.filter(orders.status.isnull() | orders.status.lower().notin(UNDONE))


def with_reason(name: str, table: ir.Table, currency: str) -> ir.Table:
    """The rows and, under `reason`, what is wrong with each: NULL, a column's name, or DUPLICATE."""
    import ibis

    source = SOURCES[name]
    table = table.mutate(reason=fault(name, table, currency))
    if source.key is None:
        return table
    # Sound rows compete among themselves: a broken latest row must not push out a sound earlier one.
    latest = [table[source.since].desc()] if source.since else []
    others = [table[column] for column in table.columns if column not in (source.key, source.since, "reason")]
    window = ibis.window(group_by=[table.reason, table[source.key]], order_by=[*latest, *others])
    repeated = table.reason.isnull() & (ibis.row_number().over(window) > 0)
    return table.mutate(reason=repeated.ifelse(DUPLICATE, table.reason))


def _inspect(warehouse: Warehouse, name: str, table: ir.Table) -> tuple[dict[str, int], datetime | None]:
    """How many rows break the contract, by reason, and the latest moment: one scan, so that the usual clean table
    costs no sorting.
    """
    source = SOURCES[name]
    groups = table.group_by(reason=fault(name, table, warehouse.currency))
    asked = {"rows": table.count()}
    if source.key is not None:
        asked["keys"] = table[source.key].nunique()
    if source.since:
        asked["latest"] = table[source.since].max()
    rows: list[dict[str, Any]] = fetch(warehouse.backend, groups.aggregate(**asked), name).to_pylist()
    found = {row["reason"]: row for row in rows}
    counts = {reason: int(found[reason]["rows"]) for reason in source.columns if reason in found}
    if None in found and source.key is not None:
        counts[DUPLICATE] = int(found[None]["rows"] - found[None]["keys"])
    moments = [row["latest"] for row in rows if row.get("latest") is not None]
    return {reason: count for reason, count in counts.items() if count}, max(moments, default=None)


def _enriched(lines: ir.Table, orders: ir.Table, products: ir.Table) -> ir.Table:
    joined = lines.join(orders.select("order_id", "customer_id", "ordered_at"), "order_id")
    return joined.left_join(products.select("product_id", "category"), "product_id").drop("product_id_right")
