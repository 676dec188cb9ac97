"""Consents: append only; the latest word counts, and a withdrawal wins a tie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select

from tidings.ledger.chunks import KEYS, chunks
from tidings.ledger.inserts import insert_new
from tidings.ledger.tables import consents


def save_consents(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> int:
    """Append the records (person_key, channel, purpose, state, recorded_at, expires_at, source) not held yet."""
    new = insert_new(connection, consents).execution_options(preserve_rowcount=True)
    return sum(connection.execute(new, part).rowcount for part in chunks([dict(row) for row in rows]))


def append(connection: Connection, row: Mapping[str, Any]) -> None:
    """Append one record; one that is held already, word for word, says nothing new."""
    connection.execute(insert_new(connection, consents), dict(row))


def granted(
    connection: Connection, purpose: str, now: datetime, persons: Sequence[str] | None = None
) -> set[tuple[str, str]]:
    """(person_key, channel) with a consent valid for the purpose at `now` (R25).

    A withdrawal counts from the moment it is known, also to a run that began before it, and whichever way the
    clock was set since (R19, R24). `persons` limits the look-up; None asks for everybody.
    """
    said = or_(consents.c.recorded_at <= now, consents.c.state == "withdrawn")
    asked = (consents.c.person_key, consents.c.channel, consents.c.state, consents.c.expires_at)
    base = select(*asked).where(consents.c.purpose == purpose, said)
    order = (consents.c.recorded_at, consents.c.state)
    latest: dict[tuple[str, str], bool] = {}
    for part in chunks(list(persons), KEYS) if persons is not None else [None]:
        query = base if part is None else base.where(consents.c.person_key.in_(part))
        for row in connection.execute(query.order_by(*order)):
            valid = row.state == "granted" and (row.expires_at is None or row.expires_at > now)
            latest[(row.person_key, row.channel)] = valid
    return {key for key, valid in latest.items() if valid}
