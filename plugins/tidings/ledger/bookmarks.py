"""How far what waits at a provider has been read; written with the events themselves, and put back with them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select

from tidings.ledger.tables import meta

PREFIX = "bookmark:"


def load(connection: Connection) -> dict[str, str]:
    """provider → what it left."""
    rows = connection.execute(select(meta).where(meta.c.key.startswith(PREFIX)))
    return {row.key.removeprefix(PREFIX): row.value for row in rows}


def save(connection: Connection, marks: Mapping[str, str | None]) -> None:
    """Write down those; None begins anew."""
    for name in sorted(marks):
        connection.execute(delete(meta).where(meta.c.key == PREFIX + name))
    kept = [{"key": PREFIX + name, "value": mark} for name, mark in sorted(marks.items()) if mark is not None]
    if kept:
        connection.execute(insert(meta), kept)
