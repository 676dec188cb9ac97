"""Spark as the warehouse: the contract of every engine, and what is peculiar to this one."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.warehouse.workspaces import customer, workspace
from tidings.errors import TidingsError
from tidings.project import Project
from tidings.testing.warehouse_contract import Lay, WarehouseContract
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.reading import fetch

pytestmark = [
    pytest.mark.skipif(not shutil.which("java"), reason="no java; apt-get install default-jre-headless"),
    # Spark leaves closing the sockets that it sends results through to the collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

CHEAP = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "1",
}
"""What keeps a few rows from costing minutes: one partition, no page, and no compiling of what runs once."""


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """The one session of this file; starting it is most of what these tests cost."""
    from pyspark.sql import SparkSession

    # It tells of every connection that it closes, the last ones when nobody listens any more.
    logging.getLogger("py4j").setLevel(logging.WARNING)
    builder = SparkSession.builder.master("local[1]")
    for name, value in CHEAP.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture
def lay(session: Any, tmp_path: Path) -> Lay:
    """The tables as views of the session."""

    def lay(tables: Mapping[str, pa.Table]) -> Project:
        for name, table in tables.items():
            session.createDataFrame(table).createOrReplaceTempView(name)
        return workspace(tmp_path, warehouse={"url": "pyspark://"})

    return lay


class TestSpark(WarehouseContract):
    """Spark on this machine."""

    @pytest.fixture
    def lay(self, lay: Lay) -> Lay:
        """Views."""
        return lay


def test_whole_numbers_beside_a_null_stay_whole(session: Any, lay: Lay) -> None:
    """What no float can hold comes back to the last digit."""
    project = lay({"numbers": pa.table({"n": [2**53 + 1, None]})})
    with open_warehouse(project) as warehouse:
        rows = fetch(warehouse.backend, warehouse.backend.table("numbers"), "numbers")
    assert rows.column("n").to_pylist() == [2**53 + 1, None]


def mapped(project: Project, text: str) -> Project:
    """The same project whose customers are a query."""
    asked = project.settings.warehouse.model_copy(update={"tables": {"customers": text}})
    return replace(project, settings=project.settings.model_copy(update={"warehouse": asked}))


def test_a_table_may_be_a_query(session: Any, lay: Lay, tmp_path: Path) -> None:
    """In Spark's own SQL, also straight over files; the session that was there goes on."""
    pq.write_table(pa.Table.from_pylist([customer("1"), customer("2")]), tmp_path / "people.parquet")
    asked = mapped(lay({}), f"SELECT * FROM parquet.`{tmp_path}/people.parquet` WHERE customer_id = '2'")
    with open_warehouse(asked) as warehouse:
        rows = fetch(warehouse.backend, warehouse.table("customers"), "customers").to_pylist()
    assert [row["customer_id"] for row in rows] == ["2"]
    assert session.sql("SELECT 1 AS one").collect()[0].one == 1


def _no_table(warehouse: Any) -> Any:
    return warehouse.table("orders")


def _no_rows(warehouse: Any) -> Any:
    return fetch(warehouse.backend, warehouse.table("customers"), "customers")


@pytest.mark.parametrize(
    ("text", "look", "said"),
    [
        ("select * from nowhere", _no_rows, r"the warehouse cannot be read \(customers\): .*nowhere"),
        ("select 1; select 2", _no_rows, r"warehouse\.tables\.customers is not one SELECT"),
        ("select * from people where raise_error('oh') is null", _no_rows, r"cannot be read \(customers\): .*oh"),
        ("people", _no_table, "the warehouse has no table 'orders'"),
    ],
)
def test_what_spark_says_comes_as_our_error(
    session: Any, lay: Lay, text: str, look: Callable[[Any], Any], said: str
) -> None:
    """A sentence and no page of Java."""
    project = mapped(lay({"people": pa.Table.from_pylist([customer("1")])}), text)
    session.catalog.dropTempView("orders")
    with open_warehouse(project) as warehouse, pytest.raises(TidingsError, match=said):
        look(warehouse)
