"""Running queries on the warehouse: literals bound, results as Arrow or straight to Parquet, failures in our words."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from tidings.errors import TidingsError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa


CANCELLED = "57014"
"""PostgreSQL's SQLSTATE of a statement that was cancelled, by its time-out or by somebody."""

DRIVERS: Mapping[str, Mapping[str, str]] = {
    "psycopg": {},
    "sqlite3": {},
    "pyspark.errors": {"Error": "PySparkException", "OperationalError": "PySparkRuntimeError"},
    "py4j.protocol": {"Error": "Py4JError", "OperationalError": "Py4JNetworkError"},
}
"""The modules of drivers beside DuckDB, and what they call an error that PEP 249 has another name for."""

LONGER = "allow more in warehouse.timeout, or make what warehouse.tables asks for cheaper"


class Unreachable(TidingsError):
    """The warehouse is not there, or not to be had from this machine now: no mistake in anybody's files."""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn what the engine raises while it reads `what` into a TidingsError."""
    try:
        yield
    except ImportError as error:
        fix = "install the extra of tidings or of ibis-framework that is named like the database"
        raise Unreachable(f"the warehouse needs a library that is not installed: {error.name}", fix) from error
    except _errors("Error") as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        if getattr(error, "sqlstate", None) == CANCELLED:
            raise TidingsError(f"the warehouse gave up a statement ({what}): {first}", LONGER) from error
        kind = Unreachable if isinstance(error, _errors("OperationalError")) else TidingsError
        raise kind(f"the warehouse cannot be read ({what}): {first}", "check the source and refresh again") from error


def _errors(name: str) -> tuple[type[Exception], ...]:
    """What the engines in use raise under a name of Python's database interface (PEP 249), and the system's errors."""
    import duckdb
    from ibis.common.exceptions import IbisError

    # A driver that is not imported has raised nothing.
    found = [
        getattr(sys.modules[module], own.get(name, name)) for module, own in DRIVERS.items() if module in sys.modules
    ]
    return (getattr(duckdb, name), *found, OSError, *([IbisError] if name == "Error" else []))


def limit(backend: Any, timeout: timedelta) -> None:
    """Let no statement of this connection take longer; nothing on engines other than DuckDB and PostgreSQL."""
    if backend.name == "postgres":
        backend.raw_sql(f"SET statement_timeout = {timeout // timedelta(milliseconds=1)}")
    elif backend.name == "duckdb":
        backend.tidings_timeout = timeout


@contextmanager
def _watched(backend: Any, what: str) -> Iterator[None]:
    """Interrupt DuckDB, which has no limit of its own, when the time of one statement is over."""
    import duckdb

    timeout: timedelta | None = getattr(backend, "tidings_timeout", None)
    if timeout is None:
        yield
        return
    done, over = Event(), Event()

    def watch() -> None:
        pause = timeout.total_seconds()
        # Again and again: DuckDB forgets an interruption that comes between two statements.
        while not done.wait(pause):
            over.set()
            backend.con.interrupt()
            pause = 0.1

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except duckdb.InterruptException as error:
        if not over.is_set():
            raise
        raise TidingsError(f"the warehouse took too long and was interrupted ({what})", LONGER) from error
    finally:
        done.set()
        watcher.join()


def fetch(backend: Any, table: ir.Table, what: str) -> pa.Table:
    """The rows as an Arrow table."""
    with reading(what):
        if backend.name == "pyspark":
            # Ibis goes through pandas, where a whole number beside a NULL becomes a float.
            rows: pa.Table = backend.raw_sql(backend.compile(table)).toArrow()
            return rows
        if backend.name != "duckdb":
            return backend.to_pyarrow(table)
        sql, parameters = bound(backend, table)
        with _watched(backend, what):
            return backend.con.execute(sql, parameters).to_arrow_table()


def save(backend: Any, table: ir.Table, path: Path, what: str) -> None:
    """Stream the rows to a Parquet file; Spark, which would write a folder on its cluster, has them in memory first."""
    if backend.name == "pyspark":
        from pyarrow import parquet

        parquet.write_table(fetch(backend, table, what), path)
        return
    with reading(what):
        if backend.name != "duckdb":
            backend.to_parquet(table, path)
            return
        sql, parameters = bound(backend, table)
        place = str(path).replace("'", "''")
        with _watched(backend, what):
            backend.con.execute(f"COPY ({sql}) TO '{place}' (FORMAT parquet)", parameters)


@contextmanager
def _unfused() -> Iterator[None]:
    """Let Ibis leave one select in another: fused, a column is written out again in every one that is made of it."""
    import ibis

    usual, ibis.options.sql.fuse_selects = ibis.options.sql.fuse_selects, False
    try:
        yield
    finally:
        ibis.options.sql.fuse_selects = usual


def bound(backend: Any, table: ir.Table) -> tuple[str, dict[str, str]]:
    """DuckDB's SQL for the rows, with every text that something is compared with as a parameter (R50).

    Ibis writes such texts into the statement, quoted. Conditions of YAML end here, so they are taken out again; on
    other engines they stay Ibis's own quoted literals.
    """
    from sqlglot import exp

    with _unfused():
        tree = backend.compiler.to_sqlglot(table)
    parameters: dict[str, str] = {}

    def taken_out(value: Any) -> Any:
        if not isinstance(value, exp.Literal) or not value.is_string:
            return value
        name = f"text_{len(parameters)}"
        parameters[name] = str(value.this)
        return exp.Parameter(this=exp.Var(this=name))

    # From above: Ibis gives one literal to all that compare with the same text, and it knows the last of them only.
    for comparison in list(tree.find_all(exp.Predicate, exp.In)):
        for key, value in list(comparison.args.items()):
            comparison.set(key, [*map(taken_out, value)] if isinstance(value, list) else taken_out(value))
    return tree.sql(dialect="duckdb", copy=False), parameters
