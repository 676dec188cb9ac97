"""Arms: drawn at the anchor, logged once with their probability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from tidings.ledger.chunks import chunks
from tidings.ledger.tables import assignments


def load(connection: Connection, campaign: str, epoch: str | None = None) -> list[dict[str, Any]]:
    """The arms drawn so far; of one epoch, or of all, oldest first."""
    query = select(assignments).where(assignments.c.campaign == campaign).order_by(assignments.c.anchored_at)
    if epoch is not None:
        query = query.where(assignments.c.epoch == epoch)
    return [dict(row) for row in connection.execute(query).mappings()]


def log(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Log new anchors; the caller leaves out persons that have one in this epoch."""
    for part in chunks(rows):
        connection.execute(insert(assignments), part)
