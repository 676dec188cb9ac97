"""What a provider says becomes a message's state; what it does not say is doubt."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.planning.campaigns import campaign
from tests.stage import DAY, NOW, Stage, accept, person, register
from tests.waiting import wait_until
from tidings.clock import wall_clock
from tidings.delivery.claim import Scope
from tidings.delivery.dispatch import dispatch
from tidings.errors import TidingsError
from tidings.ledger import messages as noun
from tidings.ledger.tables import attempts, messages
from tidings.model.counts import DeliverShape
from tidings.model.delivery import Outcome, Outgoing
from tidings.model.run import Run
from tidings.testing.racing import at_once
from tidings.verbs.deliver import deliver
from tidings.verbs.tick import tick

ALL = {"allow": ["*"]}


def _planned(stage: Stage, size: int = 3, answer: Any = accept, **attributes: Any) -> Any:
    """A released plan for so many people, and the scripted provider that will get it."""
    kind = register(stage, answer, **attributes)
    stage.settings(**ALL)
    stage.add(campaign(approval="none"))
    stage.people([person(number) for number in range(1, size + 1)])
    stage.plan()
    return kind


def _deliver(stage: Stage, now: Any = NOW, **options: Any) -> DeliverShape:
    return deliver(stage.project, now, **options)


def _all(status: str, **fields: Any) -> Callable[[Sequence[Outgoing]], list[Outcome]]:
    return lambda batch: [Outcome(send_key=one.send_key, status=status, **fields) for one in batch]


def _raise(error: BaseException) -> Callable[[Sequence[Outgoing]], list[Outcome]]:
    def answer(batch: Sequence[Outgoing]) -> list[Outcome]:
        raise error

    return answer


ANSWERS: dict[str, tuple[Any, str, str]] = {
    "accepted": (_all("accepted"), "accepted", "accepted"),
    "refused": (_all("refused", detail="550 no such user"), "refused: 550 no such user", "refused"),
    "later": (_all("later", detail="429"), "planned: 429", "later"),
    "unknown": (_all("unknown", detail="reset"), "in_doubt: reset", "unknown"),
    "silence": (lambda _: [], "in_doubt: the provider gave no outcome", "unknown"),
    "exception": (_raise(RuntimeError("connection reset")), "in_doubt: RuntimeError: connection reset", "unknown"),
    "our own error": (_raise(TidingsError("broken", "mend it")), "in_doubt: broken; mend it", "unknown"),
    "nothing": (lambda _: None, "in_doubt: TypeError: 'NoneType' object is not iterable", "unknown"),
    "nonsense": (
        lambda _: ["250 ok"],
        "in_doubt: AttributeError: 'str' object has no attribute 'send_key'",
        "unknown",
    ),
    "a yes and a no": (
        lambda batch: [*_all("accepted")(batch), *_all("later")(batch)],
        "in_doubt: the provider said accepted and later",
        "unknown",
    ),
    "the same twice": (lambda batch: [*_all("accepted")(batch)] * 2, "accepted", "accepted"),
    "for ever": (_all("later", detail="450", retry_after=timedelta.max), "planned: 450", "later"),
    "the address": (
        _raise(RuntimeError("cannot send to C1@Example.com")),
        "in_doubt: RuntimeError: cannot send to (recipient)",
        "unknown",
    ),
    "others": (
        lambda _: [Outcome(send_key="f" * 32, status="accepted")],
        "in_doubt: the provider gave no outcome",
        "unknown",
    ),
}


@pytest.mark.parametrize("kind", list(ANSWERS))
def test_each_answer_has_its_state(stage: Stage, kind: str) -> None:
    """Accepted and refused are final, later comes again, and whatever was not classified is doubt (R05, R06, R07)."""
    answer, state, outcome = ANSWERS[kind]
    _planned(stage, 1, answer)
    done = _deliver(stage)
    assert {state: 1} == stage.states()
    counted = {"accepted": done.accepted, "refused": done.refused, "later": done.later, "unknown": done.in_doubt}
    assert {name: int(name == outcome) for name in counted} == counted
    assert 1 == done.claimed == sum(counted.values())
    with stage.ledger.read() as connection:
        [row] = connection.execute(select(attempts)).all()
    assert (outcome, NOW, NOW) == (row.outcome, row.started_at, row.finished_at)


def test_answers_may_differ_within_a_batch(either: Stage) -> None:
    """Each message has its own outcome, in whatever order they come; the one without is in doubt (R06)."""
    statuses = ["accepted", "refused", "later", "unknown"]

    def mixed(batch: Sequence[Outgoing]) -> list[Outcome]:
        pairs = list(zip(batch, statuses, strict=False))
        return [Outcome(send_key=one.send_key, status=status) for one, status in reversed(pairs)]

    _planned(either, 5, mixed)
    done = _deliver(either)
    assert (5, 1, 1, 1, 2) == (done.claimed, done.accepted, done.refused, done.later, done.in_doubt)
    found = {"accepted": 1, "refused": 1, "planned": 1, "in_doubt": 1, "in_doubt: the provider gave no outcome": 1}
    assert found == either.states()


def test_sending_is_committed_before_the_first_byte(either: Stage) -> None:
    """While the provider has the batch, the ledger already says so, with an open attempt each (R02)."""
    seen = []

    def look(batch: Sequence[Outgoing]) -> list[Outcome]:
        with either.ledger.read() as connection:
            states = noun.states(connection)
            open_ = connection.execute(select(attempts).where(attempts.c.finished_at.is_(None))).all()
        seen.append((states, len(open_), {row.outcome for row in open_}))
        return accept(batch)

    _planned(either, 3, look)
    _deliver(either)
    assert [({"sending": 3}, 3, {None})] == seen


def test_delivering_again_sends_nothing(either: Stage) -> None:
    """What was accepted, refused or is in doubt never goes to a provider again (R01)."""

    def thirds(batch: Sequence[Outgoing]) -> list[Outcome]:
        statuses = ["accepted", "refused", "unknown"]
        return [Outcome(send_key=one.send_key, status=statuses[n % 3]) for n, one in enumerate(batch)]

    kind = _planned(either, 6, thirds)
    _deliver(either)
    for days in (0, 1, -1, 30):
        assert 0 == _deliver(either, NOW + days * DAY).claimed
        tick(either.project, NOW + days * DAY)
    assert 6 == len(kind.given) == len({one.to for one in kind.given})


def test_a_killed_worker_leaves_doubt_and_no_second_message(either: Stage) -> None:
    """A process that dies in mid-send leaves `sending`; when its lease ends that is in doubt, never planned (R05)."""
    kind = _planned(either, 4, _raise(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        _deliver(either)
    assert {"sending": 4} == either.states()
    assert 0 == tick(either.project, NOW).settled
    with either.ledger.write() as connection:
        connection.execute(update(messages).values(lease_until=messages.c.lease_until - 301))
    assert 4 == tick(either.project, NOW + timedelta(minutes=6)).settled
    assert {"in_doubt: worker_gone": 4} == either.states()
    tick(either.project, NOW + DAY)
    assert 4 == len(kind.given)


def test_a_cancelled_worker_leaves_doubt_too(stage: Stage) -> None:
    """Cancelling the send is no answer: the messages may have left (R06)."""
    _planned(stage, 2, _raise(asyncio.CancelledError()))
    with pytest.raises(asyncio.CancelledError):
        _deliver(stage)
    assert {"sending": 2} == stage.states()


@pytest.mark.parametrize(
    ("status", "state"), [("accepted", "accepted"), ("refused", "refused"), ("later", "in_doubt: worker_gone")]
)
def test_an_answer_after_the_lease_still_counts(stage: Stage, status: str, state: str) -> None:
    """A slow provider's yes or no settles the doubt that its lease left; a `later` starts no second try (R05)."""

    def slow(batch: Sequence[Outgoing]) -> list[Outcome]:
        with stage.ledger.write() as connection:
            connection.execute(update(messages).values(lease_until=0.0))
            noun.recover(connection, 1.0)
        return _all(status)(batch)

    _planned(stage, 1, slow)
    _deliver(stage)
    assert {state: 1} == stage.states()


