"""The published totals of Online Retail 2010-11 (Chen, UCI, CC BY 4.0) come out of the source contract."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.warehouse.workspaces import workspace
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.reading import fetch
from tidings.warehouse.tables import open_tables

RETAIL = "FROM online_retail_2010_2011"
NOTHING = "NULL AS email, NULL AS phone, NULL AS first_name, NULL AS last_name, NULL AS locale, NULL AS timezone"
# Some prices are tenths of a penny, so that the money is said to be one of thousandths.
TABLES = {
    "customers": f"SELECT CustomerID AS customer_id, {NOTHING}, min(Country) AS country, min(InvoiceDate) AS created_at"
    f" {RETAIL} GROUP BY CustomerID",
    "orders": "SELECT InvoiceNo AS order_id, CustomerID AS customer_id, min(InvoiceDate) AS ordered_at, sum(Quantity *"
    " CAST(UnitPrice AS DECIMAL(18, 3))) FILTER (WHERE Quantity > 0 AND UnitPrice > 0) AS total, 'KWD' AS currency,"
    f" 'completed' AS status, NULL AS channel {RETAIL} GROUP BY InvoiceNo, CustomerID",
    "order_lines": "SELECT InvoiceNo AS order_id, StockCode AS product_id, Quantity AS quantity,"
    f" UnitPrice AS unit_price, NULL AS discount {RETAIL} WHERE UnitPrice <> 0",
    "products": "SELECT StockCode AS product_id, StockCode AS name, NULL AS category, 0 AS price, NULL AS unit_cost,"
    f" true AS in_stock, NULL AS url, NULL AS image_url {RETAIL} GROUP BY StockCode",
}


@pytest.mark.reference
def test_the_cleaned_totals_are_the_published_ones(reference: Path, tmp_path: Path) -> None:
    """Invoices and customers before cleaning; lines, customers, invoices and money after it, to the last thousandth."""
    source = {"folder": str(reference / "online_retail"), "tables": TABLES}
    with open_warehouse(workspace(tmp_path, base_currency="KWD", warehouse=source)) as warehouse:
        every = {name: warehouse.table(name) for name in ("orders", "customers")}
        tables = open_tables(warehouse, datetime(2012, 1, 1, tzinfo=UTC))
        orders = tables["orders"]
        counted = orders.aggregate(orders=orders.count(), people=orders.customer_id.nunique(), total=orders.total.sum())
        found = {name: fetch(warehouse.backend, table.count().as_table(), name) for name, table in every.items()}
        found["lines"] = fetch(warehouse.backend, tables["order_lines"].count().as_table(), "order_lines")
        [cleaned] = fetch(warehouse.backend, counted, "orders").to_pylist()
    sizes = {name: rows.column(0)[0].as_py() for name, rows in found.items()}
    assert sizes == {"orders": 25_900, "customers": 4_372 + 1, "lines": 397_884}  # one row for who is not known
    assert {name: int(value) for name, value in cleaned.items()} == {
        "orders": 18_532, "people": 4_338, "total": 8_911_407_904,
    }  # fmt: skip
    assert tables.quarantined["customers.customer_id"] == 1
