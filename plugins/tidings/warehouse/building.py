"""A snapshot folder under construction: complete under its name, or not there at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ADDRESSES = "addresses.parquet"


@dataclass(frozen=True)
class Building:
    """`folder` is where files are written; `finish` gives it its name."""

    folder: Path
    final: Path

    def finish(self) -> None:
        """Put the folder and the one current addresses file in place; each by one rename."""
        (self.folder / ADDRESSES).replace(self.final.parent / ADDRESSES)
        self.folder.rename(self.final)


@contextmanager
def building(snapshots: Path, snapshot_id: str) -> Iterator[Building]:
    """A hidden folder to build in; whatever goes wrong, also after `finish`, nothing of the snapshot stays."""
    made = Building(snapshots / f".{snapshot_id}", snapshots / snapshot_id)
    made.folder.mkdir(parents=True)
    try:
        yield made
    except BaseException:
        shutil.rmtree(made.folder, ignore_errors=True)
        shutil.rmtree(made.final, ignore_errors=True)
        raise
