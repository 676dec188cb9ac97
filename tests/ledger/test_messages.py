from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert, select

from tests.ledger.rows import (
    DAY,
    NOW,
    add_attempt,
    add_message,
    add_persons,
    add_plan,
    key,
    message,
    state_of,
)
from tidings.ledger import messages as noun
from tidings.ledger.database import Ledger
from tidings.ledger.tables import attempts, messages
from tidings.testing.racing import at_once

LAN, TUAN, HOA = key(1), key(2), key(3)


@pytest.fixture(autouse=True)
def _plan(ledger: Ledger) -> None:
    with ledger.write() as connection:
        add_persons(connection, LAN, TUAN, HOA)
        add_plan(connection)


def test_what_an_occasion_holds_is_taken(ledger: Ledger) -> None:
    """Persons and addresses of every message of the occasion, whatever became of it."""
    with ledger.write() as connection:
        add_message(connection, LAN, state="skipped", address_key=key(11))
        add_message(connection, TUAN, occasion="2026-11-15")
        assert ({(LAN, "send")}, {(key(11), "send")}) == noun.taken(connection, "letter", "2026-11-22")


def test_what_caps_count(ledger: Ledger) -> None:
    """What left, may have left, will leave or is withheld counts from when it leaves; what came to nothing does not."""
    states = ["planned", "sending", "accepted", "in_doubt", "withheld", "refused", "skipped", "expired"]
    with ledger.write() as connection:
        for state in states:
            add_message(connection, LAN, state=state, step=state, channel=state)
            add_message(connection, TUAN, state=state, step=state, channel=state, purpose="service")
        found = noun.moments(connection, NOW - DAY)
        assert [] == noun.moments(connection, NOW)
    assert set(states[:5]) == {row["channel"] for row in found}
    assert [{"person_key": LAN, "campaign": "letter", "at": NOW}] * 5 == [
        {name: row[name] for name in ("person_key", "campaign", "at")} for row in found
    ]


def test_the_claim_is_when_a_message_counts(ledger: Ledger) -> None:
    """A message that left late counts from when it left."""
    with ledger.write() as connection:
        add_message(connection, LAN, state="accepted", not_before=NOW - 9 * DAY, counted_at=NOW)
        assert [NOW] == [row["at"] for row in noun.moments(connection, NOW - DAY)]


def test_states_are_counted_by_campaign_and_plan(ledger: Ledger) -> None:
    """How many messages stand where: of all, of a campaign, of a plan."""
    with ledger.write() as connection:
        add_plan(connection, key(901), campaign="other")
        add_message(connection, LAN)
        add_message(connection, TUAN, state="accepted")
        add_message(connection, LAN, campaign="other", plan_id=key(901))
        assert {"planned": 2, "accepted": 1} == noun.states(connection)
        assert {"planned": 1, "accepted": 1} == noun.states(connection, "letter")
        assert {"planned": 1} == noun.states(connection, plan_id=key(901))
        assert {} == noun.states(connection, "nobody")


def test_a_persons_messages_in_their_order(ledger: Ledger) -> None:
    """Oldest first, of one campaign."""
    with ledger.write() as connection:
        add_message(connection, LAN, step="b")
        add_message(connection, LAN, step="a")
        add_message(connection, TUAN)
        add_message(connection, LAN, campaign="other")
        assert ["b", "a"] == [row["step"] for row in noun.of_person(connection, LAN, "letter")]


def test_what_is_too_late_expires(ledger: Ledger) -> None:
    """A planned message expires at its time; one on its way does not, and one without a time never does."""
    with ledger.write() as connection:
        waits = add_message(connection, LAN, expires_at=NOW)
        leaves = add_message(connection, TUAN, expires_at=NOW, state="sending")
        never = add_message(connection, HOA, expires_at=None)
        assert 0 == noun.expire(connection, NOW - timedelta(seconds=1))
        assert 1 == noun.expire(connection, NOW)
        assert 0 == noun.expire(connection, NOW + DAY)
        assert ("expired", "too_late") == state_of(connection, waits)
        assert ("sending", None) == state_of(connection, leaves)
        assert ("planned", None) == state_of(connection, never)


FACTS = [
    ("sending", 1, "accepted"),
    ("in_doubt", 1, "accepted"),
    ("planned", 1, "accepted"),
    ("planned", 0, "planned"),
    ("refused", 1, "refused"),
    ("withheld", 0, "withheld"),
    ("expired", 1, "expired"),
]


