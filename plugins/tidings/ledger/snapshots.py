"""Snapshots: which refresh is the current one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, exists, insert, select, union, update

from tidings.errors import TidingsError
from tidings.ledger.plans import COMPLETE, FOLLOW_UP
from tidings.ledger.tables import plans, pointer, snapshots
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


def unneeded(connection: Connection, before: datetime) -> list[Path]:
    """The folders, from the workspace, of snapshots taken before a time that nothing reads any more.

    Read are those that a name points to, those of plans that are not released, and that of each campaign's last plan,
    from which the next one knows who was in the audience before.
    """
    waiting = select(plans.c.snapshot_id).where(plans.c.state.in_(("building", "ready")))
    later = plans.alias()
    beaten = exists().where(
        later.c.campaign == plans.c.campaign,
        later.c.state.in_(COMPLETE),
        ~later.c.occasion.startswith(FOLLOW_UP),
        later.c.created_at > plans.c.created_at,
    )
    last = select(plans.c.snapshot_id).where(
        plans.c.state.in_(COMPLETE), ~plans.c.occasion.startswith(FOLLOW_UP), ~beaten
    )
    kept = union(select(pointer.c.snapshot_id), waiting, last)
    query = select(snapshots.c.folder).where(snapshots.c.as_of < before, snapshots.c.snapshot_id.notin_(kept))
    return [Path(folder) for folder in connection.execute(query.order_by(snapshots.c.as_of)).scalars()]
