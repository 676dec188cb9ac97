"""Move a demo to today: every date of its warehouse and of its ledger by the same number of days."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

from tidings.ledger.database import Ledger
from tidings.ledger.tables import Moment, metadata
from tidings.project import Project

KEPT = frozenset({"birth_date"})


def redate(project: Project, days: int) -> None:
    """Shift by `days`; occasions keep their names, which are keys and not times."""
    if days == 0:
        return
    for path in sorted(project.warehouse_folder.rglob("*.parquet")):
        _shift_file(path, days)
    with Ledger.open(project) as ledger, ledger.write() as connection:
        for table in metadata.sorted_tables:
            columns = [column.name for column in table.columns if isinstance(column.type, Moment)]
            if columns:
                _shift_table(connection, table.name, columns, days)


def _shift_file(path: Path, days: int) -> None:
    import duckdb

    fresh = path.with_suffix(".moved")
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false; SET TimeZone = 'UTC'")
        rows = connection.read_parquet(str(path))
        moved = [
            f'("{name}" + INTERVAL {days} DAY)::{kind} AS "{name}"'
            for name, kind in zip(rows.columns, rows.types, strict=True)
            if str(kind) in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP", "DATE") and name not in KEPT
        ]
        if not moved:
            return
        rows.create_view("file")
        target = str(fresh).replace("'", "''")
        connection.execute(f"COPY (SELECT * REPLACE ({', '.join(moved)}) FROM file) TO '{target}' (FORMAT parquet)")
    fresh.replace(path)


def _shift_table(connection: Connection, table: str, columns: list[str], days: int) -> None:
    """SQLite keeps times as text, PostgreSQL as times; a demo may stand on either."""
    if connection.dialect.name == "sqlite":
        sets = [f"\"{name}\" = strftime('%Y-%m-%d %H:%M:%f000', \"{name}\", '{days:+d} days')" for name in columns]
    else:
        sets = [f'"{name}" = "{name}" + INTERVAL \'{days} days\'' for name in columns]
    connection.execute(text(f'UPDATE "{table}" SET {", ".join(sets)}'))
