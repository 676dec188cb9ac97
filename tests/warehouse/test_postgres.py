"""The same shop in PostgreSQL and in files gives the same answers."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.databases import empty_postgres
from tests.segments.naive import CATEGORIES, Shop, build
from tests.warehouse.workspaces import NOW, ago, workspace
from tidings.errors import TidingsError
from tidings.project import Project
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.features import save_features
from tidings.warehouse.orders import orders_since
from tidings.warehouse.reading import fetch
from tidings.warehouse.tables import open_tables

ASKED: list[tuple[str, dict[str, Any]]] = [
    ("bought", {"category": "Milk", "within": "60d"}),
    ("bought", {"category": CATEGORIES[2], "product": "p3", "within": "60d"}),
    ("ordered", {"within": "90d", "at_least": 2}),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Sixty customers in Parquet files."""
    return build(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def database(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same tables in PostgreSQL."""
    url = empty_postgres()
    connection = ibis.connect(url)
    for path in shop.project.warehouse_folder.glob("*.parquet"):
        connection.create_table(path.stem, pq.read_table(path))
    connection.disconnect()
    return workspace(tmp_path_factory.mktemp("database"), warehouse={"url": url})


def answers(project: Project, path: Path) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Stage 1 with some named conditions, by customer, and what was quarantined."""
    kinds = project.plugins.conditions
    conditions = [kinds[name](kinds[name].Config.model_validate(config)) for name, config in ASKED]
    with open_warehouse(project) as warehouse:
        tables = open_tables(warehouse, NOW)
        save_features(warehouse, tables, conditions, NOW, path)
        return sorted(pq.read_table(path).to_pylist(), key=lambda row: row["customer_id"]), dict(tables.quarantined)


def test_features_are_the_same_on_both_engines(shop: Shop, database: Project, tmp_path: Path) -> None:
    """Counts, cents, days, gaps and conditions, to the last digit; quotes in categories are no trouble (R50)."""
    files, database_ = answers(shop.project, tmp_path / "a"), answers(database, tmp_path / "b")
    assert files == database_
    assert len(files[0]) == 60


def test_orders_since_are_the_same_on_both_engines(shop: Shop, database: Project) -> None:
    """Goals and branches see the same orders."""
    customers = pd.DataFrame({"customer_id": list(shop.orders), "since": pd.Timestamp(ago(60))})
    for where in ({}, {"category": "Milk"}):
        one, other = (orders_since(project, customers, NOW, where) for project in (shop.project, database))
        pd.testing.assert_frame_equal(one[sorted(one)], other[sorted(other)])
        assert len(one) > 5


def test_postgresql_is_read_only(database: Project) -> None:
    """The session refuses to write, whatever the role may do (R50)."""
    import psycopg

    with open_warehouse(database) as warehouse:
        for statement in ("CREATE TABLE x (a INT)", "DELETE FROM orders", "UPDATE orders SET total = 0"):
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                warehouse.backend.raw_sql(statement)
            warehouse.backend.con.rollback()


def test_a_table_may_be_a_query(shop: Shop, database: Project, tmp_path: Path) -> None:
    """A SELECT of the settings is read in the read-only session, with the types that the table has."""
    tables = {
        name: f"select * from {name} -- all of it\n;" for name in ("customers", "orders", "order_lines", "products")
    }
    settings = database.settings.warehouse.model_copy(update={"tables": tables})
    asked = replace(database, settings=database.settings.model_copy(update={"warehouse": settings}))
    assert answers(asked, tmp_path / "a") == answers(database, tmp_path / "b")


def slow(project: Project) -> Project:
    """The same project with almost no time for a statement."""
    found = project.settings.warehouse.model_copy(update={"timeout": timedelta(milliseconds=20)})
    return replace(project, settings=project.settings.model_copy(update={"warehouse": found}))


def test_a_session_has_its_name(database: Project) -> None:
    """Who runs the database sees whose session it is."""
    with open_warehouse(database) as warehouse, closing(warehouse.backend.raw_sql("SHOW application_name")) as cursor:
        assert cursor.fetchall() == [("tidings",)]


@pytest.mark.parametrize(
    ("engine", "rows", "reason"),
    [
        ("files", "range(100000000000)", "took too long and was interrupted"),
        ("database", "generate_series(1, 100000000000)", "gave up a statement"),
    ],
)
def test_a_statement_that_takes_too_long_is_a_sentence(
    shop: Shop, database: Project, engine: str, rows: str, reason: str
) -> None:
    """What was read, and which setting allows more."""
    said = rf"the warehouse {reason} \(orders\).*; allow more in warehouse\.timeout"
    with open_warehouse(slow(shop.project if engine == "files" else database)) as warehouse:
        statement = f"SELECT sum(length(md5(g::text))) AS n FROM {rows} t(g)"
        table = warehouse.backend.sql(statement, schema={"n": "int64"})
        with pytest.raises(TidingsError, match=said):
            fetch(warehouse.backend, table, "orders")


def test_a_server_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    """The driver's own words come as one of ours."""
    away = workspace(tmp_path, warehouse={"url": "postgresql://nobody@127.0.0.1:1/none"})
    with pytest.raises(TidingsError, match=r"the warehouse cannot be read \(postgresql\): "), open_warehouse(away):
        pass
