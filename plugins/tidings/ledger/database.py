"""Opening the ledger: pragmas, stamps, migrations, and the two kinds of transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from tidings.errors import TidingsError
from tidings.ledger.inserts import insert_new
from tidings.ledger.tables import meta
from tidings.project import Project

T = TypeVar("T")

BUSY_SECONDS = 60
# PostgreSQL gave up one of two transactions that waited for each other, or a row that the other one has moved to the
# archive was written about; it may simply be done again.
CLASHED = frozenset({"40001", "40P01", "55P03", "23503"})
ATTEMPTS = 5
MACHINE_FILE = Path("/etc/machine-id")
MADE_UP = 1 << 40  # the multicast bit: Python drew the number, and would draw another next time (RFC 4122, 4.5)


class Ledger:
    """One database; `write()` and `read()` are the only ways in."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, project: Project, *, create: bool = True) -> Ledger:
        """The workspace's ledger, migrated and checked.

        TidingsError where it is another environment's (R63), another machine's, or missing and `create` is False.
        """
        url = _place(project)
        sqlite = url.get_backend_name() == "sqlite"
        if sqlite and url.database:
            path = Path(url.database)
            if not path.exists() and not create:
                raise TidingsError("there is no ledger yet", "run `tidings refresh` first")
            path.parent.mkdir(parents=True, exist_ok=True)
        ledger = cls(_engine(url, sqlite))
        try:
            _migrate(ledger, create)
            ledger._check_stamps(project.environment, sqlite)
        except BaseException:
            ledger.close()
            raise
        return ledger

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A short transaction that commits at the end; on SQLite it takes the write lock at once."""
        with self.engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def transact(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, after its transaction was committed; begun anew where another one stood in its way.

        `work` may run more than once, and changes nothing but the ledger.
        """
        left = ATTEMPTS
        while True:
            left -= 1
            try:
                with self.write() as connection:
                    return work(connection)
            except DBAPIError as error:
                if not left or getattr(error.orig, "sqlstate", None) not in CLASHED:
                    raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A view of one moment, however many questions are asked; the database refuses to write in it."""
        with self.engine.connect() as connection:
            if connection.dialect.name != "sqlite":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                yield connection
                return
            connection.exec_driver_sql("PRAGMA query_only=ON")
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()
                connection.exec_driver_sql("PRAGMA query_only=OFF")

    def close(self) -> None:
        """Give back the connections."""
        self.engine.dispose()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _check_stamps(self, environment: str, sqlite: bool) -> None:
        stamps = {"environment": environment, "journal_head": ""}
        if sqlite:
            stamps["machine_id"] = machine_id()
        found = self._stamps()
        if missing := [{"key": key, "value": stamps[key]} for key in stamps if key not in found]:
            with self.write() as connection:
                # Another process may be stamping it too: the first one's word counts.
                connection.execute(insert_new(connection, meta), missing)
            found = self._stamps()
        if (stamped := found["environment"]) != environment:
            fix = f"set TIDINGS_ENV={stamped}, or point ledger.url at another database"
            raise TidingsError(f"this ledger belongs to the environment {stamped!r}, not {environment!r}", fix)
        if sqlite and found["machine_id"] != stamps["machine_id"]:
            fix = "a copied SQLite ledger could send twice; move to PostgreSQL, or start with a new ledger"
            raise TidingsError("this ledger was made on another machine", fix)

    def _stamps(self) -> dict[str, str]:
        with self.read() as connection:
            return {row.key: row.value for row in connection.execute(select(meta))}


def schema(project: Project) -> str | None:
    """The schema that the workspace's ledger has, as it is; None where there is no ledger."""
    from tidings.ledger.migrate import revision

    url = _place(project)
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite and not Path(url.database or "").exists():
        return None
    with Ledger(_engine(url, sqlite)) as ledger:
        return revision(ledger.engine)


def machine_id() -> str:
    """What tells this machine from others: its machine-id, or the network card's number; TidingsError for neither."""
    if MACHINE_FILE.exists() and (found := MACHINE_FILE.read_text().strip()):
        return found
    number = uuid.getnode()
    if number & MADE_UP:
        fix = f"run systemd-machine-id-setup, which writes {MACHINE_FILE}, or keep the ledger in PostgreSQL"
        raise TidingsError("nothing tells this machine from another, so its ledger could be copied unnoticed", fix)
    return f"{number:x}"


def database_time(connection: Connection) -> float:
    """Seconds since 1970 on the database's own clock: what leases and back-off count in."""
    sqlite = "SELECT (julianday('now') - 2440587.5) * 86400.0"
    postgres = "SELECT extract(epoch FROM clock_timestamp())"
    return float(connection.execute(text(sqlite if connection.dialect.name == "sqlite" else postgres)).scalar_one())


def size(connection: Connection) -> int:
    """Bytes of the database."""
    sqlite = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    postgres = "SELECT pg_database_size(current_database())"
    return int(connection.execute(text(sqlite if connection.dialect.name == "sqlite" else postgres)).scalar_one())


def _place(project: Project) -> URL:
    """The address in the settings; a relative file counts from the workspace."""
    url = _url(project.settings.ledger.url)
    if url.get_backend_name() == "sqlite" and url.database:
        return url.set(database=str(project.root / url.database))
    return url


def _url(text: str) -> URL:
    """The address of the database, with the driver that is installed; TidingsError where it cannot be read."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # What was written may hold a password (R54).
        fix = "write sqlite:///.tidings/ledger.db or postgresql://user@host/database"
        raise TidingsError("ledger.url is not the address of a database", fix) from None
    # SQLAlchemy 2.0 would look for psycopg2, and knows no postgres://
    return url if url.get_backend_name() == "sqlite" else url.set(drivername="postgresql+psycopg")


def _engine(url: URL, sqlite: bool) -> Engine:
    if not sqlite:
        return create_engine(url)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "isolation_level": None})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        level = connection.execute("PRAGMA synchronous").fetchone()[0]
        if (mode, level) != ("wal", 2):  # R20
            raise TidingsError(f"the ledger opens with journal {mode!r}, synchronous {level}", "use a local disk")

    return engine


def _migrate(ledger: Ledger, create: bool) -> None:
    from alembic.util import CommandError

    from tidings.ledger.migrate import revision, upgrade

    try:
        if not create and revision(ledger.engine) is None:
            raise TidingsError("there is no ledger yet", "run `tidings refresh` first")
        upgrade(ledger.engine)
    except DBAPIError as error:
        said = " ".join(str(error.orig).split())
        raise TidingsError(f"the ledger cannot be opened: {said}", "check ledger.url and the disk") from error
    except CommandError as error:
        fix = "install the newer version; a ledger does not go back"
        raise TidingsError("this ledger was made by a newer version of tidings", fix) from error
