"""Reports sent: one a campaign, occasion and reader, claimed before it leaves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from tidings.ledger.tables import reports


def find(connection: Connection, campaign: str, occasion: str, recipient: str) -> Row[Any] | None:
    """The report that this reader was sent, or is being sent."""
    here = (reports.c.campaign == campaign) & (reports.c.occasion == occasion) & (reports.c.recipient == recipient)
    return connection.execute(select(reports).where(here)).one_or_none()


def claim(connection: Connection, row: dict[str, Any], now: datetime) -> None:
    """Commit `sending` before the first byte; the unique key refuses a second report."""
    connection.execute(insert(reports), row | {"state": "sending", "created_at": now})


def settle(connection: Connection, send_key: str, state: str) -> None:
    """What became of it."""
    connection.execute(update(reports).where(reports.c.send_key == send_key).values(state=state))


def release(connection: Connection, send_key: str) -> None:
    """Give the claim back: the provider refused, for now, and nothing left."""
    connection.execute(delete(reports).where(reports.c.send_key == send_key))
