from __future__ import annotations

from sqlalchemy import select

from tests.ledger.rows import NOW, add_contact, add_persons, key
from tidings.ledger.contacts import lock, save_contacts, suppress, suppressed
from tidings.ledger.database import Ledger
from tidings.ledger.tables import contacts

LAN, TUAN = key(1), key(2)


def _row(person: str, address: str, channel: str = "email") -> dict[str, str]:
    return {"channel": channel, "address_key": address, "person_key": person}


def test_addresses_are_added_once_and_follow_their_owner(ledger: Ledger) -> None:
    """Saving again changes nothing; an address that changed hands belongs to its new owner."""
    rows = [_row(LAN, key(11)), _row(TUAN, key(12)), _row(TUAN, key(11), "sms")]
    with ledger.write() as connection:
        add_persons(connection, LAN, TUAN)
        save_contacts(connection, rows)
        save_contacts(connection, [*rows, _row(LAN, key(12))])
        found = {(row.channel, row.address_key): row.person_key for row in connection.execute(select(contacts))}
    assert {("email", key(11)): LAN, ("email", key(12)): LAN, ("sms", key(11)): TUAN} == found


def test_a_suppression_is_of_one_channel(ledger: Ledger) -> None:
    """Who says no to e-mail may still get an SMS; an address nobody knows is not suppressed."""
    with ledger.write() as connection:
        add_persons(connection, LAN)
        add_contact(connection, LAN)
        add_contact(connection, LAN, channel="sms")
        suppress(connection, "email", LAN, NOW, "unsubscribed")
        suppress(connection, "email", key(99), NOW, "unsubscribed")
        assert {("email", LAN)} == suppressed(connection)


def test_locking_returns_the_rows_that_are_there(ledger: Ledger) -> None:
    """Locks come back by channel and address, in pieces where there are many; a missing one is missing."""
    keys = [key(number) for number in range(1, 602)]
    with ledger.write() as connection:
        add_persons(connection, *keys)
        save_contacts(connection, [_row(one, one) for one in keys])
        found = lock(connection, [("email", one) for one in reversed(keys)] + [("sms", keys[0])])
    assert {("email", one) for one in keys} == set(found)
    assert keys[5] == found["email", keys[5]].person_key
