from __future__ import annotations

from pathlib import Path

import duckdb
import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tidings.errors import TidingsError
from tidings.warehouse.reading import Unreachable, bound, fetch, reading, save

CANARY = "milk'); DROP TABLE orders; --"


@pytest.fixture
def table() -> ibis.expr.types.Table:
    """A table with a category that no one should spell."""
    backend = ibis.duckdb.connect()
    return backend.create_table("goods", pa.table({"category": [CANARY, "bread"], "sold": [1, 2]}))


def test_texts_that_are_compared_are_parameters(table: ibis.expr.types.Table) -> None:
    """No text of a condition is part of the statement, which still finds what was asked for (R50)."""
    backend = ibis.get_backend(table)
    asked = table.filter((table.category == CANARY) | table.category.isin([CANARY, "x"])).select("sold")
    sql, parameters = bound(backend, asked)
    assert "DROP" not in sql
    assert "milk" not in sql
    assert set(parameters.values()) == {CANARY, "x"}
    assert fetch(backend, asked, "goods").to_pylist() == [{"sold": 1}]


def test_rows_go_straight_to_parquet(table: ibis.expr.types.Table, tmp_path: Path) -> None:
    """Also into a folder whose name has a quote in it."""
    folder = tmp_path / "lan's"
    folder.mkdir()
    save(ibis.get_backend(table), table.filter(table.category == CANARY), folder / "x.parquet", "goods")
    assert pq.read_table(folder / "x.parquet").to_pylist() == [{"category": CANARY, "sold": 1}]


@pytest.mark.parametrize(
    "error", [duckdb.IOException("disk\ngone"), OSError("disk"), ibis.common.exceptions.IbisError("disk")]
)
def test_what_the_engine_says_comes_as_our_error(error: Exception) -> None:
    """One line, the thing that was read, and what to do."""
    with (
        pytest.raises(TidingsError, match=r"the warehouse cannot be read \(orders\): disk; check the source"),
        reading("orders"),
    ):
        raise error


def test_a_driver_that_is_missing_is_named() -> None:
    """A database by URL needs its library."""
    with pytest.raises(TidingsError, match="needs a library that is not installed: oracledb"), reading("oracle"):
        raise ModuleNotFoundError(name="oracledb")


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (OSError("disk"), True),
        (duckdb.IOException("disk"), True),
        (ModuleNotFoundError(name="oracledb"), True),
        (duckdb.BinderException("no column"), False),
        (duckdb.ParserException("no SQL"), False),
        (ibis.common.exceptions.IbisTypeError("no type"), False),
    ],
)
def test_what_cannot_be_reached_is_nobody_s_mistake(error: Exception, away: bool) -> None:
    """A disk, a network, a library is one thing, what the engine says of our files another."""
    with pytest.raises(TidingsError) as caught, reading("orders"):
        raise error
    assert isinstance(caught.value, Unreachable) is away


def test_an_error_without_words_is_called_by_its_kind() -> None:
    """Something is always said."""
    with pytest.raises(TidingsError, match=r"cannot be read \(orders\): TimeoutError"), reading("orders"):
        raise TimeoutError
