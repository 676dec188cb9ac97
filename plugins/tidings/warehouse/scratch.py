"""DuckDB in memory for whoever computes something: one engine a process, since starting one costs more than a query."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_engines: dict[int, duckdb.DuckDBPyConnection] = {}
"""By process: a fork has the memory of its parent's engine, and none of its threads."""

_numbers = count()


@contextmanager
def scratch() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in UTC to an empty database of its own, which is gone afterwards; others run beside it."""
    name = f"scratch_{next(_numbers)}"
    with _engine().cursor() as connection:
        connection.execute("SET enable_progress_bar = false; SET TimeZone = 'UTC'")
        connection.execute(f"ATTACH ':memory:' AS {name}; USE {name}")
        try:
            yield connection
        finally:
            connection.execute(f"USE memory; DETACH {name}")


def _engine() -> duckdb.DuckDBPyConnection:
    import duckdb

    process = os.getpid()
    if process not in _engines:
        # A process may live for days, and every snapshot is read a few times only: none of them stays in memory.
        _engines[process] = duckdb.connect(config={"enable_external_file_cache": False})
    return _engines[process]