def test_a_retry_waits_as_long_as_it_was_told(stage: Stage) -> None:
    """Retry-After is honoured, with up to a quarter more, so that not all come back at once (R07)."""
    asked = timedelta(minutes=40)
    kind = _planned(stage, 8, _all("later", retry_after=asked))
    _deliver(stage)
    waits = [row["not_before"] - NOW for row in stage.rows()]
    assert all(asked <= wait <= asked * 1.25 for wait in waits)
    assert 8 == len(set(waits))
    assert 0 == _deliver(stage, NOW + asked - timedelta(seconds=1)).claimed
    assert 8 == _deliver(stage, NOW + asked * 1.25).claimed
    assert 16 == len(kind.given)


def test_retries_back_off_until_the_message_expires(stage: Stage) -> None:
    """Without a time each wait is twice the last, an hour at most; an outage loses nobody before its time (R07)."""
    kind = _planned(stage, 1, _all("later", detail="421"))
    with stage.ledger.write() as connection:
        connection.execute(update(messages).values(expires_at=NOW + 2 * DAY))
    now, waits = NOW, []
    while now < NOW + 2 * DAY:
        assert {"421": 1} == _deliver(stage, now).causes
        [row] = stage.rows()
        assert ("planned", "421") == (row["state"], row["reason"])
        waits.append((row["not_before"] - now) / timedelta(minutes=1))
        now = row["not_before"]
    for wait, minutes in zip(waits, [5, 10, 20, 40, *[60] * len(waits)], strict=False):
        assert minutes <= wait <= minutes * 1.25
    assert len(waits) == len(kind.given) > 40
    assert 1 == _deliver(stage, now).expired
    assert {"expired: too_late": 1} == stage.states()


