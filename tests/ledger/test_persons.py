"""Persons merge: the older key keeps its arm, takes over what the younger one had, and gets each thing once (R65)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select, update

from tests.ledger.rows import (
    DAY,
    NOW,
    add_contact,
    add_enrolment,
    add_message,
    add_persons,
    add_plan,
    consent,
    key,
    state_of,
)
from tidings.ledger.consents import granted, save_consents
from tidings.ledger.database import Ledger
from tidings.ledger.persons import (
    load_forgotten,
    load_numbers,
    load_profiles,
    lock,
    merge_persons,
    merged,
    save_persons,
    save_profiles,
)
from tidings.ledger.tables import assignments, consents, contacts, enrolments, messages, persons

OLD, YOUNG = key(1), key(2)


def _merge(ledger: Ledger) -> None:
    with ledger.write() as connection:
        merge_persons(connection, [(YOUNG, OLD)], NOW)


def _column(ledger: Ledger, column: Any, *order: Any) -> list[Any]:
    with ledger.read() as connection:
        return list(connection.execute(select(column).order_by(*order)).scalars())


@pytest.fixture(autouse=True)
def _two_persons(ledger: Ledger) -> None:
    with ledger.write() as connection:
        add_persons(connection, OLD, YOUNG)
        add_plan(connection)


def test_persons_are_numbered_by_age(ledger: Ledger) -> None:
    """New persons get the next numbers in the order given; those merged away have none."""
    with ledger.write() as connection:
        save_persons(connection, [key(9), key(3)])
        merge_persons(connection, [(YOUNG, OLD)], NOW)
        assert {OLD: 2, key(9): 4, key(3): 5} == load_numbers(connection)
        assert {YOUNG} == merged(connection)
        assert {YOUNG: OLD} == lock(connection, [OLD, YOUNG, key(9)])
        row = connection.execute(select(persons).where(persons.c.person_key == YOUNG)).one()
    assert (OLD, NOW) == (row.merged_into, row.merged_at)


def test_profiles_follow_their_person(ledger: Ledger) -> None:
    """Only what differs is written, and a profile that moved belongs to its new person."""
    with ledger.write() as connection:
        save_profiles(connection, {"A": OLD, "B": YOUNG}, {})
        save_profiles(connection, {"A": OLD, "B": OLD, "C": YOUNG}, load_profiles(connection))
        assert {"A": OLD, "B": OLD, "C": YOUNG} == load_profiles(connection)


def test_addresses_and_consents_are_taken_over(ledger: Ledger) -> None:
    """The older person answers for the younger one's addresses, and for what the younger one said."""
    with ledger.write() as connection:
        add_contact(connection, YOUNG)
        save_consents(connection, [consent(OLD), consent(YOUNG, "withdrawn", recorded_at=NOW)])
    _merge(ledger)
    assert [OLD] == _column(ledger, contacts.c.person_key)
    with ledger.read() as connection:
        assert set() == granted(connection, "marketing", NOW)


def test_the_same_words_of_both_are_kept(ledger: Ledger) -> None:
    """One import that recorded the same for both profiles does not stop the merge."""
    with ledger.write() as connection:
        save_consents(connection, [consent(OLD), consent(YOUNG)])
    _merge(ledger)
    assert [OLD, YOUNG] == _column(ledger, consents.c.person_key, consents.c.id)
    with ledger.read() as connection:
        assert (OLD, "email") in granted(connection, "marketing", NOW)


def test_what_only_the_younger_one_was_sent_is_the_older_ones(ledger: Ledger) -> None:
    """A message of another step, occasion or campaign moves over, so that caps and conditions see it."""
    with ledger.write() as connection:
        add_message(connection, OLD, state="accepted")
        add_message(connection, YOUNG, state="accepted", occasion="2026-11-15", address_key=key(12))
        add_message(connection, YOUNG, state="planned", campaign="other")
    _merge(ledger)
    assert [OLD] * 3 == _column(ledger, messages.c.person_key)
    assert ["accepted", "accepted", "planned"] == _column(ledger, messages.c.state, messages.c.id)


def test_the_same_step_is_sent_to_one_of_the_two(ledger: Ledger) -> None:
    """Where both were planned the same step, the younger one's message is skipped; one that left stays as it is."""
    with ledger.write() as connection:
        old = add_message(connection, OLD)
        young = add_message(connection, YOUNG)
        sent = add_message(connection, YOUNG, occasion="2026-11-15", state="accepted")
        add_message(connection, OLD, occasion="2026-11-15", state="withheld")
    _merge(ledger)
    with ledger.read() as connection:
        assert ("planned", None) == state_of(connection, old)
        assert ("skipped", "merged") == state_of(connection, young)
        assert ("accepted", None) == state_of(connection, sent)


