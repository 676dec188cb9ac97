"""What every database under the ledger must do, as tests to inherit: give LedgerContract a `ledger` fixture.

    class TestOurDatabase(LedgerContract):
        @pytest.fixture
        def ledger(self, tmp_path):
            with Ledger.open(a_project_whose_ledger_is_new_and_empty) as ledger:
                yield ledger

pytest is not imported here; any runner that fills `ledger` will do.
"""
# ruff: noqa: S101 - these are tests, though they travel in the package

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from tidings.ledger import consents, contacts, enrolments, events, messages, plans, reports
from tidings.ledger import tables as table
from tidings.ledger.database import Ledger, database_time
from tidings.ledger.head import advance, head
from tidings.ledger.journal import Journal
from tidings.ledger.plans import Overtaken
from tidings.model.delivery import ProviderEvent
from tidings.testing.ledger_rows import (
    DAY,
    NOW,
    add_attempt,
    add_contact,
    add_enrolment,
    add_message,
    add_persons,
    add_plan,
    consent,
    enrolment,
    key,
    message,
    state_of,
)
from tidings.testing.racing import at_once

LAN, TUAN, HOA = key(1), key(2), key(3)
ONE, TWO = key(901), key(902)
# state before, what the worker says, state after
ANSWERS = [
    ("sending", "accepted", "accepted"),
    ("sending", "refused", "refused"),
    ("sending", "in_doubt", "in_doubt"),
    ("sending", "planned", "planned"),
    ("in_doubt", "accepted", "accepted"),
    ("in_doubt", "refused", "refused"),
    ("in_doubt", "planned", "in_doubt"),
    ("accepted", "refused", "accepted"),
    ("accepted", "planned", "accepted"),
    ("skipped", "accepted", "skipped"),
]


