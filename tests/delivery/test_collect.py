"""What waits at a provider to be fetched: a mail that bounces, from the first byte out to the suppression."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.databases import keep
from tests.planning.campaigns import campaign
from tests.stage import DAY, NOW, Scripted, Stage, person, register
from tidings.model.delivery import ProviderEvent
from tidings.testing.smtp_sink import SmtpSink
from tidings.tracking import record
from tidings.verbs.deliver import deliver
from tidings.verbs.tick import tick

BOUNCE = """\
From: MAILER-DAEMON@mx.example.net
To: {return_path}
Message-ID: <{number}@mx.example.net>
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

Sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; {to}
Action: failed
Status: {status}
--b--
"""


def test_a_mail_that_bounces_is_the_last_one(either: Stage, tmp_path: Path) -> None:
    """By its return path alone the bounce finds its message; only a dead address is suppressed (R08, R36).

    The mailbox stays as it is, and to read it again changes nothing; the doubt of a message ends as well.
    """
    box = either.project.root / "mail/bounces"
    for folder in ("new", "cur", "tmp"):
        (box / folder).mkdir(parents=True)
    with SmtpSink(tmp_path / "inbox") as sink:
        settings = {"port": sink.port, "return_path": "bounces@example.com", "bounces": "mail/bounces"}
        channels = {"email": {"providers": ["smtp"]}}
        either.settings(allow=["*"], channels=channels, providers={"smtp": settings}, caps={})
        either.add(campaign(approval="none"))
        either.people([person(1), person(2), person(3)])
        either.plan()
        assert 3 == deliver(either.project, NOW).accepted
        left = {entry["to"][0]: entry["sender"] for entry in sink.accepted()}
        assert 3 == len(set(left.values()))
        for number, status in ((1, "5.1.1"), (2, "5.2.2")):
            to = f"c{number}@example.com"
            text = BOUNCE.format(return_path=left[to], to=to, status=status, number=number)
            (box / "new" / str(number)).write_text(text)
        assert [2, 0] == [tick(either.project, NOW + DAY).tracked for _ in range(2)]
        assert 2 == len(list((box / "new").iterdir()))
        either.add(campaign(campaign="next", approval="none"))
        made = either.plan("next", NOW + DAY)
    assert {"suppressed": 1} == made.counts.reasons
    assert 2 == made.counts.planned


def test_one_that_fails_keeps_no_other_back(stage: Stage) -> None:
    """Its name and the cause are logged; the round goes on, and what another one has is taken."""

    def broken(_self: Scripted, now: datetime) -> Iterator[ProviderEvent]:
        raise RuntimeError(f"no mailbox at {now}")

    def known(_self: Scripted, now: datetime) -> Iterator[ProviderEvent]:
        yield ProviderEvent(provider="fine", event_id="1", kind="delivered", occurred_at=now, send_key="f" * 32)

    register(stage, name="broken", collect=broken)
    register(stage, name="fine", collect=known)
    stage.settings(channels={"email": {"providers": ["broken", "fine"]}})
    stage.people([person(1)])
    assert [1, 0] == [tick(stage.project, NOW).tracked for _ in range(2)]


def test_how_far_was_read_is_written_with_what_was_found(either: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that dies before its events are in the ledger has read nothing; a restored ledger reads again."""
    given: list[str | None] = []

    def counted(self: Scripted, now: datetime) -> Iterator[ProviderEvent]:
        given.append(self.bookmark)
        number = int(self.bookmark or 0)
        yield ProviderEvent(provider="box", event_id=str(number), kind="delivered", occurred_at=now, send_key="f" * 32)
        self.bookmark = str(number + 1) if number < 2 else None

    register(either, name="box", collect=counted)
    either.settings(channels={"email": {"providers": ["box"]}})
    either.people([person(1)])
    put_back = keep(either.ledger)

    def die(*_: object) -> int:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(record, "record", die)
        with pytest.raises(ConnectionError):
            tick(either.project, NOW)
    assert [1, 1, 1, 0] == [tick(either.project, NOW).tracked for _ in range(4)]
    assert [None, None, "1", "2", None] == given
    put_back()
    assert 1 == tick(either.project, NOW).tracked
    assert None is given[-1]
