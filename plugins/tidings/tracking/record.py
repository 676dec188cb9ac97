"""Take events into the ledger: settle what was in doubt, stop what must stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from tidings.clock import zone
from tidings.ledger import bookmarks, consents, contacts, events, messages, persons
from tidings.ledger.archive import Archive
from tidings.ledger.database import Ledger
from tidings.ledger.head import advance_unless_old, same
from tidings.ledger.journal import Journal, Record
from tidings.ledger.keys import is_key
from tidings.ledger.lanes import count_events
from tidings.ledger.retention import messages_by_key
from tidings.model.counts import TrackShape
from tidings.model.delivery import ProviderEvent
from tidings.planning.links import read_unsubscribe
from tidings.project import Project

STOPPING = {"complained": "complaint", "bounced": "hard_bounce", "unsubscribed": "unsubscribed"}


def take(
    project: Project,
    ledger: Ledger,
    new: Sequence[ProviderEvent],
    now: datetime,
    marks: Mapping[str, str | None] | None = None,
) -> TrackShape:
    """Record the events in one transaction, and return when the journal has every no among them as well.

    `marks` say how far each provider has read to find them.

    Also one that the ledger had before: whoever says it again may have been given no answer. And one for a message
    that it does not know: it may have been put back to before that message (R20a).
    """
    journal = Journal.of(project)
    said = [event for event in new if stops(event) and is_key(event.send_key or "")]

    def work(connection: Connection) -> tuple[TrackShape, int | None]:
        bookmarks.save(connection, marks or {})
        return record(connection, project, new, now), advance_unless_old(connection, journal) if said else None

    shape, number = ledger.transact(work)
    if said:
        same(ledger, journal)
        journal.append("stop", [kept(event) for event in said], now, number)
    return shape


def retake(connection: Connection, project: Project, entries: Sequence[Record], now: datetime) -> int:
    """Record journalled events once more, in a ledger that knows their messages again; how many were new to it.

    One that came for a message while the ledger had forgotten it was kept, and did nothing: it is taken anew.
    """
    said = [ProviderEvent.model_validate(entry) for entry in entries]
    events.forget_unmatched(connection, [(event.provider, event.event_id) for event in said])
    return record(connection, project, said, now).new


def record(connection: Connection, project: Project, new: Sequence[ProviderEvent], now: datetime) -> TrackShape:
    """Keep events not seen before and act on them; the same event again changes nothing (R43)."""
    known = events.messages_by_key(connection, [event.send_key for event in new if event.send_key])
    late = [event.send_key for event in new if stops(event) and event.send_key and event.send_key not in known]
    known |= messages_by_key(connection, Archive.of(project), late)  # a no is a no, however old the message (R24)
    fresh = events.add(connection, new, known, now)
    matched = [(event, known[event.send_key]) for event in fresh if event.send_key in known]
    matched.sort(key=lambda pair: (pair[0].occurred_at, pair[0].event_id))
    held = [(event, message) for event, message in matched if message["id"] is not None]
    messages.arrived(connection, {message["id"]: f"event:{event.kind}" for event, message in held})
    _stop(connection, [pair for pair in matched if stops(pair[0])])
    marks = {message["id"]: event.kind for event, message in held if event.kind in ("bounced", "complained")}
    day = now.astimezone(zone(project.settings.timezone)).date()
    count_events(connection, project.settings.lanes, marks, now, day)
    return TrackShape(new=len(fresh), known=len(new) - len(fresh), unmatched=len(fresh) - len(matched))


def unsubscribe_event(project: Project, token: str, now: datetime) -> ProviderEvent:
    """The event of one click on an unsubscribe link; TidingsError for a link that is not ours."""
    send_key = read_unsubscribe(project, token)
    event_id = f"unsubscribe:{send_key}"
    return ProviderEvent(provider="tidings", event_id=event_id, kind="unsubscribed", occurred_at=now, send_key=send_key)


def kept(event: ProviderEvent) -> Record:
    """The event for the journal: without what the provider said, which may name somebody (R53)."""
    return event.model_dump(mode="json", exclude={"detail"})


def stops(event: ProviderEvent) -> bool:
    """Whether nothing more may go to the address."""
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