@pytest.mark.parametrize("seconds", [0, -60])
def test_a_retry_is_never_at_once(stage: Stage, seconds: int) -> None:
    """A provider that says `again in no time` does not make the worker spin."""
    kind = _planned(stage, 1, _all("later", retry_after=timedelta(seconds=seconds)))
    assert 1 == _deliver(stage).later
    assert 1 == len(kind.given)


def test_batches_are_no_larger_than_the_provider_takes(either: Stage) -> None:
    """A claim of a hundred is handed over in the provider's own pieces; a failing piece doubts itself alone (R14)."""
    sizes = []

    def count(batch: Sequence[Outgoing]) -> list[Outcome]:
        sizes.append(len(batch))
        if len(sizes) == 2:
            raise RuntimeError("reset")
        return accept(batch)

    _planned(either, 120, count, max_batch=30)
    done = _deliver(either)
    assert [30, 30, 30, 10, 20] == sizes
    assert {"accepted": 90, "in_doubt: RuntimeError: reset": 30} == either.states()
    assert (120, 90, 30) == (done.claimed, done.accepted, done.in_doubt)


def test_what_is_done_so_far_is_told_after_each_batch(stage: Stage) -> None:
    """In numbers that rise to the end's."""
    _planned(stage, 5)
    stage.settings(delivery={"batch": 2})
    told: list[DeliverShape] = []
    done = _deliver(stage, tell=told.append)
    assert [2, 4, 5] == [one.claimed for one in told]
    assert done == told[-1]


def test_two_workers_send_each_message_once(either: Stage) -> None:
    """Two workers over one plan at the same time: nobody is mailed twice, nobody is left out (R11)."""
    kind = _planned(either, 250, max_batch=20)
    done: list[DeliverShape] = []
    at_once(*[lambda: done.append(_deliver(either))] * 2)
    assert 250 == sum(one.accepted for one in done) == len(kind.given) == len({one.send_key for one in kind.given})
    assert {"accepted": 250} == either.states()
    with either.ledger.read() as connection:
        assert 250 == len(connection.execute(select(attempts)).all())


