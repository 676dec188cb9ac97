"""What it costs that every refresh says what each customer will buy, beside the refresh as a whole.

A million customers with three orders each on average, fixed seed, no contacts. Prints the CPU time of the whole
refresh, of stage 1 and of fitting and scoring.
`make bench`, or with fewer customers: CUSTOMERS=100000.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from tests.warehouse.workspaces import NOW, workspace
from tidings.insight.customers import value_customers
from tidings.verbs.refresh import refresh
from tidings.warehouse import features
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.days import today
from tidings.warehouse.tables import open_tables

CUSTOMERS = int(os.environ.get("CUSTOMERS", "1000000"))
TABLES = {
    "customers": """
        SELECT i::VARCHAR AS customer_id, NULL::VARCHAR AS email, NULL::VARCHAR AS phone, NULL::VARCHAR AS first_name,
            NULL::VARCHAR AS last_name, 'en' AS locale, 'UTC' AS timezone, 'US' AS country,
            TIMESTAMPTZ '2024-01-01 00:00:00+00' AS created_at
        FROM range($customers) AS t(i)""",
    # Half of a customer's orders are those of customers with a low number: some buy often, most seldom.
    "orders": """
        SELECT i::VARCHAR AS order_id, (($customers * pow(random(), 2))::BIGINT % $customers)::VARCHAR AS customer_id,
            TIMESTAMPTZ '2024-11-01 00:00:00+00' + to_seconds(random() * 730 * 86400) AS ordered_at,
            (5 + 40 * random())::DECIMAL(12, 2) AS total, 'USD' AS currency, 'completed' AS status, 'web' AS channel
        FROM range(3 * $customers) AS t(i)""",
}


def seconds(run: Callable[[], Any]) -> float:
    """CPU time of all threads."""
    start = time.process_time()
    run()
    return time.process_time() - start


def main() -> None:
    """One refresh, and its parts once more by themselves."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        project = workspace(root, segments={"slipping": ["p_alive < 0.35 and predicted_value_12m >= 40"]})
        with duckdb.connect() as connection:
            connection.execute("SET threads = 1; SELECT setseed(0.5)")
            for name, select in TABLES.items():
                sql = f"COPY ({select}) TO '{root}/data/{name}.parquet' (FORMAT parquet)"
                connection.execute(sql, {"customers": CUSTOMERS})
        whole = seconds(lambda: refresh(project, NOW))
        stage_1 = root / "features.parquet"
        with open_warehouse(project) as warehouse:
            tables = open_tables(warehouse, NOW)
            first = seconds(lambda: features.save_features(warehouse, tables, [], NOW, stage_1))
        fitted = seconds(lambda: value_customers(stage_1, today(NOW, "UTC"), "USD"))
    print(
        f"{CUSTOMERS:,} customers, {3 * CUSTOMERS:,} orders: refresh {whole:.1f} s of CPU, of which "
        f"stage 1 {first:.1f} s, fit and scores {fitted:.1f} s ({fitted / whole:.1%})"
    )


if __name__ == "__main__":
    main()
