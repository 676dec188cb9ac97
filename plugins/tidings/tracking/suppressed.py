"""Addresses that a provider will not write to are suppressed here too, with the cause it has for it (R39)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from tidings.ledger import consents, contacts, events, persons
from tidings.ledger.database import Ledger
from tidings.ledger.head import advance_unless_old, same
from tidings.ledger.journal import Journal, Record
from tidings.model.delivery import ProviderEvent, Suppressed
from tidings.project import Project
from tidings.tracking.record import STOPPING, kept, stops
from tidings.warehouse.addresses import address_key, normalise_email


class Stop(NamedTuple):
    """A no to everything that goes to one address of a channel."""

    channel: str
    address_key: str
    event: ProviderEvent


def take_lists(project: Project, ledger: Ledger, listed: Mapping[str, Sequence[Suppressed]], now: datetime) -> int:
    """Suppress the addresses that are ours and were not listed before; how many, once the journal has them.

    An address that the ledger does not know yet is left out: the next list has it again. A block, or a full mailbox,
    is not the address's fault and suppresses nobody (R36).
    """
    salt = project.settings.salt
    wanted = [
        Stop(channel, address_key(salt, "email", address), one.event)
        for channel, found in listed.items()
        for one in found
        if stops(one.event) and (address := normalise_email(one.address)) is not None
    ]
    if not wanted:
        return 0
    journal = Journal.of(project)

    def work(connection: Connection) -> tuple[list[Stop], int | None]:
        new = suppress(connection, wanted, now)
        return new, advance_unless_old(connection, journal) if new else None

    new, number = ledger.transact(work)
    if new:
        same(ledger, journal)
        entries = [kept(one.event) | {"channel": one.channel, "address_key": one.address_key} for one in new]
        journal.append("stop", entries, now, number)
    return len({(one.channel, one.address_key) for one in new})


def retake_lists(connection: Connection, entries: Sequence[Record], now: datetime) -> int:
    """Suppress what the journal knows of and the ledger has forgotten; how many were new to it."""
    found = []
    for entry in entries:
        said = {name: value for name, value in entry.items() if name not in ("channel", "address_key")}
        found.append(Stop(entry["channel"], entry["address_key"], ProviderEvent.model_validate(said)))
    return len(suppress(connection, found, now))


def suppress(connection: Connection, wanted: Sequence[Stop], now: datetime) -> list[Stop]:
    """Those that were new. Rows are locked as the claim does it: persons, then contacts, each in key order (R24)."""
    owners = contacts.owners(connection, [(one.channel, one.address_key) for one in wanted])
    ours = {(one.event.provider, one.event.event_id): one for one in wanted if one[:2] in owners}
    fresh = events.add(connection, [one.event for one in ours.values()], {}, now)
    new = [ours[(event.provider, event.event_id)] for event in fresh]
    living = persons.lock_living(connection, [owners[one[:2]] for one in new])
    contacts.lock(connection, [one[:2] for one in new])
    for channel, key, event in new:
        contacts.suppress(connection, channel, key, event.occurred_at, STOPPING[event.kind])
        if event.kind != "bounced":
            withdrawal = {
                "person_key": living[owners[(channel, key)]],
                "channel": channel,
                "purpose": "marketing",
                "state": "withdrawn",
                "recorded_at": event.occurred_at,
                "expires_at": None,
                "source": f"{event.provider}:{event.event_id}",
            }
            consents.append(connection, withdrawal)
    return new
