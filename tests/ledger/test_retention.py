"""What is over moves to files, and whoever needed it finds it there; what is not over stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from tidings.errors import TidingsError
from tidings.ledger import messages as nouns
from tidings.ledger import touches
from tidings.ledger.archive import Archive, Part
from tidings.ledger.database import Ledger
from tidings.ledger.persons import merge_persons
from tidings.ledger.plans import find_plan
from tidings.ledger.retention import clicks, messages_by_key, move, of_person, parts
from tidings.ledger.tables import attempts, events, messages, plans
from tidings.ledger.verify import rules
from tidings.model.delivery import OPENED_BY_MACHINE
from tidings.testing.ledger_rows import (
    DAY,
    NOW,
    add_attempt,
    add_contact,
    add_enrolment,
    add_message,
    add_persons,
    add_plan,
    key,
)

BEFORE = NOW - 400 * DAY
OLD = BEFORE - 30 * DAY


class Died(BaseException):
    """The process is gone; nothing of ours catches this."""


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An empty archive."""
    return Archive(tmp_path / "archive")


def _event(connection: Any, message: int, kind: str, **changes: Any) -> None:
    row = {
        "provider": "test",
        "event_id": f"{message}{kind}{len(changes)}",
        "message_id": message,
        "person_key": key(1),
    }
    row |= {"kind": kind, "occurred_at": OLD + DAY, "received_at": OLD + DAY, "machine": False}
    connection.execute(insert(events), row | changes)


def _old(connection: Any, person: int = 1, **changes: Any) -> int:
    """A message of an old plan that was accepted."""
    row = {"state": "accepted", "counted_at": OLD, "not_before": OLD, "expires_at": OLD + DAY}
    message = add_message(connection, key(person), **row | changes)
    add_attempt(connection, message, started_at=OLD, finished_at=OLD, outcome="accepted")
    return message


def _plan(connection: Any, planned: int, withheld: int = 0, **changes: Any) -> None:
    counts = f'{{"considered": {planned + withheld}, "planned": {planned}, "withheld": {withheld}, "reasons": {{}}}}'
    add_plan(connection, counts=counts, **{"created_at": OLD} | changes)


def _two(ledger: Ledger) -> None:
    """Two old messages: one opened by a machine and clicked, one held out."""
    with ledger.write() as connection:
        add_persons(connection, key(1), key(2))
        _plan(connection, 1, 1)
        first = _old(connection)
        _event(connection, first, "opened", machine=True)
        _event(connection, first, "clicked")
        _old(connection, 2, state="withheld")


def _rows(ledger: Ledger) -> tuple[int, int, int]:
    with ledger.read() as connection:
        tables = (messages, attempts, events)
        found = [connection.execute(select(func.count()).select_from(one)).scalar_one() for one in tables]
    return found[0], found[1], found[2]


def _everything(ledger: Ledger, archive: Archive) -> Counter[str]:
    """send_key → how often it is in the ledger and in the archives that count."""
    with ledger.read() as connection:
        here = list(connection.execute(select(messages.c.send_key)).scalars())
        there = archive.read("messages", parts(connection), ["send_key"])
    return Counter([*here, *(row["send_key"] for row in there)])


def _broken(ledger: Ledger) -> list[str]:
    with ledger.read() as connection:
        return [rule.code for rule in rules() if rule.find(connection)]


def test_what_is_over_is_in_files_and_still_found(ledger: Ledger, archive: Archive) -> None:
    """Rows, counts, touches, clicks, a person's messages and a late no: all are as before, and the plan is closed."""
    _two(ledger)
    with ledger.read() as connection:
        before = (nouns.states(connection), nouns.states_by_campaign(connection), touches.load(connection, NOW))
        send_key = connection.execute(select(messages.c.send_key).where(messages.c.state == "accepted")).scalar_one()
    done = move(ledger, archive, BEFORE)
    assert {"messages": 2, "attempts": 2, "events": 2, "plans": 1} == done
    assert (0, 0, 0) == _rows(ledger)
    assert [] == _broken(ledger)
    with ledger.read() as connection:
        after = (nouns.states(connection), nouns.states_by_campaign(connection), touches.load(connection, NOW))
        assert [sorted(map(str, one)) for one in before] == [sorted(map(str, one)) for one in after]
        assert {"received", "clicked", OPENED_BY_MACHINE} == {row[3] for row in after[2]}
        assert "closed" == find_plan(connection, "letter", "2026-11-22").state  # nobody plans the occasion again
        assert {"accepted": 1, "withheld": 1} == nouns.states(connection, plan_id=key(900))
        [held] = of_person(connection, archive, key(1), "letter")
        assert ("accepted", OLD) == (held["state"], held["counted_at"])
        assert [OLD + DAY] == [row["occurred_at"] for row in clicks(connection, archive, "letter")]
        found = messages_by_key(connection, archive, [send_key, key(77), "no key"])
    assert {send_key: (key(1), "email", None)} == {
        name: (row["person_key"], row["channel"], row["id"]) for name, row in found.items()
    }
    [file] = archive.folder.glob("messages/month=2025-09/*.parquet")
    assert [file.name] == [one.name for one in archive.folder.glob("events/month=*/*")]
    assert Counter() == move(ledger, archive, BEFORE) - Counter()


