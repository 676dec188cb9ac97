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
    moment before `now`, also that of a broken row, and None where there is none or no such table. `sound` is the mark
    of files in which no row is broken and none lies in the future, or None.
    """

    found: Mapping[str, ir.Table]
    quarantined: Mapping[str, int]
    newest: Mapping[str, datetime | None]
    sound: str | None = None

    def __getitem__(self, name: str) -> ir.Table:
        return self.found[name]

    def __iter__(self) -> Any:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    @property
    def kept(self) -> dict[str, Any]:
        """What the summary of a snapshot keeps of the reading, for the next `open_tables`."""
        return {"newest": {name: at and at.isoformat() for name, at in self.newest.items()}, "sound": self.sound}


def open_tables(
    warehouse: Warehouse, now: datetime, quarantine: Path | None = None, earlier: Mapping[str, Any] | None = None
) -> Tables:
    """The tables at `now`, how many rows broke the contract, and how new each table is.

    Of several rows with one key the latest is kept. Where `quarantine` is a folder, the broken rows are written
    there, one Parquet file a table, with their reason and without contact columns. `earlier` is the summary of the
    last snapshot: files that were sound and have not changed since are not looked through again.
    """
    mark = warehouse.mark()
    known = _known(earlier or {}, mark, now)
    later = False
    found: dict[str, ir.Table] = {}
    counts: dict[str, int] = {}
    newest: dict[str, datetime | None] = {name: None for name, source in SOURCES.items() if source.since}
    for name, source in SOURCES.items():
        if not source.required and not warehouse.has(name):
            continue
        table = warehouse.table(name)
        rows = visible(name, table, now)
        broken, latest, ahead = _inspect(warehouse, name, table, now) if known is None else ({}, known.get(name), False)
        later = later or ahead
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
    return Tables(found, counts, newest, None if counts or later else mark)


def _known(earlier: Mapping[str, Any], mark: str | None, now: datetime) -> dict[str, datetime | None] | None:
    """The newest moments by an earlier reading that a new one would only repeat; None where it has to look.

    Nothing was in the future then, so that the same rows are visible at every later `now`.
    """
    if mark is None or earlier.get("sound") != mark or datetime.fromisoformat(earlier["as_of"]) > now:
        return None
    return {name: at and datetime.fromisoformat(at) for name, at in earlier["newest"].items()}


def visible(name: str, table: ir.Table, now: datetime) -> ir.Table:
    """The rows that are there at `now`; one without a time is."""
    there = _there(name, table, now)
    return table if there is None else table.filter(there)


def _there(name: str, table: ir.Table, now: datetime) -> ir.BooleanValue | None:
    import ibis

    since = SOURCES[name].since
    if since is None:
        return None
    return table[since].isnull() | (table[since] < ibis.literal(now, type="timestamp('UTC', 6)"))


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


def _inspect(
    warehouse: Warehouse, name: str, table: ir.Table, now: datetime
) -> tuple[dict[str, int], datetime | None, bool]:
    """How many of the rows that are there break the contract, by reason; their latest moment; and whether others are
    not there yet: one scan, so that the usual clean table costs no sorting.
    """
    source = SOURCES[name]
    found = _there(name, table, now)
    groups = table.group_by(
        reason=fault(name, table, warehouse.currency), **({} if found is None else {"there": found})
    )
    asked = {"rows": table.count()}
    if source.key is not None:
        asked["keys"] = table[source.key].nunique()
    if source.since:
        asked["latest"] = table[source.since].max()
    every: list[dict[str, Any]] = fetch(warehouse.backend, groups.aggregate(**asked), name).to_pylist()
    rows = [row for row in every if row.get("there", True)]
    by_reason = {row["reason"]: row for row in rows}
    counts = {reason: int(by_reason[reason]["rows"]) for reason in source.columns if reason in by_reason}
    if None in by_reason and source.key is not None:
        counts[DUPLICATE] = int(by_reason[None]["rows"] - by_reason[None]["keys"])
    moments = [row["latest"] for row in rows if row.get("latest") is not None]
    broken = {reason: count for reason, count in counts.items() if count}
    return broken, max(moments, default=None), len(rows) < len(every)


def _enriched(lines: ir.Table, orders: ir.Table, products: ir.Table) -> ir.Table:
    joined = lines.join(orders.select("order_id", "customer_id", "ordered_at"), "order_id")
    return joined.left_join(products.select("product_id", "category"), "product_id").drop("product_id_right")
