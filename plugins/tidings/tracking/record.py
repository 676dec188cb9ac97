"""Take events into the ledger: settle what was in doubt, stop what must stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from tidings.clock import zone
from tidings.ledger import consents, contacts, events, messages, persons
from tidings.ledger.lanes import count_events
from tidings.model.counts import TrackShape
from tidings.model.delivery import ProviderEvent
from tidings.planning.links import read_unsubscribe
from tidings.project import Project

STOPPING = {"complained": "complaint", "bounced": "hard_bounce", "unsubscribed": "unsubscribed"}


def record(connection: Connection, project: Project, new: Sequence[ProviderEvent], now: datetime) -> TrackShape:
    """Keep events not seen before and act on them; the same event again changes nothing (R43)."""
    known = events.messages_by_key(connection, [event.send_key for event in new if event.send_key])
    fresh = events.add(connection, new, known, now)
    matched = [(event, known[event.send_key]) for event in fresh if event.send_key in known]
    matched.sort(key=lambda pair: (pair[0].occurred_at, pair[0].event_id))
    messages.arrived(connection, {message["id"]: f"event:{event.kind}" for event, message in matched})
    _stop(connection, [pair for pair in matched if _stops(pair[0])])
    marks = {message["id"]: event.kind for event, message in matched if event.kind in ("bounced", "complained")}
    day = now.astimezone(zone(project.settings.timezone)).date()
    count_events(connection, project.settings.lanes, marks, now, day)
    return TrackShape(new=len(fresh), known=len(new) - len(fresh), unmatched=len(fresh) - len(matched))


def unsubscribe_event(project: Project, token: str, now: datetime) -> ProviderEvent:
    """The event of one click on an unsubscribe link; TidingsError for a link that is not ours."""
    send_key = read_unsubscribe(project, token)
    event_id = f"unsubscribe:{send_key}"
    return ProviderEvent(provider="tidings", event_id=event_id, kind="unsubscribed", occurred_at=now, send_key=send_key)


def _stops(event: ProviderEvent) -> bool:
    return event.kind in STOPPING and (event.kind != "bounced" or event.permanent)


def _stop(connection: Connection, matched: Sequence[tuple[ProviderEvent, Mapping[str, Any]]]) -> None:
    """Nothing more goes to the addresses of these messages; whoever said no has withdrawn their consent.

    A message may be that of a key that was merged into another since: the no is the human's (R24, R65).

    Rows are locked as the claim does it: persons, then contacts, each in key order. So a claim sees the no, or had
    committed before it (R24), and the two never wait for each other.
    """
    living = persons.lock_living(connection, [message["person_key"] for _, message in matched])
    contacts.lock(connection, [(message["channel"], message["address_key"]) for _, message in matched])
    for event, message in matched:
        cause = STOPPING[event.kind]
        contacts.suppress(connection, message["channel"], message["address_key"], event.occurred_at, cause)
        if event.kind != "bounced":
            withdrawal = {
                "person_key": living[message["person_key"]],
                "channel": message["channel"],
                "purpose": message["purpose"],
                "state": "withdrawn",
                "recorded_at": event.occurred_at,
                "expires_at": None,
                "source": f"{event.kind}:{message['send_key']}",
            }
            consents.append(connection, withdrawal)
