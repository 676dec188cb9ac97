"""Opening the company's tables, read only, through Ibis: a folder of files, or any backend by URL."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidings import __version__
from tidings.errors import TidingsError, did_you_mean
from tidings.project import Project
from tidings.warehouse.contract import SOURCES, conform
from tidings.warehouse.reading import Unreachable, limit, reading
from tidings.warehouse.scratch import scratch

if TYPE_CHECKING:
    import ibis.expr.types as ir

SUFFIXES = (".parquet", ".csv")
FIRST = {
    "duckdb": "SET enable_progress_bar = false; SET TimeZone = 'UTC'",
    "postgres": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SET application_name = 'tidings'",
}
"""What a connection is told first. A DuckDB file is opened read only, and files are only ever read."""


@dataclass(frozen=True)
class Warehouse:
    """An open warehouse; `folder` is None where a database serves it.

    `schema` fills with the columns and types of the tables that were opened, as the engine says them.
    """

    backend: Any
    folder: Path | None
    mapping: dict[str, str]
    currency: str
    schema: dict[str, dict[str, str]] = field(default_factory=dict)

    def table(self, name: str) -> ir.Table:
        """A source table in the contract's columns and types; TidingsError where it is missing or does not fit."""
        with reading(name):
            raw = self._raw(name)
            self.schema[name] = {column: str(kind) for column, kind in raw.schema().items()}
            fx = self.table("fx") if name == "orders" and self.has("fx") else None
            return conform(name, raw, self.currency, fx)

    def has(self, name: str) -> bool:
        """Whether an optional table is there; one that the settings map must be."""
        if name in self.mapping:
            return True
        if self.folder is not None:
            return _find(self.folder, name) is not None
        with reading(name):
            return name in self.backend.list_tables()

    def mark(self) -> str | None:
        """What changes whenever a file of the tables does, by size and time of change, or how they are read.

        None for a database, and where a table is a SELECT: what changes there cannot be told without asking it.
        """
        if self.folder is None or any(_is_query(place) for place in self.mapping.values()):
            return None
        with reading("the folder"):
            files = sorted(path for path in self.folder.rglob("*") if path.is_file())
            found = [(str(path), stat.st_size, stat.st_mtime_ns) for path in files for stat in [path.stat()]]
        return sha256(repr((__version__, self.mapping, self.currency, found)).encode()).hexdigest()

    def _raw(self, name: str) -> ir.Table:
        place = self.mapping.get(name, name)
        if _is_query(place):
            return self._query(name, place)
        return self._open(place, name)

    def _open(self, place: str, name: str, view: str | None = None) -> ir.Table:
        if self.folder is not None:
            return _read_files(self.backend, self.folder, place, SOURCES.get(name), view)
        *schema, table = place.split(".")
        known = self.backend.list_tables(database=".".join(schema) or None)
        if table not in known:
            fix = f"{did_you_mean(table, known)}; set warehouse.tables.{name}"
            raise TidingsError(f"the warehouse has no table {place!r}", fix)
        return self.backend.table(table, database=".".join(schema) or None)

    def _query(self, name: str, text: str) -> ir.Table:
        """A SELECT of the settings; the files it names become views of this connection."""
        import sqlglot
        from sqlglot import exp

        try:
            statements = sqlglot.parse(text, dialect=self.backend.dialect)
        except sqlglot.errors.SqlglotError as error:
            raise TidingsError(f"warehouse.tables.{name} is not SQL: {error}", "write one SELECT") from error
        if len(statements) != 1 or not isinstance(statements[0], exp.Query):
            raise TidingsError(f"warehouse.tables.{name} is not one SELECT", "the warehouse is read only")
        if self.folder is not None:
            own = {cte.alias for cte in statements[0].find_all(exp.CTE)}
            for file in sorted({table.name for table in statements[0].find_all(exp.Table)} - own):
                self._open(file, "", file)
        return self.backend.sql(
            text, schema=_described(self.backend, text) if self.backend.name == "postgres" else None
        )


def _is_query(place: str) -> bool:
    """Whether the settings map a table to a SELECT rather than to a name."""
    return place.lstrip()[:6].lower() == "select"


@contextmanager
def open_warehouse(project: Project) -> Iterator[Warehouse]:
    """The workspace's warehouse, read only; closed at the end. Unreachable where it is not to be had."""
    settings = project.settings.warehouse
    folder = project.warehouse_folder if settings.url is None else None
    with _connected(settings.url) as backend:
        with reading(backend.name):
            if backend.name in FIRST:
                backend.raw_sql(FIRST[backend.name])
            if settings.timeout:
                limit(backend, settings.timeout)
        tables = {str(name): place for name, place in settings.tables.items()}
        yield Warehouse(backend, folder, tables, project.settings.base_currency)


