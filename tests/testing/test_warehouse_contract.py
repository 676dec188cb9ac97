"""Every engine that we have here keeps the promises of the kit, and the contract finds one that does not.

Spark has a file of its own, `tests/warehouse/test_spark.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.databases import empty_postgres
from tests.testing.naive_shop import NAMED, PEOPLE, holds
from tests.warehouse.workspaces import workspace
from tidings.project import Project
from tidings.testing import warehouse_contract
from tidings.testing.warehouse_contract import Lay, WarehouseContract
from tidings.testing.warehouse_questions import QUESTIONS
from tidings.warehouse import features


@pytest.fixture
def files(tmp_path: Path) -> Lay:
    """A folder of Parquet files."""

    def lay(tables: Mapping[str, pa.Table]) -> Project:
        project = workspace(tmp_path)
        for name, table in tables.items():
            pq.write_table(table, tmp_path / "data" / f"{name}.parquet")
        return project

    return lay


class TestFiles(WarehouseContract):
    """DuckDB over Parquet."""

    @pytest.fixture
    def lay(self, files: Lay) -> Lay:
        """The folder."""
        return files


class TestDatabase(WarehouseContract):
    """A DuckDB file."""

    @pytest.fixture
    def lay(self, tmp_path: Path) -> Lay:
        """A new file."""

        def lay(tables: Mapping[str, pa.Table]) -> Project:
            path = tmp_path / "company.ddb"
            with duckdb.connect(str(path)) as connection:
                for name, table in tables.items():
                    connection.register("rows", table)
                    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM rows")
            return workspace(tmp_path / "workspace", warehouse={"url": f"duckdb://{path}"})

        return lay


class TestServer(WarehouseContract):
    """PostgreSQL."""

    @pytest.fixture
    def lay(self, tmp_path: Path) -> Lay:
        """A new database."""

        def lay(tables: Mapping[str, pa.Table]) -> Project:
            url = empty_postgres()
            connection = ibis.connect(url)
            for name, table in tables.items():
                connection.create_table(name, table)
            connection.disconnect()
            return workspace(tmp_path, warehouse={"url": url})

        return lay


def test_who_is_in_it_is_what_plain_python_finds() -> None:
    """The answers that every engine is held to come from no engine; every named condition is asked three times."""
    read = {
        name: " ".join(sorted(who for who in PEOPLE if holds(where, who))) for name, (where, _) in QUESTIONS.items()
    }
    assert {name: members for name, (_, members) in QUESTIONS.items()} == read
    words = Counter(word for where, _ in QUESTIONS.values() for word in asked_in(where))
    rare = {word for word in {*NAMED, "all", "any", "not", "sql", "in_segment"} if words[word] < 3}
    assert (len(QUESTIONS) >= 80, rare) == (True, set())


def asked_in(condition: Any) -> Iterator[str]:
    """The names of the conditions in a condition."""
    if isinstance(condition, list):
        for each in condition:
            yield from asked_in(each)
    if isinstance(condition, dict):
        [(word, value)] = condition.items()
        yield word
        yield from asked_in(value) if word in ("all", "any", "not") else ()


def test_an_engine_that_counts_otherwise_is_found(files: Lay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where seconds are lost, edges of days move, and the contract says so."""
    real: Callable[[ir.Column], ir.Column] = features._seconds
    monkeypatch.setattr(features, "_seconds", lambda moment: real(moment) // 100_000 * 100_000)
    with pytest.raises(AssertionError):
        WarehouseContract().test_the_same_people_are_in_every_segment(files)


def test_the_contract_brings_no_runner() -> None:
    """Whoever inherits it runs it with what they have."""
    assert "import pytest" not in Path(warehouse_contract.__file__).read_text(encoding="utf-8")
