"""The archive: Parquet files of what the ledger gave away, by table and month.

A file is whole, and on disk, before the ledger's rows go. The transaction that takes them away names it, so that the
ledger says which files count; one that a killed process left under another name is finished or removed by the next.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Boolean, Float, Integer

from tidings.errors import TidingsError
from tidings.ledger.journal import sync
from tidings.ledger.tables import Moment, attempts, events, messages
from tidings.project import Project

if TYPE_CHECKING:
    import pyarrow as pa

TABLES = {table.name: table for table in (messages, attempts, events)}
OF_MESSAGE = ("campaign", "step")  # what an archived event also says, so that nobody has to look for its message
UNFINISHED, FINISHED = ".new", ".parquet"
LOCK = "lock"

Rows = Sequence[Mapping[str, Any]]


class Part(NamedTuple):
    """One file of each table: random name, and the month it is kept under."""

    archive: str
    month: str


class Archive:
    """The files of one folder: `<table>/month=<month>/<archive>.parquet`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, project: Project) -> Archive:
        """The archive of the workspace's ledger; each environment has its own."""
        return cls(project.state / "archive" / project.environment)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process writes at a time, also on a disk that several machines share; TidingsError for a second one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOCK).open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise TidingsError("another process moves messages to the archive", "wait for it to end") from error
            yield

    def write(self, part: Part, rows: Mapping[str, Rows]) -> None:
        """The rows of each table, on disk when it returns; they count once the part is finished."""
        from pyarrow import parquet

        for name, found in rows.items():
            file = self._file(name, part).with_suffix(UNFINISHED)
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as opened:
                parquet.write_table(_table(name, found), opened, compression="zstd")
                opened.flush()
                os.fsync(opened.fileno())
            for folder in (file.parent, file.parent.parent, self.folder):
                sync(folder)

    def finish(self, part: Part) -> None:
        """Give the files their names: the ledger has given the rows away."""
        for name in TABLES:
            file = self._file(name, part)
            if (written := file.with_suffix(UNFINISHED)).exists():
                written.rename(file)

    def drop(self, part: Part) -> None:
        """Remove files that do not count: the ledger has kept the rows."""
        for name in TABLES:
            self._file(name, part).with_suffix(UNFINISHED).unlink(missing_ok=True)

    def unfinished(self) -> set[Part]:
        """What a process that was killed has left."""
        files = self.folder.glob(f"*/month=*/*{UNFINISHED}")
        return {Part(file.stem, file.parent.name.partition("=")[2]) for file in files}

    def read(self, name: str, parts: Collection[Part], columns: Sequence[str], **wanted: Collection[str]) -> Rows:
        """The rows of a table whose columns have one of the `wanted` values; TidingsError where a file is gone."""
        from pyarrow import compute, dataset

        files = [self._found(name, part) for part in sorted(parts)]
        if not files:
            return []
        here = compute.scalar(True)
        for column, values in wanted.items():
            here &= compute.field(column).isin(sorted(values))
        found = dataset.dataset(files, format="parquet").to_table(columns=list(columns), filter=here)
        rows: list[dict[str, Any]] = found.to_pylist()
        return rows

    def _found(self, name: str, part: Part) -> str:
        """The file; it may still have its first name, where a process was killed after the ledger had counted it."""
        file = self._file(name, part)
        for one in (file, file.with_suffix(UNFINISHED)):
            if one.exists():
                return str(one)
        raise TidingsError(f"{file} is not there, and the ledger has moved messages to it", "put it back")

    def _file(self, name: str, part: Part) -> Path:
        return self.folder / name / f"month={part.month}" / f"{part.archive}{FINISHED}"


def _table(name: str, rows: Rows) -> pa.Table:
    import pyarrow as pa

    fields = [(column.name, _type(column.type)) for column in TABLES[name].columns]
    if name == events.name:
        fields += [(column, pa.string()) for column in OF_MESSAGE]
    return pa.Table.from_pylist([dict(row) for row in rows], schema=pa.schema(fields))


def _type(kind: Any) -> Any:
    import pyarrow as pa

    if isinstance(kind, Moment):
        return pa.timestamp("us", tz="UTC")
    if isinstance(kind, Boolean):
        return pa.bool_()
    if isinstance(kind, Float):
        return pa.float64()
    return pa.int64() if isinstance(kind, Integer) else pa.string()