@contextmanager
def _connected(url: str | None) -> Iterator[Any]:
    import ibis

    if url is None:
        with scratch() as connection:
            yield ibis.duckdb.from_connection(connection)
        return
    theirs = _spark_session()
    backend = _connect(url)
    try:
        yield backend
    finally:
        # Ibis would stop the session, also one that somebody has been working in before us.
        if theirs is None or backend.name != "pyspark":
            backend.disconnect()


def _spark_session() -> Any:
    """The Spark session that this process has, or None."""
    spark = sys.modules.get("pyspark.sql")
    return spark.SparkSession.getActiveSession() if spark else None


def _connect(url: str) -> Any:
    import ibis

    more = {"read_only": True} if url.startswith("duckdb:") else {}
    try:
        with reading(url.partition(":")[0]):
            return ibis.connect(url, **more)
    except ValueError:
        # What Ibis says of it holds the address, and that may hold a password (R54).
        fix = "write one such as postgresql://user@host/database or duckdb:///path/to/file.ddb"
        raise TidingsError("warehouse.url is not the address of a database that Ibis knows", fix) from None


def _described(backend: Any, text: str) -> Any:
    """The columns and types of a query's rows: Ibis would make a view to learn them, which a reader may not."""
    import ibis

    with closing(backend.raw_sql(f"SELECT * FROM (\n{text.strip().rstrip(';')}\n) AS asked LIMIT 0")) as cursor:
        types = backend.compiler.type_mapper
        return ibis.schema({column.name: types.from_string(column.type_display) for column in cursor.description})


def _find(folder: Path, name: str) -> Path | None:
    """`name.parquet`, `name.csv`, a folder of Parquet files, or the file of that very name."""
    for path in (*(folder / f"{name}{suffix}" for suffix in SUFFIXES), folder / name):
        if path.is_file() or (path.is_dir() and any(path.glob("*.parquet"))):
            return path
    return None


def _read_files(backend: Any, folder: Path, place: str, source: Any, view: str | None) -> ir.Table:
    path = _find(folder, place)
    if path is None:
        there = sorted({found.stem for found in folder.glob("*") if found.suffix in SUFFIXES or found.is_dir()})
        reason = f"the warehouse folder {folder} has no table {place!r}"
        if not there:
            raise Unreachable(reason, "put the tables there, or set warehouse.url")
        raise TidingsError(reason, did_you_mean(place, there))
    if path.suffix == ".csv":
        with path.open("rb") as file:
            digest = file_digest(file, "blake2b").digest()
        own = frozenset(source.columns) if source is not None else None
        return backend.read_csv(path, table_name=view, **_dialect(Sample(backend, path, digest), own))
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    return backend.read_parquet([str(file) for file in files], table_name=view, union_by_name=True)


@dataclass(frozen=True)
class Sample:
    """A CSV file to find the dialect of; the same bytes are the same sample, whatever their place."""

    backend: Any = field(compare=False)
    path: Path = field(compare=False)
    digest: bytes


@lru_cache(maxsize=64)
def _dialect(sample: Sample, own: frozenset[str] | None) -> Mapping[str, Any]:
    """How a CSV file is written and its columns' types, found by reading it once: DuckDB would in every query.

    The `own` columns of a source, without one all, are read as text: ids such as 0012 and half-broken columns stay
    what they are, and the contract converts, row by row.
    """
    sniff = (
        "SELECT Delimiter, Quote, Escape, Comment, NewLineDelimiter, SkipRows, DateFormat, TimestampFormat, Columns "
        "FROM sniff_csv(?, header = true, sample_size = -1)"
    )
    found = sample.backend.con.execute(sniff, [str(sample.path)]).fetchone()
    *marks, skip, date_format, timestamp_format, columns = found
    named = zip(("delim", "quote", "escape", "comment", "new_line"), marks, strict=True)
    formats = {"dateformat": date_format, "timestampformat": timestamp_format}
    return {
        **{name: "" if mark == "(empty)" else mark for name, mark in named},
        **{name: format_ for name, format_ in formats.items() if format_ is not None},
        "skip": skip,
        "columns": {one["name"]: "VARCHAR" if own is None or one["name"] in own else one["type"] for one in columns},
    }
