"""Rows for the ledger's tables, whole unless a test says otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from tidings.ledger.keys import random_key
from tidings.ledger.tables import attempts, contacts, enrolments, messages, persons, plans, snapshots

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def key(number: int) -> str:
    """A key that sorts as its number does."""
    return f"{number:032x}"


def add_persons(connection: Connection, *keys: str) -> None:
    """Persons in the order of their age."""
    connection.execute(insert(persons), [{"person_key": one, "number": 1 + int(one, 16)} for one in keys])


def add_plan(connection: Connection, plan_id: str = key(900), **changes: Any) -> str:
    """A released plan with the snapshot it stands on."""
    if connection.execute(select(snapshots)).first() is None:
        connection.execute(
            insert(snapshots), {"snapshot_id": key(800), "as_of": NOW, "folder": "snapshots/800", "summary": "{}"}
        )
    row = {
        "plan_id": plan_id,
        "campaign": "letter",
        "occasion": "2026-11-22",
        "snapshot_id": key(800),
        "definition_hash": "d" * 64,
        "plan_hash": "p" * 64,
        "state": "released",
        "counts": "{}",
        "created_at": NOW,
    }
    connection.execute(insert(plans), row | changes)
    return plan_id


def message(person: str, **changes: Any) -> dict[str, Any]:
    """A planned e-mail to a person, due."""
    row = {
        "plan_id": key(900),
        "enrolment_id": None,
        "campaign": "letter",
        "person_key": person,
        "customer_id": f"C{int(person, 16)}",
        "occasion": "2026-11-22",
        "step": "send",
        "channel": "email",
        "purpose": "marketing",
        "address_key": person,
        "variant": None,
        "offer_code": None,
        "send_key": random_key(),
        "not_before": NOW,
        "expires_at": NOW + 2 * DAY,
        "state": "planned",
        "reason": None,
        "counted_at": None,
    }
    return row | changes


def add_message(connection: Connection, person: str, **changes: Any) -> int:
    """Insert one message; its id."""
    found = connection.execute(insert(messages).values(message(person, **changes)).returning(messages.c.id))
    return int(found.scalar_one())


def add_contact(connection: Connection, person: str, **changes: Any) -> None:
    """An e-mail address whose key is the person's."""
    row = {"channel": "email", "address_key": person, "person_key": person, "suppressed_at": None, "cause": None}
    connection.execute(insert(contacts), row | changes)


def consent(person: str, state: str = "granted", **changes: Any) -> dict[str, Any]:
    """What a person said about e-mail marketing a day ago."""
    row = {
        "person_key": person,
        "channel": "email",
        "purpose": "marketing",
        "state": state,
        "recorded_at": NOW - DAY,
        "expires_at": None,
        "source": "checkout",
    }
    return row | changes


def enrolment(person: str, enrolment_id: str, **changes: Any) -> dict[str, Any]:
    """A person who waits inside a campaign since a day ago."""
    row = {
        "id": enrolment_id,
        "campaign": "flow",
        "person_key": person,
        "customer_id": f"C{int(person, 16)}",
        "occasion": "entry:2026-11-21",
        "step": "wait",
        "due_at": NOW,
        "waiting_for": "time",
        "state": "active",
        "entered_at": NOW - DAY,
        "exited_at": None,
        "reason": None,
    }
    return row | changes


def add_enrolment(connection: Connection, person: str, enrolment_id: str, **changes: Any) -> None:
    """Insert one enrolment."""
    connection.execute(insert(enrolments), enrolment(person, enrolment_id, **changes))


def add_attempt(connection: Connection, message_id: int, **changes: Any) -> None:
    """An attempt that is under way."""
    row = {"message_id": message_id, "provider": "smtp", "dag_id": None, "run_id": None, "started_at": NOW}
    connection.execute(insert(attempts), row | changes)


def state_of(connection: Connection, message_id: int) -> tuple[str, str | None]:
    """A message's state and reason."""
    row = connection.execute(select(messages).where(messages.c.id == message_id)).one()
    return row.state, row.reason