def test_every_attempt_names_its_run(stage: Stage) -> None:
    """Which Dag run handed a message over, to whom, and what the provider called it."""
    _planned(stage, 1)
    _deliver(stage, run=Run(dag_id="campaign__letter", run_id="scheduled__1"))
    [message] = stage.rows()
    with stage.ledger.read() as connection:
        [row] = connection.execute(select(attempts)).all()
    assert ("campaign__letter", "scheduled__1", "scripted", f"id-{message['send_key']}") == (
        row.dag_id,
        row.run_id,
        row.provider,
        row.provider_id,
    )


def test_the_words_of_a_server_may_be_anything(either: Stage) -> None:
    """NUL, halves of characters and endless texts in an answer are kept as far as they can be."""
    _planned(either, 1, _all("refused", detail="no\x00 such\ud800 box" * 100, provider_id="x\x00" * 300))
    _deliver(either)
    [row] = either.rows()
    assert ("refused", 100) == (row["state"], len(row["reason"]))


def test_a_provider_that_cannot_be_made_is_tried_again(stage: Stage) -> None:
    """A missing secret or a constructor that breaks sends nothing and loses nothing."""

    def broken(self: Any, config: Any, *, root: Any) -> None:
        raise OSError("no certificate")

    kind = _planned(stage, 2, __init__=broken)
    assert 2 == _deliver(stage).later
    assert {"planned: OSError: no certificate": 2} == stage.states()
    assert [] == kind.given


def test_a_lost_disk_is_waited_for(stage: Stage) -> None:
    """A worker that does not see the plan's files sends nothing and refuses nothing: they may come back."""
    kind = _planned(stage, 2)
    folder = stage.project.root / ".tidings" / "plans"
    folder.rename(folder.with_name("away"))
    assert 2 == _deliver(stage).later
    assert {"planned"} == {row["state"] for row in stage.rows()}
    folder.with_name("away").rename(folder)
    assert 2 == _deliver(stage, NOW + DAY / 4).accepted
    assert 2 == len(kind.given)


def test_a_message_that_cannot_be_written_is_refused(stage: Stage) -> None:
    """What is wrong with one message stays wrong with it; the others leave."""
    _planned(stage, 3)
    [path] = stage.project.root.glob(".tidings/plans/*/templates.json")
    stored = json.loads(path.read_text())
    part = stored[0]["compiled"]["parts"]["en"]
    part["text"] = "{% if customer.first_name == 'Name2' %}{{ customer.secret.deep }}{% endif %}" + part["text"]
    path.write_text(json.dumps(stored))
    done = _deliver(stage)
    assert (3, 2, 1) == (done.claimed, done.accepted, done.refused)
    [refused] = [row for row in stage.rows() if row["state"] == "refused"]
    assert "C0002" == refused["customer_id"]
    assert refused["reason"].startswith("not rendered: ")


def test_providers_are_given_back(stage: Stage) -> None:
    """Each provider is closed once, also when a worker is stopped in mid-send."""
    closed = []

    async def close(self: Any) -> None:
        closed.append(self.name)

    _planned(stage, 2, _raise(KeyboardInterrupt()), close=close)
    with pytest.raises(KeyboardInterrupt):
        _deliver(stage)
    assert ["scripted"] == closed


def test_nothing_due_reads_nothing(stage: Stage) -> None:
    """Where nothing has come due the contact columns are not even opened."""
    _planned(stage, 1)
    (stage.project.root / ".tidings/snapshots/addresses.parquet").unlink()
    assert 0 == _deliver(stage, NOW - DAY).claimed
    with pytest.raises(FileNotFoundError):
        _deliver(stage)


