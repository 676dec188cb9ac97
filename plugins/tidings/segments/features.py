"""What a condition may ask about: the warehouse's features, and those that stage 2 adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidings.errors import TidingsError
from tidings.project import Project
from tidings.segments.expressions import Kind
from tidings.segments.touches import LAST
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.features import feature_columns

if TYPE_CHECKING:
    import ibis.expr.types as ir

QUINTILES = {"rfm_recency": "last_order_at", "rfm_frequency": "orders", "rfm_money": "total_spend"}
"""Quintile columns, 5 the best fifth of those who ever ordered, and what each ranks."""

STAGE_2: dict[str, Kind] = {**dict.fromkeys(QUINTILES, "number"), **dict.fromkeys(LAST.values(), "time")}


def all_columns(customers: ir.Table) -> dict[str, Kind]:
    """Feature columns and their kinds; `customers` is the conformed table, whose own columns are among them."""
    return {**feature_columns(customers), **STAGE_2}


def known_columns(project: Project) -> dict[str, Kind] | None:
    """The feature columns of the project's warehouse; None where it cannot be read, as before the data is there."""
    try:
        with open_warehouse(project) as warehouse:
            return all_columns(warehouse.table("customers"))
    except TidingsError:
        return None
