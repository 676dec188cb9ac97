"""Moving a demo to another day: everything by the same days, back again without a trace, and whole or not at all."""

from __future__ import annotations

import json
import shutil
import socket
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import select

from tests.demo.conftest import copy_workspace, write_small_demo
from tests.demo.interruption import interrupted
from tidings.clock import wall_clock
from tidings.demo.redate import redate
from tidings.demo.stage import NOTE, last_day
from tidings.demo.standalone import demo_today
from tidings.ledger.database import Ledger
from tidings.ledger.snapshots import current_snapshot
from tidings.ledger.tables import metadata
from tidings.project import Project, load_project
from tidings.verbs.approve import approve
from tidings.verbs.plan import plan
from tidings.verbs.refresh import refresh

END, LATER, LATEST = date(2026, 11, 3), date(2026, 11, 24), date(2026, 11, 25)
NOW = datetime(2026, 11, 3, 14, 0, 0, 123456, tzinfo=UTC)  # the ledger keeps microseconds


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo that ends on 3 November with a plan in its ledger; to be copied."""
    folder = tmp_path_factory.mktemp("redate")
    root = copy_workspace(folder / "a demo's")
    write_small_demo(root / "data", folder / "csv", END, customers=80)
    (root / "data" / "README.txt").write_text("not a table\n")
    project = load_project(root)
    refresh(project, NOW)
    approve(project, "newsletter", NOW, who="lan")
    plan(project, "newsletter", NOW, commit=True)
    (root / NOTE).write_text(json.dumps({"end": str(END), "effect": 0.08, "seed": 1}))
    return root


@pytest.fixture
def demo(played: Path, tmp_path: Path) -> Project:
    """A copy to move."""
    return load_project(shutil.copytree(played, tmp_path / "a demo's"))


def warehouse(project: Project) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, by file."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    with duckdb.connect() as connection:
        for path in sorted(project.warehouse_folder.rglob("*.parquet")):
            rows = connection.read_parquet(str(path))
            columns = [
                f"{name} AT TIME ZONE 'UTC'" if "TIME ZONE" in str(kind) else name
                for name, kind in zip(rows.columns, rows.types, strict=True)
            ]
            name = path.relative_to(project.warehouse_folder).as_posix()
            found[name] = sorted(rows.project(", ".join(columns)).fetchall(), key=repr)
    return found


def ledger(project: Project) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the ledger but its stamps."""
    with Ledger.open(project) as opened, opened.read() as connection:
        return {
            table.name: sorted(connection.execute(select(table)), key=repr)
            for table in metadata.sorted_tables
            if table.name != "meta"
        }


def moved(content: dict[str, list[tuple[Any, ...]]], days: int) -> dict[str, list[tuple[Any, ...]]]:
    """The same with every time so many days later; a birth date is a day, no time."""
    later = timedelta(days=days)
    return {
        name: sorted((tuple(c + later if isinstance(c, datetime) else c for c in row) for row in rows), key=repr)
        for name, rows in content.items()
    }


def test_everything_moves_by_the_same_days(demo: Project) -> None:
    """Every time of warehouse and ledger; no birth date, no occasion, no other file."""
    tables, books = warehouse(demo), ledger(demo)
    redate(demo, END, LATER)
    assert warehouse(demo) == moved(tables, 21)
    assert ledger(demo) == moved(books, 21)
    assert warehouse(demo) != tables
    assert "2026-11-03" in {row.occasion for row in books["messages"]}
    assert (demo.warehouse_folder / "README.txt").read_text() == "not a table\n"
    assert not (demo.state / "moving").exists()


def test_forth_and_back_leaves_no_trace(demo: Project) -> None:
    """To the microsecond."""
    tables, books = warehouse(demo), ledger(demo)
    redate(demo, END, LATER)
    redate(demo, LATER, END)
    assert (warehouse(demo), ledger(demo)) == (tables, books)


def test_stopped_anywhere_it_can_be_begun_again(played: Path, tmp_path: Path) -> None:
    """Ctrl-C at every change to the file system; called again, on the next day as well, all of it has moved once."""
    tables, books = warehouse(load_project(played)), ledger(load_project(played))
    for moment in count(1):
        demo = load_project(shutil.copytree(played, tmp_path / f"stopped {moment}"))
        with interrupted(moment) as stopped:
            redate(demo, END, LATER)
        again = LATEST if moment % 2 else LATER
        redate(demo, END, again)
        days = (again - END).days
        assert (moment, warehouse(demo)) == (moment, moved(tables, days))
        assert (moment, ledger(demo)) == (moment, moved(books, days))
        assert not (demo.state / "moving").exists()
        if not stopped:
            break
    assert moment > 8


def test_a_demo_is_brought_to_today(demo: Project) -> None:
    """Moved, noted, refreshed, with a mail server and on the machine's own clock; once a day."""
    told: list[str] = []
    for _ in range(2):
        with demo_today(demo.root, LATER, told.append) as project:
            port = int(project.settings.providers["smtp"]["port"])
            with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
                assert client.recv(3) == b"220"
    assert told == ["moving the demo from 2026-11-03 to 2026-11-24"]
    assert last_day(demo.root) == LATER
    assert project.settings.clock.at is None
    with Ledger.open(project) as opened, opened.read() as connection:
        assert abs(current_snapshot(connection, demo.root).as_of - wall_clock()) < timedelta(minutes=5)


def test_a_move_that_was_stopped_is_no_demo_to_be_played_again(demo: Project) -> None:
    """`make demo` starts afresh then, and `make airflow` moves on."""
    played = (demo.root / NOTE).read_text()
    with interrupted(1, at={"os.rename"}) as stopped, demo_today(demo.root, LATER, lambda _text: None):
        pass
    assert stopped
    assert (demo.root / NOTE).read_text() != played
    with demo_today(demo.root, LATEST, lambda _text: None):
        assert last_day(demo.root) == LATEST


def test_a_demo_that_ends_in_days_to_come_starts_afresh(demo: Project) -> None:
    """Its occasions would be called after days to come; here it is stopped where the new shop would be built."""

    def say(text: str) -> None:
        told.append(text)
        if text.startswith("building"):
            raise KeyboardInterrupt

    for _ in range(2):
        told: list[str] = []
        with pytest.raises(KeyboardInterrupt), demo_today(demo.root, date(2026, 11, 2), say):
            pass
        assert told[-1] == "building the demo shop from a year of real receipts"
        assert not (demo.root / "data").exists()
        assert last_day(demo.root) is None
