from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection, make_url, select
from sqlalchemy.exc import DBAPIError

from tests.databases import empty_postgres
from tests.workspace import bare_project
from tidings.errors import TidingsError
from tidings.ledger import database
from tidings.ledger.database import Ledger
from tidings.ledger.tables import meta
from tidings.project import Project

OPENER = """
import sys
import time
from pathlib import Path
from tests.workspace import bare_project
from tidings.ledger.database import Ledger
project = bare_project(Path(sys.argv[1]), ledger={"url": sys.argv[2]})
print("ready", flush=True)
sys.stdin.readline()
Ledger.open(project).close()
"""


def test_sqlite_keeps_what_it_has_taken(tmp_path: Path) -> None:
    """A SQLite ledger opens with a write-ahead log, full synchronisation, foreign keys and patience (R20)."""
    with Ledger.open(bare_project(tmp_path, ledger={"url": "sqlite:///ledger.db"})) as ledger, ledger.read() as read:
        found = [read.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS]
    assert list(PRAGMAS.values()) == found


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 60_000}


def test_a_disk_without_a_write_ahead_log_is_refused() -> None:
    """Where SQLite cannot keep its log, as in memory, the ledger does not open (R20)."""
    engine = database._engine(make_url("sqlite://"), True)
    with pytest.raises(TidingsError, match="opens with journal 'memory'"):
        engine.connect()


def test_the_environment_is_stamped_once_and_held(project: Project, ledger: Ledger) -> None:
    """A ledger belongs to the environment that made it; another one is refused by name (R63)."""
    other = Project(**vars(project) | {"environment": "production"})
    with pytest.raises(TidingsError, match="belongs to the environment 'dev', not 'production'"):
        Ledger.open(other)
    with ledger.read() as connection:
        assert "dev" == connection.execute(select(meta.c.value).where(meta.c.key == "environment")).scalar()


def test_a_copied_sqlite_ledger_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SQLite ledger made on another machine could send twice, so it does not open (R20)."""
    project = bare_project(tmp_path, ledger={"url": "sqlite:///ledger.db"})
    Ledger.open(project).close()
    elsewhere = tmp_path / "machine-id"
    elsewhere.write_text("another machine\n")
    monkeypatch.setattr(database, "MACHINE_FILE", elsewhere)
    with pytest.raises(TidingsError, match="made on another machine"):
        Ledger.open(project)


def test_a_machine_without_an_id_is_known_by_its_network_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's id is never empty: an empty id file is as good as none."""
    empty = tmp_path / "machine-id"
    monkeypatch.setattr(database, "MACHINE_FILE", empty)
    missing = database.machine_id()
    empty.write_text("\n")
    assert missing == database.machine_id() != ""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_is_made_unless_asked(tmp_path: Path, kind: str) -> None:
    """Who only reads does not lay a ledger: a missing one is an error that says what to do."""
    url = "sqlite:///ledger.db" if kind == "sqlite" else empty_postgres()
    project = bare_project(tmp_path, ledger={"url": url})
    for _ in range(2):
        with pytest.raises(TidingsError, match="there is no ledger yet; run `tidings refresh` first"):
            Ledger.open(project, create=False)
    Ledger.open(project).close()
    Ledger.open(project, create=False).close()


