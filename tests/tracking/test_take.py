"""A no is in the journal before it is answered, also in a ledger that has forgotten the message (R20a)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from tests.databases import keep
from tests.planning.campaigns import campaign
from tests.stage import DAY, NOW, Scripted, Stage, key, person, register
from tidings.delivery.claim import Scope
from tidings.delivery.dispatch import dispatch
from tidings.errors import TidingsError
from tidings.ledger import consents, contacts
from tidings.ledger.head import head
from tidings.ledger.journal import Journal
from tidings.ledger.tables import events
from tidings.model.delivery import ProviderEvent
from tidings.tracking.record import take
from tidings.verbs.recover import recover


def _sent(stage: Stage, number: int = 1) -> type[Scripted]:
    kind = register(stage)
    stage.settings(allow=["*"])
    stage.add(campaign(approval="none"))
    stage.people([person(one) for one in range(1, number + 1)])
    stage.plan()
    dispatch(stage.project, stage.ledger, NOW, Scope())
    return kind


def _event(send_key: str, kind: str = "unsubscribed", event_id: str = "e1", **fields: Any) -> ProviderEvent:
    said = {"provider": "test", "event_id": event_id, "kind": kind, "occurred_at": NOW, "send_key": send_key}
    return ProviderEvent.model_validate(said | fields)


def _stops(stage: Stage) -> list[str]:
    records = Journal.of(stage.project).records(0)
    return [entry["event_id"] for one in records if one and one["kind"] == "stop" for entry in one["entries"]]


def _numbers(stage: Stage) -> tuple[int, int]:
    with stage.ledger.read() as connection:
        return head(connection), Journal.of(stage.project).tip()


def _reached(stage: Stage) -> bool:
    with stage.ledger.read() as connection:
        return not contacts.suppressed(connection) and bool(consents.granted(connection, "marketing", NOW + DAY))


def test_what_stops_is_journalled_and_nothing_else(either: Stage) -> None:
    """Complaints, unsubscribes and bounces that are the address's fault; the rest can be said again."""  # R20a
    send_key = _sent(either).given[0].send_key
    said = {
        "complained": {}, "unsubscribed": {}, "bounced": {"permanent": True, "detail": "550 lan@example.com"},
        "opened": {}, "delivered": {}, "deferred": {},
    }  # fmt: skip
    new = [_event(send_key, kind, kind, **fields) for kind, fields in said.items()]
    full = _event(send_key, "bounced", "full")
    take(either.project, either.ledger, [*new, full, _event("no key", "complained", "strange")], NOW)
    assert ["complained", "unsubscribed", "bounced"] == _stops(either)
    assert (2, 2) == _numbers(either)
    text = "".join(file.read_text() for file in Journal.of(either.project).files())
    assert "lan@example.com" not in text  # R53


def test_a_no_that_was_not_answered_is_journalled_when_it_is_said_again(
    either: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that died between ledger and journal gave no answer: the second call writes what is missing."""  # R20a
    event = _event(_sent(either).given[0].send_key)

    def die(*_arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "append", die)
        with pytest.raises(KeyboardInterrupt):
            take(either.project, either.ledger, [event], NOW)
    assert ([], (2, 1)) == (_stops(either), _numbers(either))
    assert 1 == take(either.project, either.ledger, [event], NOW).known
    assert (["e1"], (3, 3)) == (_stops(either), _numbers(either))


def test_an_old_ledger_does_not_count_itself_current(either: Stage) -> None:
    """However many say no while it waits to be recovered: it takes them, and still refuses to send."""  # R20a
    put_back = keep(either.ledger)
    send_key = _sent(either).given[0].send_key
    put_back()
    for number in range(5):
        take(either.project, either.ledger, [_event(send_key, event_id=f"e{number}")], NOW)
    assert (0, 6) == _numbers(either)
    with pytest.raises(TidingsError, match="older than its journal"):
        dispatch(either.project, either.ledger, NOW, Scope())


def test_a_no_to_a_forgotten_message_holds_once_it_is_recovered(either: Stage) -> None:
    """It came for a message the ledger did not know: recovery brings the message, and then the no (R20a)."""  # R20a
    either.people([person(1)])
    put_back = keep(either.ledger)
    send_key = _sent(either).given[0].send_key
    put_back()
    assert 1 == take(either.project, either.ledger, [_event(send_key)], NOW).unmatched
    assert _reached(either)
    assert 1 == recover(either.project, NOW).stops
    assert not _reached(either)
    with either.ledger.read() as connection:
        assert [key(2**108)] == list(connection.execute(select(events.c.person_key)).scalars())


def test_a_no_is_taken_though_the_journal_is_gone(either: Stage) -> None:
    """The ledger has it; the caller is told that it may be forgotten, and asks again."""  # R20a
    event = _event(_sent(either).given[0].send_key)
    folder = Journal.of(either.project).folder
    folder.rename(folder.with_name("elsewhere"))
    for _ in range(2):
        with pytest.raises(TidingsError, match="the ledger's journal is not in"):
            take(either.project, either.ledger, [event], NOW)
        assert not _reached(either)
    folder.with_name("elsewhere").rename(folder)
    assert 1 == take(either.project, either.ledger, [event], NOW).known
    assert ["e1"] == _stops(either)
