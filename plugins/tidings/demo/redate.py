"""Move a demo to today: every date of its warehouse and of its ledger by the same number of days."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

from sqlalchemy import Connection, insert, select, text, update

from tidings.ledger.database import Ledger
from tidings.ledger.tables import Moment, meta, metadata
from tidings.project import Project
from tidings.warehouse.scratch import scratch

KEPT = frozenset({"birth_date"})
STAMP = "demo_end"


def redate(project: Project, end: date, today: date) -> None:
    """Move a demo that ends on `end` to `today`; occasions keep their names, which are keys and not times.

    It may be stopped anywhere and called again with the same `end`, on another day too: the moved tables are written
    beside the old ones and take their place once the ledger, moved in one transaction, is stamped with its new end.
    """
    moving = project.state / "moving"
    with Ledger.open(project) as ledger:
        with ledger.read() as connection:
            stamp = connection.execute(select(meta.c.value).where(meta.c.key == STAMP)).scalar()
        reached = date.fromisoformat(stamp) if stamp else end
        if reached != end:
            _swap(project.warehouse_folder, moving, reached)
        days = (today - reached).days
        if days:
            shutil.rmtree(moving, ignore_errors=True)
            _move_tables(project.warehouse_folder, moving / str(today), days)
            with ledger.write() as connection:
                _move_ledger(connection, days)
                _stamp(connection, today, known=stamp is not None)
            _swap(project.warehouse_folder, moving, today)


def _swap(folder: Path, moving: Path, day: date) -> None:
    """Put the tables moved to `day` into their place, if that has not been done."""
    fresh = moving / str(day)
    if fresh.exists():
        if folder.exists():
            folder.replace(moving / "before")
        fresh.replace(folder)
    shutil.rmtree(moving, ignore_errors=True)


def _move_tables(folder: Path, target: Path, days: int) -> None:
    for path in sorted(folder.rglob("*")):
        moved = target / path.relative_to(folder)
        if path.is_file():
            moved.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".parquet":
                _move_file(path, moved, days)
            else:
                shutil.copyfile(path, moved)


def _move_file(path: Path, target: Path, days: int) -> None:
    with scratch() as connection:
        rows = connection.read_parquet(str(path))
        moved = [
            f'("{name}" + INTERVAL ({days}) DAY)::{kind} AS "{name}"'
            for name, kind in zip(rows.columns, rows.types, strict=True)
            if str(kind) in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP", "DATE") and name not in KEPT
        ]
        rows.create_view("file")
        replaced = f"* REPLACE ({', '.join(moved)})" if moved else "*"
        quoted = str(target).replace("'", "''")
        connection.execute(f"COPY (SELECT {replaced} FROM file) TO '{quoted}' (FORMAT parquet)")


def _move_ledger(connection: Connection, days: int) -> None:
    """SQLite keeps times as text, PostgreSQL as times; a demo may stand on either."""
    sqlite = connection.dialect.name == "sqlite"
    for table in metadata.sorted_tables:
        names = [column.name for column in table.columns if isinstance(column.type, Moment)]
        if sqlite:  # the fraction of a second stays as it is: SQLite would round it
            moved = "strftime('%Y-%m-%d %H:%M:%S', substr(\"{0}\", 1, 19), '{1:+d} days') || substr(\"{0}\", 20)"
        else:
            moved = "\"{0}\" + INTERVAL '{1} days'"
        sets = ", ".join(f'"{name}" = {moved.format(name, days)}' for name in names)
        if sets:
            connection.execute(text(f'UPDATE "{table.name}" SET {sets}'))


def _stamp(connection: Connection, end: date, *, known: bool) -> None:
    if known:
        connection.execute(update(meta).where(meta.c.key == STAMP).values(value=str(end)))
    else:
        connection.execute(insert(meta).values(key=STAMP, value=str(end)))
