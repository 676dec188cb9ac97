from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from tests.ledger.rows import NOW, add_message, add_persons, add_plan, key
from tidings.ledger.database import Ledger
from tidings.ledger.events import add, messages_by_key, of_campaign
from tidings.ledger.tables import events
from tidings.model.delivery import ProviderEvent

LAN = key(1)
SENT = "a" * 32


def _event(event_id: str, kind: str = "opened", **changes: Any) -> ProviderEvent:
    fields = {"provider": "smtp", "event_id": event_id, "kind": kind, "occurred_at": NOW, "send_key": SENT}
    return ProviderEvent.model_validate(fields | changes)


def _ours(ledger: Ledger) -> int:
    with ledger.write() as connection:
        add_persons(connection, LAN)
        add_plan(connection)
        return add_message(connection, LAN, send_key=SENT, state="accepted")


def _add(ledger: Ledger, *new: ProviderEvent) -> list[ProviderEvent]:
    with ledger.write() as connection:
        known = messages_by_key(connection, [event.send_key for event in new if event.send_key])
        return add(connection, new, known, NOW + timedelta(minutes=1))


def test_an_event_is_kept_with_its_message(ledger: Ledger) -> None:
    """The row names the message and the person, and says when it happened and when we heard."""
    message = _ours(ledger)
    assert [_event("e1", machine=True, detail="x")] == _add(ledger, _event("e1", machine=True, detail="x"))
    with ledger.read() as connection:
        row = connection.execute(select(events)).one()
    assert (message, LAN, SENT, "opened") == (row.message_id, row.person_key, row.send_key, row.kind)
    assert (NOW, NOW + timedelta(minutes=1), True, "x") == (row.occurred_at, row.received_at, row.machine, row.detail)


def test_ids_belong_to_their_provider(ledger: Ledger) -> None:
    """Two providers may use the same id."""
    _ours(ledger)
    assert 2 == len(_add(ledger, _event("e1"), _event("e1", provider="sendgrid")))


def test_events_of_others_are_kept_apart(ledger: Ledger) -> None:
    """An event that names no message of ours, or something that is no key, is kept without one."""
    _ours(ledger)
    strange = [None, "b" * 32, "k" * 4000, "a\x00b", "\ud800", "' OR 1=1 --"]
    fresh = _add(ledger, *[_event(f"e{number}", send_key=send_key) for number, send_key in enumerate(strange)])
    assert len(strange) == len(fresh)
    with ledger.read() as connection:
        assert {None} == set(connection.execute(select(events.c.message_id)).scalars())


def test_words_of_a_server_may_hold_anything(ledger: Ledger) -> None:
    """NUL, halves of characters and endless texts neither stop the call nor the events beside it."""
    _ours(ledger)
    hostile = _event("\x00id\ud800", provider="p" * 200, detail="no\x00such\udfffbox " * 1000)
    assert 2 == len(_add(ledger, hostile, _event("e1")))
    assert [] == _add(ledger, hostile)
    with ledger.read() as connection:
        row = connection.execute(select(events).where(events.c.event_id != "e1")).one()
    assert ("id?", 500) == (row.event_id, len(row.detail))


def test_a_campaigns_events_of_one_kind(ledger: Ledger) -> None:
    """Who did it, at which step and when; other kinds and other campaigns' are left out."""
    _ours(ledger)
    with ledger.write() as connection:
        add_message(connection, LAN, send_key="c" * 32, campaign="other")
    _add(ledger, _event("e1", "clicked"), _event("e2"), _event("e3", "clicked", send_key="c" * 32))
    with ledger.read() as connection:
        found = of_campaign(connection, "letter", "clicked")
    assert [{"person_key": LAN, "step": "send", "occurred_at": NOW, "machine": False}] == found
