"""Events: what came back; each provider's event is kept once (R43)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, tuple_

from tidings.ledger.chunks import KEYS, chunks
from tidings.ledger.inserts import insert_new
from tidings.ledger.keys import is_key
from tidings.ledger.tables import events, messages
from tidings.ledger.words import plain
from tidings.model.delivery import ProviderEvent


def messages_by_key(connection: Connection, send_keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """send_key → message row, for those that are ours."""
    found = {}
    for part in chunks(sorted(filter(is_key, set(send_keys))), KEYS):
        rows = connection.execute(select(messages).where(messages.c.send_key.in_(part))).mappings()
        found.update({row["send_key"]: dict(row) for row in rows})
    return found


def add(
    connection: Connection, new: Sequence[ProviderEvent], known: dict[str, dict[str, Any]], now: datetime
) -> list[ProviderEvent]:
    """Keep the events not kept before; returns those, in order of their ids.

    `known` is `messages_by_key` of their send_keys. The database decides what is new, so that two webhook calls
    with the same event at the same time take it once.
    """
    given = {(plain(event.provider, 100), plain(event.event_id, 250)): event for event in reversed(new)}
    rows = [_row(key, given[key], known, now) for key in sorted(given)]
    statement = insert_new(connection, events).returning(events.c.provider, events.c.event_id)
    kept = {(row.provider, row.event_id) for part in chunks(rows, KEYS) for row in connection.execute(statement, part)}
    return [given[key] for key in sorted(kept)]


def forget_unmatched(connection: Connection, keys: Sequence[tuple[str, str]]) -> None:
    """Drop those of these events (provider, event_id) that no message was found for."""
    for part in chunks(sorted(set(keys)), KEYS):
        here = tuple_(events.c.provider, events.c.event_id).in_(part) & events.c.message_id.is_(None)
        connection.execute(delete(events).where(here))


def of_campaign(connection: Connection, campaign: str, kind: str) -> list[dict[str, Any]]:
    """person_key, step, occurred_at and machine of a campaign's events of one kind."""
    joined = events.join(messages, messages.c.id == events.c.message_id)
    columns = (messages.c.person_key, messages.c.step, events.c.occurred_at, events.c.machine)
    query = select(*columns).select_from(joined).where(messages.c.campaign == campaign, events.c.kind == kind)
    return [dict(row) for row in connection.execute(query).mappings()]


def _row(key: tuple[str, str], event: ProviderEvent, known: dict[str, dict[str, Any]], now: datetime) -> dict[str, Any]:
    send_key = event.send_key or ""
    message = known.get(send_key, {})
    return {
        "provider": key[0],
        "event_id": key[1],
        "message_id": message.get("id"),
        "send_key": plain(send_key, 32) or None,
        "person_key": message.get("person_key"),
        "kind": event.kind,
        "occurred_at": event.occurred_at,
        "received_at": now,
        "machine": event.machine,
        "detail": plain(event.detail, 500),
    }
