"""Snapshots: which refresh is the current one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, update

from tidings.errors import TidingsError
from tidings.ledger.tables import pointer, snapshots
from tidings.model.seams import Snapshot

CURRENT = "current"
GOAL = "goal:"  # and a campaign: the snapshot with which its waiters were last asked for the goal


def publish_snapshot(
    connection: Connection, snapshot_id: str, as_of: datetime, folder: Path, summary: Mapping[str, Any]
) -> None:
    """Record a finished refresh and make it the current one; `folder` is relative to the workspace."""
    row = {"snapshot_id": snapshot_id, "as_of": as_of, "folder": str(folder), "summary": json.dumps(summary)}
    connection.execute(insert(snapshots), row)
    _point(connection, CURRENT, snapshot_id)


def goal_asked(connection: Connection, campaign: str, snapshot_id: str) -> None:
    """Record that who waits for the campaign's goal was looked up with this snapshot: not again before the next."""
    if not was_asked(connection, campaign, snapshot_id):
        _point(connection, f"{GOAL}{campaign}", snapshot_id)


def was_asked(connection: Connection, campaign: str, snapshot_id: str) -> bool:
    """Whether who waits for the campaign's goal was looked up with this snapshot."""
    here = pointer.c.name == f"{GOAL}{campaign}"
    return connection.execute(select(pointer.c.snapshot_id).where(here)).scalar() == snapshot_id


def current_snapshot(connection: Connection, root: Path) -> Snapshot:
    """The snapshot that plans read; TidingsError before the first refresh."""
    here = pointer.c.name == CURRENT
    found = connection.execute(select(pointer.c.snapshot_id).where(here)).scalar()
    if found is None:
        raise TidingsError("there is no snapshot yet", "run `tidings refresh` first")
    return snapshot(connection, root, found)


def find_current(connection: Connection, root: Path) -> Snapshot | None:
    """The current snapshot, or None before the first refresh."""
    found = connection.execute(select(pointer.c.snapshot_id).where(pointer.c.name == CURRENT)).scalar()
    return snapshot(connection, root, found) if found else None


def snapshot(connection: Connection, root: Path, snapshot_id: str) -> Snapshot:
    """One snapshot by its id; its folder is read from the ledger."""
    row = connection.execute(select(snapshots).where(snapshots.c.snapshot_id == snapshot_id)).one()
    return Snapshot(row.snapshot_id, row.as_of, root / row.folder)


def summary(connection: Connection, snapshot_id: str) -> dict[str, Any]:
    """What the refresh counted."""
    text = connection.execute(select(snapshots.c.summary).where(snapshots.c.snapshot_id == snapshot_id)).scalar_one()
    return dict(json.loads(text))


def _point(connection: Connection, name: str, snapshot_id: str) -> None:
    here = pointer.c.name == name
    if connection.execute(update(pointer).where(here).values(snapshot_id=snapshot_id)).rowcount == 0:
        connection.execute(insert(pointer), {"name": name, "snapshot_id": snapshot_id})