def test_a_person_stands_in_a_campaign_once(ledger: Ledger) -> None:
    """Both inside, on different days: the younger one leaves, and what it was still to get there is skipped."""
    with ledger.write() as connection:
        add_enrolment(connection, OLD, key(51))
        add_enrolment(connection, YOUNG, key(52), occasion="entry:2026-11-22")
        still = add_message(connection, YOUNG, enrolment_id=key(52), campaign="flow", occasion="entry:2026-11-22")
    _merge(ledger)
    with ledger.read() as connection:
        rows = connection.execute(select(enrolments).order_by(enrolments.c.id)).all()
        assert ("skipped", "merged") == state_of(connection, still)
    assert [("active", None, None), ("exited", "merged", NOW)] == [
        (row.state, row.reason, row.exited_at) for row in rows
    ]
    assert [OLD, OLD] == [row.person_key for row in rows]
    assert rows[1].due_at is None


def test_an_older_enrolment_that_has_ended_lets_the_younger_one_go_on(ledger: Ledger) -> None:
    """Who has left a campaign goes on where the younger key stands, unless both entered on the same occasion."""
    with ledger.write() as connection:
        add_enrolment(connection, OLD, key(51), state="finished", occasion="entry:2026-10-01", exited_at=NOW - 20 * DAY)
        add_enrolment(connection, YOUNG, key(52))
        add_enrolment(connection, OLD, key(53), campaign="same", state="finished", exited_at=NOW)
        add_enrolment(connection, YOUNG, key(54), campaign="same")
    _merge(ledger)
    states = _column(ledger, enrolments.c.state, enrolments.c.id)
    assert ["finished", "active", "finished", "exited"] == states
    assert [OLD, OLD, OLD, YOUNG] == _column(ledger, enrolments.c.person_key, enrolments.c.id)


def test_the_older_one_keeps_its_arm(ledger: Ledger) -> None:
    """The arm of the older key counts; an arm that only the younger one has goes with it."""
    drawn = {"campaign": "letter", "epoch": "0:0.1", "probability": 0.9, "anchored_at": NOW}
    rows = [
        drawn | {"person_key": OLD, "customer_id": "A", "arm": "control"},
        drawn | {"person_key": YOUNG, "customer_id": "B", "arm": "treated"},
        drawn | {"person_key": YOUNG, "customer_id": "B", "arm": "treated", "campaign": "other"},
    ]
    with ledger.write() as connection:
        connection.execute(insert(assignments), rows)
    _merge(ledger)
    with ledger.read() as connection:
        found = {(row.campaign, row.person_key): row.arm for row in connection.execute(select(assignments))}
    assert {("letter", OLD): "control", ("letter", YOUNG): "treated", ("other", OLD): "treated"} == found


def test_who_is_held_out_stays_held_out(ledger: Ledger) -> None:
    """What the younger one was to get of a campaign that holds the older one out is skipped; what left has left."""
    drawn = {"campaign": "letter", "epoch": "0:0.1", "probability": 0.1, "anchored_at": NOW, "arm": "control"}
    with ledger.write() as connection:
        connection.execute(insert(assignments), drawn | {"person_key": OLD, "customer_id": "A"})
        still = add_message(connection, YOUNG, occasion="2026-11-29")
        sent = add_message(connection, YOUNG, occasion="2026-11-15", state="accepted")
        other = add_message(connection, YOUNG, campaign="other")
    _merge(ledger)
    with ledger.read() as connection:
        assert ("skipped", "merged") == state_of(connection, still)
        assert ("accepted", None) == state_of(connection, sent)
        assert ("planned", None) == state_of(connection, other)


def test_merging_again_changes_nothing(ledger: Ledger) -> None:
    """A refresh that is repeated finds the work done."""
    with ledger.write() as connection:
        add_message(connection, OLD)
        add_message(connection, YOUNG)
    _merge(ledger)
    with ledger.read() as connection:
        before = connection.execute(select(messages).order_by(messages.c.id)).all()
    _merge(ledger)
    with ledger.read() as connection:
        assert before == connection.execute(select(messages).order_by(messages.c.id)).all()


def test_the_forgotten_are_those_without_a_profile(ledger: Ledger) -> None:
    """Whom the ledger knows by an address alone, by it; neither who has a profile nor who was merged away (R20a)."""
    with ledger.write() as connection:
        add_persons(connection, key(3))
        for number, person in enumerate((OLD, YOUNG, key(3))):
            add_contact(connection, person, address_key=key(50 + number))
        save_profiles(connection, {"A": OLD}, {})
        connection.execute(update(persons).where(persons.c.person_key == YOUNG).values(merged_into=OLD, merged_at=NOW))
        assert {key(52): key(3)} == load_forgotten(connection)
