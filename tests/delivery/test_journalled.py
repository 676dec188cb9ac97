"""Whenever a process dies, a ledger that was not put back sends on, and one that was put back does not (R20a)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import update

from tests.databases import keep
from tests.planning.campaigns import campaign
from tests.stage import NOW, Scripted, Stage, accept, person, register
from tidings.delivery import dispatch
from tidings.delivery.claim import Scope
from tidings.errors import TidingsError
from tidings.ledger import journal
from tidings.ledger.head import head
from tidings.ledger.journal import Journal
from tidings.ledger.tables import messages
from tidings.model.counts import DeliverShape
from tidings.model.delivery import Outcome, Outgoing
from tidings.verbs.recover import recover
from tidings.verbs.tick import tick


class Died(BaseException):
    """The process is gone; nothing of ours catches this."""


def _planned(stage: Stage, size: int, batch: int = 100) -> type[Scripted]:
    kind = register(stage)
    stage.settings(allow=["*"], delivery={"batch": batch})
    stage.add(campaign(approval="none"))
    stage.people([person(number) for number in range(size)])
    stage.plan()
    return kind


def _deliver(stage: Stage) -> DeliverShape:
    return dispatch.dispatch(stage.project, stage.ledger, NOW, Scope())


def _before_the_commit(monkeypatch: pytest.MonkeyPatch, _kind: Any) -> None:
    def die(*arguments: Any) -> int:
        real(*arguments)
        raise Died

    real = dispatch.advance
    monkeypatch.setattr(dispatch, "advance", die)


def _before_the_journal(monkeypatch: pytest.MonkeyPatch, _kind: Any) -> None:
    monkeypatch.setattr(Journal, "append", _die)


def _in_the_middle_of_a_line(monkeypatch: pytest.MonkeyPatch, _kind: Any) -> None:
    def half(file: Any, line: dict[str, Any], **options: Any) -> None:
        if "journal" in line:
            return real(file, line, **options)
        with file.open("ab") as opened:
            opened.write(b'{"number":1,"ti')
        raise Died

    real = journal._write
    monkeypatch.setattr(journal, "_write", half)


def _before_the_first_byte(_monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    _monkeypatch.setattr(kind, "answer", staticmethod(_die))


def _die(*_arguments: Any) -> Any:
    raise Died


DEATHS: dict[Callable[..., None], tuple[int, int, str]] = {
    # the ledger's number and the journal's, and the states afterwards
    _before_the_commit: (0, 0, "planned"),
    _before_the_journal: (1, 0, "sending"),
    _in_the_middle_of_a_line: (1, 0, "sending"),
    _before_the_first_byte: (1, 1, "sending"),
}


@pytest.mark.parametrize("death", DEATHS, ids=lambda death: death.__name__.strip("_"))
def test_no_crash_is_a_false_alarm(either: Stage, monkeypatch: pytest.MonkeyPatch, death: Callable[..., None]) -> None:
    """Whenever the process died: the ledger is never behind its journal, the next one sends the rest (R20a)."""  # R20a
    kind = _planned(either, 3, batch=1)
    copy = keep(either.ledger)
    with monkeypatch.context() as patched:
        death(patched, kind)
        with pytest.raises(Died):
            _deliver(either)
    kind.given.clear()
    with either.ledger.read() as connection:
        numbers = (head(connection), Journal.of(either.project).tip())
    ledger, tip, state = DEATHS[death]
    assert (ledger, tip) == numbers
    assert state in either.states()
    left = 3 - (state == "sending")
    assert left == _deliver(either).accepted == len(kind.given)
    # And the same journal gives away a ledger that is put back to before the crash.
    copy()
    with pytest.raises(TidingsError, match="older than its journal"):
        _deliver(either)
    assert left == len(kind.given)


def test_no_copy_of_the_ledger_sends_again(either: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied at every point of two batches and put back: it refuses where it misses what left (R20a)."""  # R20a
    copies: list[Callable[[], None]] = []
    kind = _planned(either, 2, batch=1)
    real = Journal.append

    def append(self: Journal, *arguments: Any) -> None:
        copies.append(keep(either.ledger))
        real(self, *arguments)

    def answer(batch: Sequence[Outgoing]) -> list[Outcome]:
        copies.append(keep(either.ledger))
        return accept(batch)

    copies.append(keep(either.ledger))
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "append", append)
        patched.setattr(kind, "answer", staticmethod(answer))
        assert 2 == _deliver(either).accepted
    copies.append(keep(either.ledger))
    refused = []
    for put_back in copies:
        put_back()
        try:
            assert 0 == _deliver(either).claimed
            refused.append(False)
        except TidingsError:
            refused.append(True)
            recover(either.project, NOW)
            assert 0 == _deliver(either).claimed
    # Before; first batch committed, first batch journalled; second batch committed, journalled; after.
    assert [True, True, True, False, False, False] == refused
    assert 2 == len(kind.given)


def test_where_the_journal_cannot_be_written_nothing_leaves(either: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk puts the batch back to be tried later: what is not in the journal has not left (R20a)."""  # R20a
    kind = _planned(either, 2)
    Journal.of(either.project).begin()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(TidingsError, match="No space left on device"):
            _deliver(either)
    assert {"planned: not journalled": 2} == either.states()
    with either.ledger.write() as connection:
        connection.execute(update(messages).values(not_before=NOW))
    assert 2 == _deliver(either).accepted == len(kind.given)


def test_a_batch_is_one_record_and_is_there_before_it_leaves(either: Stage) -> None:
    """The provider finds its messages' keys in the journal already, and there is one line for all of them."""  # R20a
    kind = _planned(either, 3)
    seen = []

    def answer(batch: Sequence[Outgoing]) -> list[Outcome]:
        seen.extend(Journal.of(either.project).records(0))
        return accept(batch)

    kind.answer = staticmethod(answer)
    _deliver(either)
    assert [{one.send_key for one in kind.given}] == [{entry["send_key"] for entry in one["entries"]} for one in seen]


def test_a_tick_refuses_as_well(either: Stage) -> None:
    """Whatever sends asks first."""  # R20a
    _planned(either, 1)
    put_back = keep(either.ledger)
    _deliver(either)
    put_back()
    with pytest.raises(TidingsError, match="older than its journal"):
        tick(either.project, NOW)


def test_the_journal_names_nobody(either: Stage) -> None:
    """Random keys and hashes keyed by the salt: no address, no name, no number of a customer (R53)."""  # R53
    kind = _planned(either, 1)
    _deliver(either)
    text = "".join(file.read_text() for file in Journal.of(either.project).files())
    assert kind.given[0].send_key in text
    one = person(0)
    assert [] == [one[name] for name in ("customer_id", "email", "phone", "first_name") if one[name] in text]
