from __future__ import annotations

import os

import duckdb
import pytest

from tidings.warehouse.scratch import scratch


def test_each_has_a_database_of_its_own() -> None:
    """The same name in two of them is two tables, and a setting of one is none of the other."""
    with scratch() as one, scratch() as other:
        for number, connection in enumerate((one, other)):
            connection.execute(f"CREATE TABLE people AS SELECT {number} AS who")
        one.execute("SET TimeZone = 'Asia/Ho_Chi_Minh'")
        assert [(0,)] == one.execute("SELECT who FROM people").fetchall()
        assert [(1,)] == other.execute("SELECT who FROM people").fetchall()
        assert [("UTC",)] == other.execute("SELECT current_setting('TimeZone')").fetchall()


def test_nothing_is_left_of_it() -> None:
    """Neither after its end nor after a failure within, and what failed is what is raised."""
    with pytest.raises(duckdb.CatalogException, match="nobody"), scratch() as connection:
        connection.execute("CREATE TABLE people AS SELECT 1 AS who; FROM nobody")
    with scratch() as connection:
        there = connection.execute("SELECT database_name FROM duckdb_databases() WHERE NOT internal").fetchall()
        assert {"memory", *connection.execute("SELECT current_database()").fetchone()} == {name for [name] in there}
        with pytest.raises(duckdb.CatalogException):
            connection.execute("FROM people")


def test_a_fork_starts_an_engine_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent's has threads that are not in the fork."""
    with scratch() as parents:
        parents.execute("SET GLOBAL memory_limit = '3GB'")
        limit = parents.execute("SELECT current_setting('memory_limit')").fetchone()
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with scratch() as own:
            assert limit != own.execute("SELECT current_setting('memory_limit')").fetchone()
        parents.execute("RESET GLOBAL memory_limit")