def test_a_ledger_that_cannot_be_reached_says_so(tmp_path: Path) -> None:
    """A database that does not answer is told as a mistake in the settings, not as a traceback."""
    project = bare_project(tmp_path, ledger={"url": "postgresql://nobody@127.0.0.1:1/none"})
    with pytest.raises(TidingsError, match=r"the ledger cannot be opened: .*; check ledger\.url and the disk"):
        Ledger.open(project)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_processes_that_open_a_new_ledger_together_lay_it_once(tmp_path: Path, root: Path, kind: str) -> None:
    """Two processes that find no ledger at the same moment both end with the same, whole one."""
    url = "sqlite:///ledger.db" if kind == "sqlite" else empty_postgres()
    command = [sys.executable, "-W", "error", "-c", OPENER, str(tmp_path), url]
    environment = os.environ | {"PYTHONPATH": str(root)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    openers = [subprocess.Popen(command, env=environment, **pipes) for _ in range(2)]
    for opener in openers:
        assert "ready\n" == opener.stdout.readline()
    for opener in openers:
        opener.stdin.write("go\n")
        opener.stdin.flush()
    ended = [(opener.communicate()[1], opener.returncode) for opener in openers]
    assert [("", 0)] * 2 == ended
    with Ledger.open(bare_project(tmp_path, ledger={"url": url}), create=False) as ledger, ledger.read() as connection:
        stamps = set(connection.execute(select(meta.c.key)).scalars())
    assert {"environment", "journal_head"} <= stamps


def test_the_ledger_lies_in_the_workspace(tmp_path: Path) -> None:
    """Without a setting it is .tidings/ledger.db of the workspace, whose folder is made."""
    Ledger.open(bare_project(tmp_path)).close()
    assert (tmp_path / ".tidings" / "ledger.db").is_file()


def test_a_transaction_that_clashed_is_done_again(tmp_path: Path) -> None:
    """Where PostgreSQL gives up one of two transactions, it is begun anew, a few times; other errors are raised."""
    tries = []

    def clash(connection: Connection, times: int, code: str) -> str:
        tries.append(code)
        if len(tries) <= times:
            connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}'; END $$")
        return "written"

    with Ledger.open(bare_project(tmp_path, ledger={"url": empty_postgres()})) as ledger:
        assert "written" == ledger.transact(lambda connection: clash(connection, 4, "40P01"))
        assert 5 == len(tries)
        for times, code, tried in ((9, "40P01", 5), (1, "23514", 1)):
            tries.clear()
            with pytest.raises(DBAPIError):
                ledger.transact(lambda connection, times=times, code=code: clash(connection, times, code))
            assert tried == len(tries)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgresql://lan:hunter2@db:door/x", "ledger.url is not the address of a database"),
        ("sqlite:///garbage.db", "the ledger cannot be opened: file is not a database"),
        ("sqlite:///folder", "the ledger cannot be opened: unable to open database file"),
    ],
)
def test_an_address_that_is_none_is_told(tmp_path: Path, url: str, problem: str) -> None:
    """A sentence and no password in it, whatever is written as ledger.url (R54)."""
    (tmp_path / "garbage.db").write_bytes(b"no database at all" * 100)
    (tmp_path / "folder").mkdir()
    with pytest.raises(TidingsError, match=problem) as caught:
        Ledger.open(bare_project(tmp_path, ledger={"url": url}))
    assert "hunter2" not in str(caught.value)


def test_heroku_s_spelling_of_postgresql_is_understood(tmp_path: Path) -> None:
    """Hosters write postgres:// for postgresql://."""
    url = empty_postgres().replace("postgresql://", "postgres://")
    Ledger.open(bare_project(tmp_path, ledger={"url": url})).close()


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    """What a newer version has laid is not touched by an older one."""
    project = bare_project(tmp_path, ledger={"url": "sqlite:///ledger.db"})
    with Ledger.open(project) as ledger, ledger.write() as connection:
        connection.exec_driver_sql("UPDATE tidings_schema SET version_num = '9999'")
    with pytest.raises(TidingsError, match="made by a newer version of tidings"):
        Ledger.open(project)


def test_a_machine_without_anything_of_its_own_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a machine-id and a network card Python draws a number, another in each process."""
    monkeypatch.setattr(database, "MACHINE_FILE", tmp_path / "nowhere")
    monkeypatch.setattr("uuid.getnode", lambda: 0x0123456789AB)
    with pytest.raises(TidingsError, match="nothing tells this machine from another"):
        database.machine_id()
