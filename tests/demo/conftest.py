"""A small demo: the workspace of the repository on the small shop, laid out as the large one is."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tidings.demo import tables
from tidings.demo.small_shop import write_small_shop
from tidings.demo.tables import write_parquet

ROOT = Path(__file__).parent.parent.parent
FILES = {
    "customers": ("customers.parquet", tables.CUSTOMERS),
    "orders": ("orders/history.parquet", tables.ORDERS),
    "order_lines": ("order_lines/history.parquet", tables.ORDER_LINES),
    "products": ("products.parquet", tables.PRODUCTS),
    "consents": ("consents.parquet", tables.CONSENTS),
    "cases": ("cases.parquet", tables.CASES),
}


def copy_workspace(folder: Path) -> Path:
    """The files of the repository's workspace, without what belongs to one machine."""
    for name in ("config", "segments", "templates", "dags"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("local.yaml", "__pycache__"))
    shutil.copytree(ROOT / "plugins", folder / "plugins", ignore=shutil.ignore_patterns("tidings", "__pycache__"))
    return folder


def write_small_demo(data: Path, scraps: Path, history_end: date, customers: int = 240) -> None:
    """Write the small shop into `data` as Parquet, in the files and types of the large one."""
    write_small_shop(scraps, end=history_end, customers=customers)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, (file, columns) in FILES.items():
            rows = connection.read_csv(str(scraps / f"{name}.csv"), dtype=columns)  # noqa: F841 - DuckDB finds it by name
            connection.execute(f"CREATE TABLE {name} AS FROM rows")
            write_parquet(connection, f"FROM {name}", "ALL", data / file)


@pytest.fixture(scope="module")
def small_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small shop as Parquet up to 3 November 2026, in a workspace; to be copied by whoever writes into it."""
    folder = tmp_path_factory.mktemp("small demo")
    root = copy_workspace(folder / "a demo")
    write_small_demo(root / "data", folder / "csv", date(2026, 11, 3), customers=600)
    (root / "config" / "local.yaml").write_text("channels: {email: {providers: [outbox]}}\n")
    return root
