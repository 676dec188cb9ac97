"""Contacts: one row an address, keyed by a hash; suppression lives here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, tuple_, update

from tidings.ledger.chunks import KEYS, chunks
from tidings.ledger.tables import contacts


def save_contacts(connection: Connection, rows: Iterable[Mapping[str, str]]) -> None:
    """Add addresses not known yet (channel, address_key, person_key) and move those that changed hands.

    A suppression belongs to the address and stays with it.
    """
    known = {
        (row.channel, row.address_key): row.person_key
        for row in connection.execute(select(contacts.c.channel, contacts.c.address_key, contacts.c.person_key))
    }
    fresh, moved = {}, {}
    for row in rows:
        key = (row["channel"], row["address_key"])
        if key not in known:
            fresh[key] = dict(row)
        elif known[key] != row["person_key"]:
            moved[key] = row["person_key"]
    for key in sorted(moved):  # in the order in which `lock` takes them
        here = (contacts.c.channel == key[0]) & (contacts.c.address_key == key[1])
        connection.execute(update(contacts).where(here).values(person_key=moved[key]))
    for part in chunks(list(fresh.values())):
        connection.execute(insert(contacts), part)


def suppress(connection: Connection, channel: str, address_key: str, at: datetime, cause: str) -> None:
    """Nothing more goes to this address; the first cause stays."""
    here = (contacts.c.channel == channel) & (contacts.c.address_key == address_key)
    statement = update(contacts).where(here, contacts.c.suppressed_at.is_(None))
    connection.execute(statement.values(suppressed_at=at, cause=cause))


def suppressed(connection: Connection) -> set[tuple[str, str]]:
    """(channel, address_key) of every suppressed address."""
    rows = connection.execute(
        select(contacts.c.channel, contacts.c.address_key).where(contacts.c.suppressed_at.isnot(None))
    )
    return {(row.channel, row.address_key) for row in rows}


def owners(connection: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """(channel, address_key) → person_key, for those that are known."""
    found = {}
    for part in chunks(sorted(set(keys)), KEYS):
        here = tuple_(contacts.c.channel, contacts.c.address_key).in_(part)
        found.update(
            {(row.channel, row.address_key): row.person_key for row in connection.execute(select(contacts).where(here))}
        )
    return found


def lock(connection: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Row[tuple[str, str]]]:
    """The rows of these (channel, address_key), locked in key order."""
    found = {}
    for part in chunks(sorted(set(keys)), KEYS):
        statement = select(contacts).where(tuple_(contacts.c.channel, contacts.c.address_key).in_(part))
        ordered = statement.order_by(contacts.c.channel, contacts.c.address_key).with_for_update(key_share=True)
        found.update({(row.channel, row.address_key): row for row in connection.execute(ordered)})
    return found
