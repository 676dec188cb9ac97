"""backup: a copy of the ledger as it is at one moment."""

from __future__ import annotations

from pathlib import Path

from tidings.ledger.backup import back_up
from tidings.ledger.database import Ledger
from tidings.model.counts import BackupShape
from tidings.project import Project


def backup(project: Project, file: Path) -> BackupShape:
    """Write the copy to a new file, which is on disk when this returns; TidingsError for a ledger in PostgreSQL."""
    with Ledger.open(project, create=False) as ledger:
        back_up(ledger, file)
    return BackupShape(file=str(file), size=file.stat().st_size)