class LedgerContract:
    """The promises that rest on the database: one moment, one row a key, one winner of a race."""

    def test_a_failed_write_leaves_nothing(self, ledger: Ledger) -> None:
        """What a transaction wrote before a row that points at nobody was refused is not there afterwards."""
        with refused(), ledger.write() as connection:
            add_persons(connection, LAN, TUAN)
            connection.execute(insert(table.consents), consent(HOA))
        assert 0 == _size(ledger, table.persons)

    def test_reading_cannot_write(self, ledger: Ledger) -> None:
        """The database itself refuses a write in a read; the next write works."""
        with refused(DBAPIError), ledger.read() as connection:
            add_persons(connection, LAN)
        with ledger.write() as connection:
            add_persons(connection, LAN)

    def test_a_read_sees_one_moment(self, ledger: Ledger) -> None:
        """Two questions of one read agree, whatever was committed between them."""
        with ledger.read() as connection:
            before = connection.execute(select(func.count()).select_from(table.persons)).scalar()
            with ledger.write() as other:
                add_persons(other, LAN)
            assert before == connection.execute(select(func.count()).select_from(table.persons)).scalar()
        assert 1 == _size(ledger, table.persons)

    def test_the_databases_clock_goes(self, ledger: Ledger) -> None:
        """Leases count in seconds since 1970 on the database's clock, and it does not stand still."""
        with ledger.read() as connection:
            first, here, second = database_time(connection), time.time(), database_time(connection)
        assert first <= second
        assert abs(first - here) < 2

    def test_a_step_is_planned_once_for_a_person_and_for_an_address(self, ledger: Ledger) -> None:
        """Two unique keys refuse a second message of a step, to the person or to the address, in any state (R01)."""
        _people(ledger)
        with ledger.write() as connection:
            messages.add(connection, [message(LAN, state="refused")])
        for again in (message(LAN, address_key=key(9)), message(TUAN, address_key=LAN)):
            with refused(), ledger.write() as connection:
                messages.add(connection, [again])
        others = [{"step": "other"}, {"occasion": "2026-11-29"}, {"campaign": "other"}]
        with ledger.write() as connection:
            messages.add(connection, [message(TUAN), *(message(LAN, **changes) for changes in others)])
        with ledger.read() as connection:
            assert {"refused": 1, "planned": 4} == messages.states(connection)

    def test_a_dead_workers_messages_are_in_doubt(self, ledger: Ledger) -> None:
        """When the lease has ended: in doubt, never planned again; a living worker's is left alone (R05)."""
        _people(ledger)
        with ledger.write() as connection:
            dead = add_message(connection, LAN, state="sending", lease_until=100.0)
            alive = add_message(connection, TUAN, state="sending", lease_until=200.0)
            done = add_message(connection, HOA, state="accepted", lease_until=100.0)
            assert 1 == messages.recover(connection, 150.0)
            assert ("in_doubt", "worker_gone") == state_of(connection, dead)
            assert ("sending", None) == state_of(connection, alive)
            assert ("accepted", None) == state_of(connection, done)
            assert 0 == messages.recover(connection, 150.0)

    def test_an_answer_settles_once(self, ledger: Ledger) -> None:
        """The worker's answer settles what is on its way or in doubt; a fact that came first stays (R05, R08)."""
        _people(ledger)
        with ledger.write() as connection:
            for before, answer, after in ANSWERS:
                one = add_message(connection, LAN, state=before, step=f"{before} {answer}")
                row = {"id": one, "tries": 0, "state": answer, "reason": "said", "not_before": NOW + DAY}
                messages.settle(connection, [row])
                kept = before in ("accepted", "skipped") or (before, answer) == ("in_doubt", "planned")
                assert (after, None if kept else "said") == state_of(connection, one), (before, answer)
            messages.settle(connection, [])

    def test_a_late_answer_says_nothing_of_the_next_try(self, ledger: Ledger) -> None:
        """What a worker that had been given up for dead hears of its try leaves the one after it alone."""
        _people(ledger)
        with ledger.write() as connection:
            one = add_message(connection, LAN, state="sending", tries=2)
            add_attempt(connection, one, started_at=NOW + DAY)
            row = {"id": one, "tries": 1, "state": "accepted", "reason": "said", "not_before": NOW}
            messages.settle(connection, [row])
            ended = {"id": one, "started_at": NOW, "outcome": "accepted", "provider_id": None, "detail": ""}
            messages.finish_attempts(connection, [ended | {"finished_at": NOW + DAY}])
            assert ("sending", None) == state_of(connection, one)
            assert [None] == list(connection.execute(select(table.attempts.c.outcome)).scalars())

    def test_an_unfinished_plan_is_discarded_whole(self, ledger: Ledger) -> None:
        """Building an occasion anew takes away what a crashed run had written of it, and nothing of others (R01)."""
        _people(ledger, campaign="elsewhere")
        _build(ledger, ONE)
        _build(ledger, TWO, occasion="2026-11-15")
        with ledger.write() as connection:
            add_message(connection, LAN, plan_id=ONE)
            add_message(connection, LAN, plan_id=TWO, occasion="2026-11-15")
        _build(ledger, key(903))
        with ledger.read() as connection:
            assert [TWO] == list(connection.execute(select(table.messages.c.plan_id)).scalars())
            left = select(table.plans.c.plan_id).where(table.plans.c.campaign == "letter")
            assert {TWO, key(903)} == set(connection.execute(left).scalars())

    def test_an_occasion_has_one_complete_plan(self, ledger: Ledger) -> None:
        """The database itself refuses a second complete plan of an occasion; a rejected one makes room."""
        _people(ledger, campaign="elsewhere")
        _build(ledger, ONE)
        _finish(ledger, ONE)
        _build(ledger, TWO)
        with refused():
            _finish(ledger, TWO)
        with ledger.write() as connection:
            connection.execute(update(table.plans).where(table.plans.c.plan_id == ONE).values(state="rejected"))
        _finish(ledger, TWO)
        with ledger.read() as connection:
            found = plans.find_plan(connection, "letter", "2026-11-22")
            assert found is not None
            assert TWO == found.plan_id

    def test_of_several_workers_one_completes(self, ledger: Ledger) -> None:
        """Four workers that build the same occasion at once leave one complete plan; the others learn it (R11)."""
        _people(ledger, campaign="elsewhere")
        outcomes: list[str] = []

        def work(number: int) -> None:
            try:
                with ledger.write() as connection:
                    if plans.find_plan(connection, "letter", "2026-11-22") is not None:
                        raise Overtaken
                    plans.start_plan(connection, _record(key(910 + number)))
                _finish(ledger, key(910 + number))
                outcomes.append("complete")
            except (Overtaken, IntegrityError):
                outcomes.append("overtaken")

        at_once(*(partial(work, number) for number in range(4)))
        assert ["complete"] + ["overtaken"] * 3 == sorted(outcomes)
        with ledger.read() as connection:
            assert 1 == len(plans.list_plans(connection, "letter"))

    def test_the_same_event_46_times_shuffled_is_one(self, ledger: Ledger) -> None:
        """However often and in whatever order events come, each is kept once (R43)."""
        many = [_event(f"e{number}") for number in range(4)] * 46
        random.Random(43).shuffle(many)  # noqa: S311 - an order, not a secret
        fresh = [one for start in range(0, len(many), 10) for one in _take(ledger, many[start : start + 10])]
        assert ["e0", "e1", "e2", "e3"] == sorted(fresh)
        assert 4 == _size(ledger, table.events)

    def test_two_calls_at_once_take_an_event_once(self, ledger: Ledger) -> None:
        """Two webhook calls with the same events in opposite order: each event is new to one of them (R43)."""
        many = [_event(f"e{number:03}") for number in range(200)]
        fresh: list[str] = []
        at_once(*(lambda order=order: fresh.extend(_take(ledger, many[::order])) for order in (1, -1)))
        assert sorted(event.event_id for event in many) == sorted(fresh)

    def test_a_person_is_inside_once(self, ledger: Ledger) -> None:
        """The database refuses a second active enrolment, and a second one of the same occasion."""
        _people(ledger)
        with ledger.write() as connection:
            add_enrolment(connection, LAN, key(51))
        for again in ({"occasion": "entry:2026-11-22"}, {"state": "finished"}):
            with refused(), ledger.write() as connection:
                enrolments.add(connection, [enrolment(LAN, key(52), **again)])
        over = enrolment(LAN, key(52), state="finished", occasion="entry:2026-10-01", exited_at=NOW)
        with ledger.write() as connection:
            enrolments.add(connection, [over])
            rows = sorted(enrolments.past(connection, "flow"), key=lambda row: str(row["state"]))
        assert [("active", None), ("finished", NOW)] == [(row["state"], row["exited_at"]) for row in rows]

    def test_a_move_is_from_where_the_person_stands(self, ledger: Ledger) -> None:
        """A move is written where nobody was faster; otherwise none of the plan's moves is, and the plan learns it."""
        _people(ledger)
        rows = table.enrolments
        with ledger.write() as connection:
            enrolments.add(connection, [enrolment(LAN, key(51)), enrolment(TUAN, key(52))])
            enrolments.move(connection, [_move(key(51))])
            enrolments.move(connection, [])
            row = connection.execute(select(rows).where(rows.c.id == key(51))).one()
            assert ("nudge", NOW + DAY, "goal", "active") == (row.step, row.due_at, row.waiting_for, row.state)
        with refused(Overtaken), ledger.write() as connection:
            enrolments.move(connection, [_move(key(52)), _move(key(51), step="goodbye")])
        with ledger.read() as connection:
            steps = {row.id: row.step for row in connection.execute(select(rows.c.id, rows.c.step))}
        assert {key(51): "nudge", key(52): "wait"} == steps

    def test_the_latest_word_counts_in_any_order_of_arrival(self, ledger: Ledger) -> None:
        """Yes, no, yes again is a yes, however the records came in (R25)."""
        for number, order in enumerate(permutations(range(3)), start=1):
            person = key(number)
            words = [
                consent(person, recorded_at=NOW - 3 * DAY),
                consent(person, "withdrawn", recorded_at=NOW - 2 * DAY),
                consent(person, recorded_at=NOW - DAY, source="form"),
            ]
            assert {(person, "email")} == _granted(ledger, person, [words[index] for index in order])

    def test_a_withdrawal_wins_a_tie(self, ledger: Ledger) -> None:
        """A yes and a no of the same moment are a no, whichever came first (R25)."""
        for person, order in ((LAN, 1), (TUAN, -1)):
            both = [consent(person), consent(person, "withdrawn", source="link")]
            assert set() == _granted(ledger, person, both[::order])

    def test_a_consent_is_kept_once(self, ledger: Ledger) -> None:
        """Importing the same records again, in any order and twice in one call, adds nothing."""
        rows = [consent(LAN), consent(TUAN), consent(LAN, "withdrawn", recorded_at=NOW)]
        with ledger.write() as connection:
            add_persons(connection, LAN, TUAN)
            assert 2 == consents.save_consents(connection, [rows[0], rows[1], rows[0]])
            assert 1 == consents.save_consents(connection, rows[::-1])
            consents.append(connection, rows[0])
            consents.append(connection, rows[1] | {"source": "link"})
        assert 4 == _size(ledger, table.consents)

    def test_a_suppression_stays_with_the_address(self, ledger: Ledger) -> None:
        """Whoever an address belongs to later, nothing goes to it; the first cause is kept."""
        with ledger.write() as connection:
            add_persons(connection, LAN, TUAN)
            add_contact(connection, LAN)
            contacts.suppress(connection, "email", LAN, NOW, "hard_bounce")
            contacts.suppress(connection, "email", LAN, NOW + DAY, "complaint")
            contacts.save_contacts(connection, [{"channel": "email", "address_key": LAN, "person_key": TUAN}])
            assert {("email", LAN)} == contacts.suppressed(connection)
            row = connection.execute(select(table.contacts)).one()
        assert (TUAN, NOW, "hard_bounce") == (row.person_key, row.suppressed_at, row.cause)

    def test_a_reader_gets_an_occasions_report_once(self, ledger: Ledger) -> None:
        """A report is claimed before it leaves; the database refuses a second claim, and another reader's is free."""
        row = {"campaign": "letter", "occasion": "2026-W47", "recipient": "lan@example.com", "folder": "x"}
        with ledger.write() as connection:
            reports.claim(connection, row | {"send_key": key(1)}, NOW, 9e9)
        with refused(), ledger.write() as connection:
            reports.claim(connection, row | {"send_key": key(2)}, NOW, 9e9)
        with ledger.write() as connection:
            reports.claim(connection, row | {"send_key": key(2), "recipient": "tuan@example.com"}, NOW, 9e9)
            reports.settle(connection, key(1), "accepted")
            assert {"accepted": 1, "sending": 1} == reports.states(connection)

    def test_workers_get_different_numbers_for_the_journal(self, ledger: Ledger) -> None:
        """Without a gap and without one given twice, whoever commits first (R20a)."""
        given: list[int] = []
        with tempfile.TemporaryDirectory() as folder:
            journal = Journal(Path(folder))

            def work() -> None:
                given.append(ledger.transact(lambda connection: advance(connection, journal)))

            at_once(*[work] * 4, times=5)
        assert list(range(1, 21)) == sorted(given)
        with ledger.read() as connection:
            assert 20 == head(connection)


