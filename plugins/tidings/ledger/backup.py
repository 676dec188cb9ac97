"""A copy of a SQLite ledger as it is at one moment, while others go on writing."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL

from tidings.errors import TidingsError
from tidings.ledger.database import Ledger


def back_up(ledger: Ledger, file: Path) -> None:
    """Write the copy, whole and on disk, or not at all; TidingsError where the file is there, or for PostgreSQL."""
    if ledger.engine.dialect.name != "sqlite":
        at = ledger.engine.url
        url = URL.create("postgresql", at.username, None, at.host, at.port, at.database)  # without the password
        fix = f"run: pg_dump --format=custom --file={file} {url.render_as_string()}"
        raise TidingsError("PostgreSQL makes its own backups", fix)
    if file.exists():
        raise TidingsError(f"{file} is there already", "name a new file; a backup is not written over")
    made = file.with_name(f"{file.name}.new")
    try:
        with closing(ledger.engine.raw_connection()) as source, closing(sqlite3.connect(made)) as target:
            source.driver_connection.backup(target)  # type: ignore[union-attr] # SQLite's own, and connected
            # A file of its own, to be copied as one: without a write-ahead log beside it.
            target.execute("PRAGMA journal_mode=DELETE")
        descriptor = os.open(made, os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        made.rename(file)
    except (OSError, sqlite3.Error) as error:
        made.unlink(missing_ok=True)
        raise TidingsError(f"the backup cannot be written: {error}", f"look at the disk of {file.parent}") from error