NOT_OVER: dict[str, Callable[[Any], object]] = {
    "planned": lambda c: _old(c, state="planned", counted_at=None),
    "under way": lambda c: _old(c, state="sending", lease_until=0.0),
    "in doubt": lambda c: _old(c, state="in_doubt", reason="given_up"),
    "sent lately, of an old plan": lambda c: _old(c, counted_at=BEFORE + DAY),
    "somebody clicked lately": lambda c: _event(c, _old(c), "clicked", received_at=BEFORE + DAY),
    "tried lately": lambda c: add_attempt(c, _old(c), started_at=BEFORE + DAY),
    "can be taken back": lambda c: add_attempt(c, _old(c), started_at=OLD, leaves_at=BEFORE + DAY),
    "somebody is inside on the occasion": lambda c: (
        _old(c),
        add_enrolment(c, key(2), key(50), campaign="letter", occasion="2026-11-22"),
    ),
}


@pytest.mark.parametrize("what", NOT_OVER)
def test_what_somebody_needs_stays(ledger: Ledger, archive: Archive, what: str) -> None:
    """One row, and all that belongs to it; its plan stays open."""
    with ledger.write() as connection:
        add_persons(connection, key(1), key(2))
        _plan(connection, 1)
        NOT_OVER[what](connection)
    before = _rows(ledger)
    assert {"plans": 0} == move(ledger, archive, BEFORE)
    assert before == _rows(ledger)


@pytest.mark.parametrize("state", ["ready", "building", "recovered", "rejected"])
def test_only_released_plans_are_over(ledger: Ledger, archive: Archive, state: str) -> None:
    """What a recovery knows of a plan guards its occasion by the messages alone: they stay."""
    with ledger.write() as connection:
        add_persons(connection, key(1))
        _plan(connection, 1, state=state)
        _old(connection)
    assert {"plans": 0} == move(ledger, archive, BEFORE)
    assert (1, 1, 0) == _rows(ledger)


def test_a_plan_of_yesterday_stays_whole(ledger: Ledger, archive: Archive) -> None:
    """Also what it held out for an old time."""
    with ledger.write() as connection:
        add_persons(connection, key(1))
        _plan(connection, 1, created_at=BEFORE + DAY)
        _old(connection)
    assert {"plans": 0} == move(ledger, archive, BEFORE)


DEATHS = {"before it is counted": "transact", "after it is counted": "finish", "before a file is written": "write"}


@pytest.mark.parametrize("where", DEATHS)
def test_killed_anywhere_nothing_is_lost_and_nothing_is_there_twice(
    ledger: Ledger, archive: Archive, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run takes up what was left: a message is in the ledger or in a file that counts."""
    _two(ledger)
    everything = _everything(ledger, archive)

    def die(*_: Any) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(ledger if DEATHS[where] == "transact" else archive, DEATHS[where], die)
        with pytest.raises(Died):
            move(ledger, archive, BEFORE)
    assert everything == _everything(ledger, archive)
    move(ledger, archive, BEFORE)
    assert everything == _everything(ledger, archive)
    assert (0, 0, 0) == _rows(ledger)
    assert set() == archive.unfinished()
    assert 1 == len(list(archive.folder.glob("messages/*/*")))


def test_what_comes_meanwhile_stops_the_move(ledger: Ledger, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event taken in between reading and deleting is not in the file: the rows stay, the file goes."""
    _two(ledger)
    write = archive.write

    def late(part: Part, rows: Any) -> None:
        write(part, rows)
        with ledger.write() as connection:
            message = connection.execute(select(messages.c.id).where(messages.c.state == "accepted")).scalar_one()
            _event(connection, message, "unsubscribed")

    with monkeypatch.context() as patch:
        patch.setattr(archive, "write", late)
        assert {"plans": 0} == move(ledger, archive, BEFORE)
    assert (2, 2, 3) == _rows(ledger)
    assert [] == list(archive.folder.glob("*/*/*"))
    assert 3 == move(ledger, archive, BEFORE)["events"]


def test_a_file_that_is_gone_is_said(ledger: Ledger, archive: Archive) -> None:
    """Nobody takes the messages in it for never sent."""
    _two(ledger)
    move(ledger, archive, BEFORE)
    [file] = archive.folder.glob("messages/*/*")
    file.unlink()
    with ledger.read() as connection, pytest.raises(TidingsError, match="is not there, and the ledger has moved"):
        of_person(connection, archive, key(1), "letter")


def test_one_process_at_a_time(ledger: Ledger, archive: Archive) -> None:
    """A second one would take the first one's file for that of a dead process."""
    with archive.locked(), pytest.raises(TidingsError, match="another process moves messages"):
        move(ledger, archive, BEFORE)


def test_a_merge_takes_over_what_is_remembered(ledger: Ledger, archive: Archive) -> None:
    """The last time of both keys; the older one's archived messages and the younger one's are one person's."""
    with ledger.write() as connection:
        add_persons(connection, key(1), key(2))
        for number in (1, 2):
            add_contact(connection, key(number))
        _plan(connection, 2)
        _old(connection, 1)
        _old(connection, 2, counted_at=OLD + timedelta(hours=1))
    move(ledger, archive, BEFORE)
    with ledger.write() as connection:
        merge_persons(connection, [(key(2), key(1))], NOW)
    with ledger.read() as connection:
        assert [(key(1), "letter", "send", "received", OLD + timedelta(hours=1))] == touches.load(connection, NOW)
        assert 2 == len(of_person(connection, archive, key(1), "letter"))


def test_a_month_of_many_messages_is_moved_in_parts(
    ledger: Ledger, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part is a short transaction."""
    monkeypatch.setattr("tidings.ledger.retention.SIZE", 2)
    with ledger.write() as connection:
        add_persons(connection, *map(key, range(1, 6)))
        _plan(connection, 5)
        for number in range(1, 6):
            _old(connection, number)
        connection.execute(update(plans).values(created_at=OLD))
    assert 5 == move(ledger, archive, BEFORE)["messages"]
    assert 3 == len(list(archive.folder.glob("messages/*/*")))
    assert [] == _broken(ledger)