@contextmanager
def refused(by: type[Exception] = IntegrityError) -> Iterator[None]:
    """What happens inside must fail, with this error."""
    try:
        yield
    except by:
        return
    raise AssertionError(f"nothing was refused with {by.__name__}")


def _people(ledger: Ledger, **changes: Any) -> None:
    """Three persons, and a plan with its snapshot."""
    with ledger.write() as connection:
        add_persons(connection, LAN, TUAN, HOA)
        add_plan(connection, **changes)


def _size(ledger: Ledger, rows: Any) -> int:
    with ledger.read() as connection:
        return int(connection.execute(select(func.count()).select_from(rows)).scalar_one())


def _record(plan_id: str, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"plan_id": plan_id, "campaign": "letter", "occasion": "2026-11-22"}
    row |= {"snapshot_id": key(800), "definition_hash": "d" * 64, "created_at": NOW}
    return row | dict.fromkeys(("commit", "dag_id", "run_id")) | changes


def _build(ledger: Ledger, plan_id: str, **changes: Any) -> None:
    with ledger.write() as connection:
        plans.start_plan(connection, _record(plan_id, **changes))


def _finish(ledger: Ledger, plan_id: str) -> None:
    with ledger.write() as connection:
        plans.finish_plan(connection, plan_id, "p" * 64, {"planned": 2, "considered": 3}, "ready")


def _event(event_id: str) -> ProviderEvent:
    return ProviderEvent(provider="smtp", event_id=event_id, kind="opened", occurred_at=NOW)


def _take(ledger: Ledger, new: list[ProviderEvent]) -> list[str]:
    with ledger.write() as connection:
        return [event.event_id for event in events.add(connection, new, {}, NOW + timedelta(minutes=1))]


def _move(enrolment_id: str, **changes: Any) -> dict[str, Any]:
    row = {"id": enrolment_id, "was": "wait", "step": "nudge", "due_at": NOW + DAY, "waiting_for": "goal"}
    return row | {"state": "active", "exited_at": None, "reason": None} | changes


def _granted(ledger: Ledger, person: str, rows: list[dict[str, Any]]) -> set[tuple[str, str]]:
    with ledger.write() as connection:
        add_persons(connection, person)
        consents.save_consents(connection, rows)
    with ledger.read() as connection:
        return consents.granted(connection, "marketing", NOW, [person])
