"""Reports sent: one a campaign, occasion and reader, claimed before it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from tidings.ledger.inserts import insert_new
from tidings.ledger.tables import reports


def find(connection: Connection, campaign: str, occasion: str, recipient: str) -> Row[Any] | None:
    """The report that this reader was sent, or is being sent."""
    here = (reports.c.campaign == campaign) & (reports.c.occasion == occasion) & (reports.c.recipient == recipient)
    return connection.execute(select(reports).where(here)).one_or_none()


def of_campaign(connection: Connection, campaign: str) -> dict[str, datetime]:
    """occasion → when its report was sent, in this order."""
    query = select(reports.c.occasion, reports.c.created_at).where(reports.c.campaign == campaign)
    return {row.occasion: row.created_at for row in connection.execute(query.order_by(reports.c.id))}


def states(connection: Connection) -> dict[str, int]:
    """How many reports stand in each state."""
    query = select(reports.c.state, func.count().label("number")).group_by(reports.c.state)
    return {row.state: row.number for row in connection.execute(query)}


def claim(connection: Connection, row: dict[str, Any], now: datetime, lease_until: float) -> None:
    """Write `sending`, to be committed before the first byte; the unique key refuses a second report."""
    connection.execute(insert(reports), row | {"state": "sending", "created_at": now, "lease_until": lease_until})


def hold(connection: Connection, rows: Sequence[Mapping[str, Any]], at: datetime) -> int:
    """Reports that had left when the ledger was put back are in doubt, and nobody gets them again; how many."""
    made = insert_new(connection, reports).execution_options(preserve_rowcount=True)
    same = {"state": "in_doubt", "lease_until": None, "created_at": at}
    return sum(connection.execute(made, {**row, **same}).rowcount for row in rows)


def recover(connection: Connection, database_now: float) -> int:
    """Reports whose worker went away are in doubt, as messages are (R05); how many there were."""
    here = (reports.c.state == "sending") & (reports.c.lease_until < database_now)
    return connection.execute(update(reports).where(here).values(state="in_doubt")).rowcount


def settle(connection: Connection, send_key: str, state: str) -> None:
    """What became of it."""
    connection.execute(update(reports).where(reports.c.send_key == send_key).values(state=state))


def release(connection: Connection, send_key: str) -> None:
    """Give the claim back: the provider refused, for now, and nothing left."""
    connection.execute(delete(reports).where(reports.c.send_key == send_key))
