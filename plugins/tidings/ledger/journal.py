"""The journal: an append-only file beside the ledger, by which a restored ledger knows that it is old (ADR 14).

A record has a number that the ledger's transaction gave it. The ledger commits the number first, then the record is
on disk, then the first byte leaves or the answer is given. So a ledger that is ahead of its journal lost nothing,
and a journal that is ahead of its ledger means that the ledger was put back.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from tidings.errors import TidingsError
from tidings.ledger.keys import random_key
from tidings.project import Project

Kind = Literal["send", "stop", "report"]
Record = dict[str, Any]

SEGMENT = 16 * 2**20  # bytes after which the next file is begun
BLOCK = 2**16
LOCK = "lock"
BROKEN = "put the journal's files back; nothing is sent without them"


class Journal:
    """The files of one folder, one JSON object a line, shared by every process that sends from the ledger.

    A line has `number`, `tip` (the highest number so far: two processes may write in another order than the ledger
    numbered them), `kind`, `at` and `entries`. The first line of a file has the journal's name, and its `tip`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, project: Project) -> Journal:
        """The journal of the workspace's ledger; each environment has its own."""
        return cls(project.root / project.settings.ledger.journal / project.environment)

    @property
    def name(self) -> str | None:
        """The random name that the ledger is stamped with; None where there is no journal."""
        files = self.files()
        head = next(_lines(files[-1]), None) if files else None
        if files and (head is None or "journal" not in head):
            raise TidingsError(f"{files[-1]} does not begin as a journal does", BROKEN)
        return str(head["journal"]) if head else None

    def files(self) -> list[Path]:
        """The files, oldest first."""
        return sorted(self.folder.glob("*.jsonl"))

    def tip(self) -> int:
        """The highest number written; 0 where there is none."""
        files = self.files()
        return 0 if not files else _last(files[-1])

    def start(self) -> int:
        """The number that the first file comes after: older records were removed; 0 where none were."""
        files = self.files()
        head = next(_lines(files[0]), None) if files else None
        return int(head["tip"]) if head else 0

    def prune(self, before: datetime) -> int:
        """Remove files, the oldest first, whose last record was written before; the last file stays. How many went."""
        gone = 0
        with self._locked():
            for file in self.files()[:-1]:
                written = [datetime.fromisoformat(line["at"]) for line in _lines(file) if line and "at" in line]
                if written and max(written) >= before:
                    break
                file.unlink()
                gone += 1
            sync(self.folder)
        return gone

    def begin(self) -> str:
        """Make the first file, unless another process was faster; the journal's name."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._locked():
                if (name := self.name) is None:
                    name = random_key()
                    self._start(1, name, 0)
        except OSError as error:
            raise self._unwritable(error) from error
        return name

    def append(self, kind: Kind, entries: Sequence[Record], at: datetime, number: int | None = None) -> None:
        """Write one record and return when the disk has it; TidingsError where it cannot.

        Without a number it comes after everything that is there: a ledger that is behind does not count on.
        """
        try:
            with self._locked():
                if (name := self.name) is None:
                    raise TidingsError(f"there is no journal in {self.folder}", BROKEN)
                file = self.files()[-1]
                tip = _last(file)
                if file.stat().st_size > SEGMENT:
                    file = self._start(int(file.stem) + 1, name, tip)
                number = tip + 1 if number is None else number
                record = {"number": number, "tip": max(tip, number), "kind": kind, "at": at.isoformat()}
                _write(file, record | {"entries": list(entries)})
        except OSError as error:
            raise self._unwritable(error) from error

    def records(self, after: int) -> Iterator[Record | None]:
        """The records with a higher number, in the order they were written; None for a line that cannot be read.

        A process that died while it wrote leaves half a line: what it was about to send has not left.
        """
        for file in self.files():
            for line in _lines(file):
                if line is None or line.get("number", 0) > after:
                    yield line

    def _unwritable(self, error: OSError) -> TidingsError:
        fix = f"look at the disk of {self.folder}; nothing has left"
        return TidingsError(f"the journal cannot be written: {error.strerror}", fix)

    def _start(self, number: int, name: str, tip: int) -> Path:
        """A new file, there as a whole or not at all."""
        made = self.folder / f"{number:08}.new"
        _write(made, {"journal": name, "tip": tip}, fresh=True)
        file = made.rename(made.with_suffix(".jsonl"))
        sync(self.folder)
        return file

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process writes at a time, also on a disk that several machines share."""
        with (self.folder / LOCK).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _write(file: Path, line: Record, *, fresh: bool = False) -> None:
    with file.open("wb" if fresh else "ab") as opened:
        if not fresh and not _ends_well(file):
            opened.write(b"\n")
        opened.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        opened.flush()
        os.fsync(opened.fileno())


def sync(folder: Path) -> None:
    """A name in a folder outlives a power cut only when the folder was written too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ends_well(file: Path) -> bool:
    with file.open("rb") as opened:
        opened.seek(-1, os.SEEK_END)
        return opened.read() == b"\n"


def _last(file: Path) -> int:
    """The `tip` of the last whole line, read from the end: a line may be long, a file longer."""
    size = file.stat().st_size
    length = BLOCK
    while True:
        with file.open("rb") as opened:
            opened.seek(max(0, size - length))
            lines = opened.read(min(length, size)).split(b"\n")
        # The first may have lost its beginning, unless the block holds the whole file; the last has no end.
        whole = lines[:-1] if length >= size else lines[1:-1]
        for text in reversed(whole):
            if (line := _parsed(text)) is not None:
                return int(line["tip"])
        if length >= size:
            raise TidingsError(f"{file} cannot be read", BROKEN)
        length *= 2


def _lines(file: Path) -> Iterator[Any]:
    with file.open("rb") as opened:
        for text in opened:
            yield _parsed(text)


def _parsed(text: bytes) -> Record | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and "tip" in line else None
