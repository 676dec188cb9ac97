"""What the demo shop's activities cost, month by month: made up, so that profit has something to be reckoned from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tidings.demo.source import Calendar
from tidings.demo.tables import write_parquet

if TYPE_CHECKING:
    import duckdb

COSTS = """
    WITH monthly AS (
        SELECT strftime(ordered_at, '%Y-%m') AS period, count(*) AS orders
        FROM read_parquet('{folder}/orders/history.parquet')
        WHERE ordered_at >= TIMESTAMPTZ '{first}' GROUP BY 1
    )
    SELECT period, activity, round(fixed + rate * orders, 2)::DECIMAL(12,2) AS amount, driver, cost_level
    FROM monthly, (VALUES
        ('checkout', 2000, 1.50, 'orders', 'batch'),
        ('picking', 1000, 1.05, 'order_lines', 'unit'),
        ('complaints', 900, 0, 'cases', 'customer'),
        ('assortment', 2500, 0, NULL, 'product'),
        ('rent and management', 9000, 0, NULL, 'business')
    ) AS pools(activity, fixed, rate, driver, cost_level)
    UNION ALL SELECT '{letters}', 'letters', 60.00, 'contacts', 'batch'
"""


def write_costs(connection: duckdb.DuckDBPyConnection, folder: Path, moved: Calendar) -> int:
    """Write `activity_costs.parquet` beside the orders: the whole months of history, and the one it ends in."""
    start = moved.start
    first = f"{start.year + start.month // 12}-{start.month % 12 + 1:02d}-01 00:00:00+00"
    place = str(folder).replace("'", "''")
    query = COSTS.format(folder=place, first=first, letters=f"{moved.cut:%Y-%m}")
    return write_parquet(connection, query, "period, activity", folder / "activity_costs.parquet")
