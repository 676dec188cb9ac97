"""A report is held to the promise of every message: claimed first, sent once, never again in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.databases import keep
from tests.stage import NOW, Stage, person, register
from tidings.delivery.single import send_report
from tidings.errors import TidingsError
from tidings.ledger import journal, reports
from tidings.ledger.journal import Journal
from tidings.ledger.keys import random_key
from tidings.ledger.tables import reports as table
from tidings.model.delivery import Outcome, Outgoing
from tidings.verbs.recover import recover

OWNER = "lan@example.com"


def _send(stage: Stage) -> str:
    message = Outgoing(send_key=random_key(), channel="email", to=OWNER, sender="news@example.com", text="x")
    return send_report(stage.project, stage.ledger, message, ("letter", "2026-11-22"), NOW, "reports")


def _held(stage: Stage) -> str | None:
    with stage.ledger.read() as connection:
        row = reports.find(connection, "letter", "2026-11-22", OWNER)
    return row.state if row else None


def _answers(*statuses: str) -> Any:
    left = list(statuses)

    def answer(batch: Sequence[Outgoing]) -> list[Outcome]:
        status = left.pop(0)
        if status == "crash":
            raise RuntimeError("reset")
        return [] if status == "silence" else [Outcome(send_key=one.send_key, status=status) for one in batch]

    return answer


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("accepted", "accepted"),
        ("refused", "refused"),
        ("unknown", "in_doubt"),
        ("silence", "in_doubt"),
        ("crash", "in_doubt"),
    ],
)
def test_a_report_is_sent_once(stage: Stage, said: str, state: str) -> None:
    """Whatever the provider answered, the second call finds the state and sends nothing."""
    kind = register(stage, _answers(said))
    stage.settings(allow=["*"])
    assert state == _send(stage) == _send(stage) == _held(stage)
    assert 1 == len(kind.given)


def test_sending_is_claimed_before_the_first_byte(either: Stage) -> None:
    """While the provider has it, the ledger says so (R02)."""
    seen = []

    def look(batch: Sequence[Outgoing]) -> list[Outcome]:
        seen.append(_held(either))
        return [Outcome(send_key=batch[0].send_key, status="accepted")]

    register(either, look)
    either.settings(allow=["*"])
    assert "accepted" == _send(either) == _send(either)
    assert ["sending"] == seen


def test_a_busy_server_gets_the_report_later(stage: Stage) -> None:
    """An explicit refusal for now is no end: the next run sends it."""
    kind = register(stage, _answers("later", "later", "accepted"))
    stage.settings(allow=["*"])
    assert ["later", "later", "accepted", "accepted"] == [_send(stage) for _ in range(4)]
    assert 3 == len(kind.given)
    with stage.ledger.read() as connection:
        assert 1 == connection.execute(select(func.count()).select_from(table)).scalar()


def test_settings_that_do_not_fit_claim_nothing(stage: Stage) -> None:
    """A missing secret is mended, and then the report leaves."""
    stage.settings(
        allow=["*"],
        channels={"email": {"providers": ["smtp"]}},
        providers={"smtp": {"host": "127.0.0.1", "password": {"secret": "nobody_knows"}}},
    )
    with pytest.raises(TidingsError, match="the secret 'nobody_knows' is not set"):
        _send(stage)
    assert _held(stage) is None
    register(stage)
    assert "accepted" == _send(stage)


def test_an_owner_off_the_list_gets_the_report_in_the_outbox(stage: Stage) -> None:
    """Reports keep to the allow list too (R62)."""
    kind = register(stage)
    assert "accepted" == _send(stage)
    assert [] == kind.given
    assert 1 == len(list(stage.project.root.glob(".tidings/outbox/email/*.eml")))


def test_a_ledger_that_was_put_back_sends_no_report(either: Stage) -> None:
    """It may have forgotten that the reader has it (R20a)."""
    provider = register(either, _answers("accepted", "accepted"))
    either.settings(allow=["*"])
    Journal.of(either.project).begin()
    Journal.of(either.project).append("send", [], NOW)
    with pytest.raises(TidingsError, match="older than its journal"):
        _send(either)
    assert (None, []) == (_held(either), provider.given)


def test_a_restored_ledger_sends_no_report_again(either: Stage) -> None:
    """Put back to before the report, it refuses until its journal is read, and then knows of it (R20a)."""
    kind = register(either)
    either.settings(allow=["*"])
    either.people([person(1)])
    put_back = keep(either.ledger)
    assert "accepted" == _send(either)
    put_back()
    with pytest.raises(TidingsError, match="older than its journal"):
        _send(either)
    done = recover(either.project, NOW)
    assert (1, 1, 0) == (done.behind, done.reports, recover(either.project, NOW).behind)
    assert "in_doubt" == _send(either) == _held(either)
    assert 1 == len(kind.given)


def test_a_report_that_cannot_be_journalled_does_not_leave(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """And it is not taken for sent: the next run sends it."""
    kind = register(stage)
    stage.settings(allow=["*"])
    Journal.of(stage.project).begin()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(journal, "_write", full)
        with pytest.raises(TidingsError, match="the journal cannot be written"):
            _send(stage)
    assert [] == kind.given
    assert "accepted" == _send(stage)