def test_one_plan_alone(stage: Stage) -> None:
    """A Dag run delivers its own plan and leaves the others to theirs and to the tick."""
    kind = _planned(stage, 2)
    stage.add(campaign(campaign="other", approval="none"))
    other = stage.plan("other")
    assert 2 == _deliver(stage, plan_id=other.plan_id).accepted
    assert {"other", "letter"} == {row["campaign"] for row in stage.rows()}
    assert {"other"} == {row["campaign"] for row in stage.rows() if row["state"] == "accepted"}
    assert 2 == len(kind.given)
    assert 2 == tick(stage.project, NOW).delivered.accepted


def test_what_is_too_late_is_not_sent(stage: Stage) -> None:
    """A message that was not sent in time expires, and is counted."""
    kind = _planned(stage, 2)
    done = _deliver(stage, NOW + 7 * DAY)
    assert (0, 2) == (done.claimed, done.expired)
    assert {"expired: too_late": 2} == stage.states()
    assert [] == kind.given


def test_a_provider_that_fails_to_close_takes_nothing_back(stage: Stage) -> None:
    """What it answered stands, and the call goes on to its end."""

    async def close(self: Any) -> None:
        raise OSError("the line is dead")

    _planned(stage, 2, close=close)
    assert 2 == _deliver(stage).accepted


def test_a_typed_time_stays_on_this_machine(stage: Stage) -> None:
    """A provider that reaches real people takes messages at the machine's own time only; nothing is changed."""
    kind = _planned(stage, 2, loopback=False)
    with pytest.raises(TidingsError, match=r"it is not 2026-11-22T15:00\+00:00, and scripted would send"):
        _deliver(stage)
    assert {"planned": 2} == stage.states()
    stage.settings(allow=[])
    assert 2 == _deliver(stage).accepted  # to the outbox, which reaches nobody
    assert [] == kind.given


def test_the_hours_of_a_long_call_count(stage: Stage) -> None:
    """Sending takes its time, and a retry waits from its answer on, not from the beginning of the call."""
    later = timedelta(seconds=1)

    def slow(batch: Sequence[Outgoing]) -> list[Outcome]:
        wait_until(lambda: wall_clock() > now + later, 10, what="the second to pass")
        return _all("later", detail="450", retry_after=timedelta(seconds=60))(batch)

    _planned(stage, 2, slow)
    with stage.ledger.write() as connection:
        now = wall_clock()
        connection.execute(update(messages).values(not_before=now, expires_at=now + DAY))
    _deliver(stage, now)
    assert all(row["not_before"] >= now + later + timedelta(seconds=60) for row in stage.rows())


def test_without_a_key_for_its_links_nothing_is_claimed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """In production a missing secret is a mistake to mend, and costs nobody their message."""
    monkeypatch.delenv("TIDINGS_SECRET_LINK_KEY", raising=False)
    kind = _planned(stage, 3)
    production = replace(stage.project, environment="production")
    with pytest.raises(TidingsError, match="the secret 'link_key' is not set"):
        dispatch(production, stage.ledger, NOW, Scope())
    assert {"planned": 3} == stage.states()
    monkeypatch.setenv("TIDINGS_SECRET_LINK_KEY", "a key of more than sixteen characters")
    assert 3 == dispatch(production, stage.ledger, NOW, Scope()).accepted
    assert 3 == len(kind.given)


@pytest.mark.parametrize("status", ["paused", "retired", "draft"])
def test_a_campaign_that_is_not_live_sends_nothing(stage: Stage, status: str) -> None:
    """Whoever pauses a campaign in the middle of its send stops it within one claim; live again, it goes on (R18)."""
    kind = _planned(stage, 2)
    stage.add(campaign(approval="none", status=status))
    assert 0 == _deliver(stage).claimed
    assert {"planned": 2} == stage.states()
    stage.add(campaign(approval="none"))
    assert 2 == _deliver(stage).accepted == len(kind.given)