def test_what_arrived_was_accepted(ledger: Ledger) -> None:
    """A fact about a message settles doubt and stops the next try; what never left cannot have arrived (R08)."""
    with ledger.write() as connection:
        for before, tries, after in FACTS:
            one = add_message(connection, LAN, state=before, tries=tries, step=f"{before} {tries}")
            noun.arrived(connection, {one: "event:delivered"})
            found = (after, "event:delivered" if after == "accepted" else None)
            assert found == state_of(connection, one), (before, tries)
        noun.arrived(connection, {})


def test_attempts_are_opened_and_closed(ledger: Ledger) -> None:
    """An attempt is written before the answer, and closed with it; an attempt that was closed stays as it was (R02)."""
    with ledger.write() as connection:
        one = add_message(connection, LAN)
        add_attempt(connection, one, finished_at=NOW - DAY, outcome="later")
        noun.start_attempts(
            connection, [{"message_id": one, "provider": "smtp", "dag_id": "d", "run_id": "r", "started_at": NOW}]
        )
        noun.finish_attempts(
            connection,
            [
                {
                    "id": one,
                    "started_at": NOW,
                    "outcome": "accepted",
                    "provider_id": "x1",
                    "detail": "ok",
                    "finished_at": NOW,
                }
            ],
        )
        noun.start_attempts(connection, [])
        noun.finish_attempts(connection, [])
        rows = connection.execute(select(attempts).order_by(attempts.c.id)).all()
    assert ["later", "accepted"] == [row.outcome for row in rows]
    assert ("x1", "ok", NOW, "d", "r") == (
        rows[1].provider_id,
        rows[1].detail,
        rows[1].finished_at,
        rows[1].dag_id,
        rows[1].run_id,
    )


def test_what_waits(ledger: Ledger) -> None:
    """Whether something is due, and since when the oldest released message waits; an unreleased plan's does not."""
    with ledger.write() as connection:
        add_plan(connection, key(901), state="ready", occasion="2026-11-15")
        assert noun.oldest_planned(connection) is None
        add_message(connection, LAN, not_before=NOW + DAY)
        add_message(connection, TUAN, not_before=NOW - DAY, plan_id=key(901))
        add_message(connection, HOA, not_before=NOW - DAY, state="accepted")
        assert NOW + DAY == noun.oldest_planned(connection)
        assert noun.waiting(connection, NOW - DAY)
        assert not noun.waiting(connection, NOW - 2 * DAY)


def test_what_counts_as_sent_to_a_branch(ledger: Ledger) -> None:
    """What left, may have left or is withheld: people held out walk the same steps."""
    with ledger.write() as connection:
        for number, state in enumerate(
            ["sending", "accepted", "in_doubt", "withheld", "planned", "refused", "skipped"]
        ):
            add_message(connection, LAN, step=state, state=state, counted_at=NOW + number * DAY)
        found = {row["step"]: row["at"] for row in noun.sent(connection, "letter")}
    assert {"sending", "accepted", "in_doubt", "withheld"} == set(found)
    assert NOW + 3 * DAY == found["withheld"]


def test_accepted_keys(ledger: Ledger) -> None:
    """The keys of accepted messages, oldest first."""
    with ledger.write() as connection:
        add_message(connection, LAN, send_key="a" * 32, state="accepted")
        add_message(connection, TUAN, send_key="b" * 32)
        found = [(row.send_key, row.step) for row in noun.accepted_keys(connection, "letter")]
    assert [("a" * 32, "send")] == found


def test_settling_and_tracking_at_once_do_not_wait_for_each_other(ledger: Ledger) -> None:
    """An answer about a batch and events about the same batch in opposite order both come through."""
    with ledger.write() as connection:
        people = [key(number) for number in range(10, 210)]
        add_persons(connection, *people)
        connection.execute(insert(messages), [message(one, state="sending") for one in people])
        ids = list(connection.execute(select(messages.c.id).order_by(messages.c.id)).scalars())

    def run(act: Any) -> None:
        with ledger.write() as connection:
            act(connection)

    answers = [{"id": one, "tries": 0, "state": "accepted", "reason": None, "not_before": NOW} for one in reversed(ids)]
    acts = (
        lambda connection: noun.settle(connection, answers),
        lambda connection: noun.arrived(connection, dict.fromkeys(ids, "event:delivered")),
    )
    at_once(*(partial(run, act) for act in acts))
    with ledger.read() as connection:
        assert {"accepted": 200} == noun.states(connection)
