"""What a condition may ask about: the warehouse's features, and those that stage 2 adds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tidings.errors import TidingsError
from tidings.project import Project
from tidings.segments.dates import NEXT_DUE
from tidings.segments.expressions import Kind
from tidings.segments.touches import LAST
from tidings.warehouse.connection import Warehouse, open_warehouse
from tidings.warehouse.contract import SOURCES
from tidings.warehouse.features import VALUE, FeatureKind, feature_columns
from tidings.warehouse.freshness import Stale, stale_sources
from tidings.warehouse.reading import Unreachable, fetch
from tidings.warehouse.tables import visible

if TYPE_CHECKING:
    import ibis.expr.types as ir

QUINTILES = {"rfm_recency": "last_order_at", "rfm_frequency": "orders", "rfm_money": "total_spend"}
"""Quintile columns, 5 the best fifth of those who ever ordered, and what each ranks."""

STAGE_2: dict[str, FeatureKind] = {
    **dict.fromkeys(QUINTILES, "number"),
    **dict.fromkeys(LAST.values(), "time"),
    **dict.fromkeys(("level", "status"), "text"),
    NEXT_DUE: "date",
    **VALUE,
    **dict.fromkeys(("margin", "activity_cost", "profit"), "money"),
    "share_of_wallet": "number",
}


def all_columns(customers: ir.Table) -> dict[str, Kind]:
    """Feature columns and their kinds; `customers` is the conformed table, whose own columns are among them."""
    return dict(feature_columns(customers, STAGE_2))


@dataclass
class Sources:
    """What is known of the company's tables before a refresh; None stands for what is not known.

    `wrong` says what a refresh would trip over: the table, or None where it is the warehouse, and the mistake; `stale`
    which tables are too old.
    """

    columns: dict[str, Kind] | None = None
    categories: set[str] | None = None
    tables: set[str] | None = None
    wrong: list[tuple[str | None, TidingsError]] = field(default_factory=list)
    stale: list[Stale] = field(default_factory=list)


def look_at_sources(project: Project, now: datetime | None = None) -> Sources:
    """The tables of the project's warehouse against the source contract; it stops where the warehouse is not there.

    With `now`, also which are older then than `warehouse.freshness` allows.
    """
    found = Sources()
    limits = project.settings.warehouse.freshness if now else {}
    try:
        with open_warehouse(project) as warehouse:
            there: set[str] = set()
            for name, source in SOURCES.items():
                try:
                    if source.required or warehouse.has(name):
                        there.add(name)
                        _look_at(warehouse, name, found)
                        if now and name in limits:
                            found.stale += _stale(warehouse, name, limits[name], now)
                except Unreachable:
                    raise
                except TidingsError as error:
                    found.wrong.append((name, error))
            found.tables = there
    except TidingsError as error:
        found.wrong.append((None, error))
    return found


def _look_at(warehouse: Warehouse, name: str, found: Sources) -> None:
    table = warehouse.table(name)
    if name == "customers":
        found.columns = all_columns(table)
    if name == "products":
        rows: Any = fetch(warehouse.backend, table.select("category").distinct(), name)
        found.categories = {category for category in rows.column("category").to_pylist() if category is not None}


def _stale(warehouse: Warehouse, name: str, limit: timedelta, now: datetime) -> list[Stale]:
    since = SOURCES[name].since
    if since is None:
        return []
    table = visible(name, warehouse.table(name), now)
    rows: Any = fetch(warehouse.backend, table.aggregate(newest=table[since].max()), name)
    return stale_sources({name: limit}, {name: rows.column("newest")[0].as_py()}, now, now)
