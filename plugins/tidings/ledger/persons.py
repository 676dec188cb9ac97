"""Persons and their profiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, func, insert, select, update

from tidings.ledger import touches
from tidings.ledger.chunks import KEYS, chunks
from tidings.ledger.tables import assignments, consents, contacts, enrolments, messages, persons, profiles

MERGED = "merged"


def load_profiles(connection: Connection) -> dict[str, str]:
    """customer_id → person_key, for every profile ever seen."""
    return {row.customer_id: row.person_key for row in connection.execute(select(profiles))}


def load_numbers(connection: Connection) -> dict[str, int]:
    """person_key → order of creation, of the persons that were not merged away."""
    living = select(persons.c.person_key, persons.c.number).where(persons.c.merged_into.is_(None))
    return {row.person_key: row.number for row in connection.execute(living)}


def load_forgotten(connection: Connection) -> dict[str, str]:
    """address_key → person_key of the living who have no profile: a ledger that was put back has forgotten it."""
    unknown = ~select(1).where(profiles.c.person_key == persons.c.person_key).exists()
    living = select(persons.c.person_key).where(persons.c.merged_into.is_(None), unknown)
    query = select(contacts.c.address_key, contacts.c.person_key).where(contacts.c.person_key.in_(living))
    return {row.address_key: row.person_key for row in connection.execute(query)}


def save_persons(connection: Connection, new: Sequence[str]) -> None:
    """Add persons in the order given, which is the order of their age."""
    first = (connection.execute(select(func.max(persons.c.number))).scalar() or 0) + 1
    rows = [{"person_key": key, "number": first + index} for index, key in enumerate(new)]
    for part in chunks(rows):
        connection.execute(insert(persons), part)


def save_profiles(connection: Connection, mapping: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Write what differs from `known` (customer_id → person_key)."""
    fresh = [{"customer_id": c, "person_key": p} for c, p in mapping.items() if c not in known]
    for part in chunks(fresh):
        connection.execute(insert(profiles), part)
    for customer, person in mapping.items():
        if customer in known and known[customer] != person:
            moved = update(profiles).where(profiles.c.customer_id == customer)
            connection.execute(moved.values(person_key=person))


def lock(connection: Connection, keys: Iterable[str]) -> dict[str, str]:
    """Hold these persons' rows, in key order, to the end of the transaction; (gone → heir) of those merged away.

    Rows that only point to a person (a message that is planned meanwhile) are not kept waiting.
    """
    gone = {}
    for part in chunks(sorted(set(keys)), KEYS):
        here = select(persons.c.person_key, persons.c.merged_into).where(persons.c.person_key.in_(part))
        rows = connection.execute(here.order_by(persons.c.person_key).with_for_update(key_share=True))
        gone.update({row.person_key: row.merged_into for row in rows if row.merged_into is not None})
    return gone


def lock_living(connection: Connection, keys: Iterable[str]) -> dict[str, str]:
    """Hold these persons and those that they were merged into; key → the key that stands for the human now."""
    wanted = set(keys)
    while heirs := set((gone := lock(connection, wanted)).values()) - wanted:
        wanted |= heirs
    living = {}
    for key in wanted:
        living[key] = key
        while living[key] in gone:
            living[key] = gone[living[key]]
    return living


def merge_persons(connection: Connection, merges: Sequence[tuple[str, str]], now: datetime) -> None:
    """For each (younger, older): the older key keeps its arm and takes over what the younger one had (R65).

    Where both have the same step, occasion, epoch or consent, the younger one's row stays under its own key. Where
    both are inside a campaign, the younger one leaves it. What the younger one was still to get of these, and of
    campaigns that hold the older one out, is skipped: the person gets what the older key gets.

    Everything is locked first, in the order in which a claim and an event lock it, so that nobody waits for us who
    holds what we wait for.
    """
    _lock_all(connection, sorted({key for pair in merges for key in pair}))
    for younger, older in merges:
        done = update(persons).where(persons.c.person_key == younger)
        connection.execute(done.values(merged_into=older, merged_at=now))
        connection.execute(update(contacts).where(contacts.c.person_key == younger).values(person_key=older))
        said = ("channel", "purpose", "recorded_at", "state", "source")
        _take_over(connection, consents, said, younger, older)
        _close_enrolments(connection, younger, older, now)
        _skip(connection, (messages.c.person_key == younger) & _held_out(older))
        _take_over(connection, enrolments, ("campaign", "occasion"), younger, older)
        _take_over(connection, messages, ("campaign", "occasion", "step"), younger, older)
        _skip(connection, messages.c.person_key == younger)
        _take_over(connection, assignments, ("campaign", "epoch"), younger, older)
        touches.take_over(connection, younger, older)


def _lock_all(connection: Connection, keys: Sequence[str]) -> None:
    for table, order in ((messages, messages.c.id), (persons, persons.c.person_key), (enrolments, enrolments.c.id)):
        for part in chunks(keys, KEYS):
            here = select(order).where(table.c.person_key.in_(part)).order_by(order)
            connection.execute(here.with_for_update(key_share=True))


def _close_enrolments(connection: Connection, younger: str, older: str, now: datetime) -> None:
    """A person stands in a campaign once: the younger leaves where the older is inside, or was for the occasion."""
    other = enrolments.alias()
    inside = (other.c.state == "active") | (other.c.occasion == enrolments.c.occasion)
    clash = select(1).where(other.c.person_key == older, other.c.campaign == enrolments.c.campaign, inside)
    here = (enrolments.c.person_key == younger) & (enrolments.c.state == "active") & clash.exists()
    left = {"state": "exited", "exited_at": now, "reason": MERGED, "due_at": None, "waiting_for": None}
    closed = list(connection.execute(select(enrolments.c.id).where(here)).scalars())
    connection.execute(update(enrolments).where(enrolments.c.id.in_(closed)).values(left))
    _skip(connection, messages.c.enrolment_id.in_(closed))


def _held_out(older: str) -> ColumnElement[bool]:
    control = (assignments.c.person_key == older) & (assignments.c.arm == "control")
    return select(1).where(control, assignments.c.campaign == messages.c.campaign).exists()


def _skip(connection: Connection, whose: ColumnElement[bool]) -> None:
    waiting = update(messages).where(whose, messages.c.state == "planned")
    connection.execute(waiting.values(state="skipped", reason=MERGED))


def merged(connection: Connection) -> set[str]:
    """The keys that were merged into others."""
    gone = select(persons.c.person_key).where(persons.c.merged_into.isnot(None))
    return set(connection.execute(gone).scalars())


def _take_over(connection: Connection, table: Table, unique: Sequence[str], younger: str, older: str) -> None:
    other = table.alias()
    clash = select(1).where(other.c.person_key == older, *(other.c[name] == table.c[name] for name in unique))
    statement = update(table).where(table.c.person_key == younger, ~clash.exists())
    connection.execute(statement.values(person_key=older))
