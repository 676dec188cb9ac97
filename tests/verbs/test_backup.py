"""A backup is whole, of one moment, and a ledger like any other when it is put in place."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import insert

from tests.databases import empty_postgres
from tests.ledger.rows import add_persons, key
from tests.workspace import bare_project
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.tables import persons
from tidings.verbs.backup import backup
from tidings.verbs.ledger import ledger
from tidings.verbs.verify import verify


def test_a_copy_is_taken_while_somebody_writes(tmp_path: Path) -> None:
    """What was committed is in it, what was not is not; one file, which opens in the ledger's place."""
    project = bare_project(tmp_path)
    file = tmp_path / "copy.db"
    with Ledger.open(project) as opened:
        with opened.write() as connection:
            add_persons(connection, key(1))
        with opened.write() as connection:
            connection.execute(insert(persons), {"person_key": key(2), "number": 3})
            done = backup(project, file)
    assert (str(file), file.stat().st_size) == (done.file, done.size)
    assert ["copy.db"] == [path.name for path in tmp_path.glob("copy*")]
    for path in (tmp_path / ".tidings").glob("ledger.db*"):
        path.unlink()
    shutil.copy(file, tmp_path / ".tidings" / "ledger.db")
    assert (1, True) == (ledger(project).persons, verify(project).ok)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """The last backup is not the place for the next one."""
    project = bare_project(tmp_path)
    Ledger.open(project).close()
    backup(project, tmp_path / "copy.db")
    with pytest.raises(TidingsError, match=r"copy\.db is there already"):
        backup(project, tmp_path / "copy.db")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """And no half of a file stays."""
    project = bare_project(tmp_path)
    Ledger.open(project).close()
    with pytest.raises(TidingsError, match="the backup cannot be written: unable to open database file"):
        backup(project, tmp_path / "nowhere" / "copy.db")


def test_half_a_copy_is_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup is there as a whole or not at all."""
    project = bare_project(tmp_path)
    Ledger.open(project).close()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(TidingsError, match=r"the backup cannot be written: .*No space left"):
        backup(project, tmp_path / "copy.db")
    assert [] == list(tmp_path.glob("copy*"))


def test_a_backup_is_one_file(tmp_path: Path) -> None:
    """It carries no write-ahead log that could be left behind when it is copied."""
    project = bare_project(tmp_path)
    Ledger.open(project).close()
    backup(project, tmp_path / "copy.db")
    opened = sqlite3.connect(tmp_path / "copy.db")
    assert "delete" == opened.execute("PRAGMA journal_mode").fetchone()[0]
    opened.close()


def test_postgresql_is_told_its_own_command(tmp_path: Path) -> None:
    """The command can be copied, and has no password in it (R54)."""
    url = empty_postgres()
    project = bare_project(tmp_path, ledger={"url": url.replace("postgres@", "postgres:hunter2@")})
    Ledger.open(project).close()
    with pytest.raises(TidingsError, match=r"run: pg_dump --format=custom --file=\S+/copy\.db postgresql://") as caught:
        backup(project, tmp_path / "copy.db")
    assert "hunter2" not in str(caught.value)
