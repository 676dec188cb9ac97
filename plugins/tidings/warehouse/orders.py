"""Orders of given customers since given moments: what goals, branches and measurement look at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from tidings.project import Project
from tidings.warehouse.connection import Warehouse, open_warehouse
from tidings.warehouse.reading import fetch
from tidings.warehouse.tables import done, visible, with_reason

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

COLUMNS = ("customer_id", "order_id", "ordered_at", "value")


def orders_since(
    project: Project, customers: pd.DataFrame, now: datetime, where: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """customer_id, order_id, ordered_at (UTC) and value (the order's total in minor units), in order of time.

    `customers` has customer_id and since (UTC); a customer may stand in it once. An order counts from `since` on
    and before `now`. `where` asks for a line of a `category` or `product` (its id); then the value is still that
    of the whole order. Orders that break the source contract, were returned or were cancelled do not count.
    """
    import pandas as pd

    if customers.empty:
        empty = pd.DataFrame({name: pd.Series(dtype="str") for name in COLUMNS})
        return empty.astype({"ordered_at": "datetime64[us, UTC]", "value": "int64"})
    since = pd.to_datetime(customers["since"], utc=True)
    with open_warehouse(project) as warehouse:
        found = _orders(warehouse, since.min().to_pydatetime(), now, dict(where or {}))
        orders: pd.DataFrame = fetch(warehouse.backend, found, "orders").to_pandas()
    asked = pd.DataFrame({"customer_id": customers["customer_id"].astype("str"), "since": since})
    orders = orders.merge(asked, on="customer_id")
    orders = orders[orders["ordered_at"] >= orders["since"]].drop(columns="since")
    return orders.sort_values(["ordered_at", "order_id"], ignore_index=True)


def _orders(warehouse: Warehouse, earliest: datetime, now: datetime, where: dict[str, str]) -> ir.Table:
    import ibis

    # A key that stands twice keeps its latest row, so nothing before `earliest` can change what is kept after it.
    rows = visible("orders", warehouse.table("orders"), now)
    rows = rows.filter(rows.ordered_at >= ibis.literal(earliest, type="timestamp('UTC', 6)"))
    if where:
        rows = rows.semi_join(_lines(warehouse, where), "order_id")
    rows = with_reason("orders", rows, warehouse.currency)
    rows = done(rows.filter(rows.reason.isnull()))
    return rows.select("customer_id", "order_id", "ordered_at", value=rows.total)


def _lines(warehouse: Warehouse, where: dict[str, str]) -> ir.Table:
    """The ids of orders with a sound line of the category or product."""
    lines = warehouse.table("order_lines")
    lines = lines.filter(lines.quantity >= 0, lines.unit_price >= 0)
    if "product" in where:
        lines = lines.filter(lines.product_id == where["product"])
    if "category" in where:
        products = warehouse.table("products")
        lines = lines.semi_join(products.filter(products.category == where["category"]), "product_id")
    return lines.select("order_id")
