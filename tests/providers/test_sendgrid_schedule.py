"""R10 against the emulator: what is in doubt is cancelled, confirmed or not, and nobody gets a message twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.providers.test_sendgrid import SendGridBench, SharingBench, judged
from tests.published import Published
from tidings.delivery.handover import hand_over_cancellable
from tidings.errors import TidingsError
from tidings.model.delivery import Outcome, Outgoing, Schedule
from tidings.providers.sendgrid import SendGrid
from tidings.testing.sendgrid_account import BATCH, CANCELS
from tidings.testing.sendgrid_emulator import SendGridFault

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LATER = NOW + 20 * MINUTE
IN_DOUBT = (SendGridFault.ERROR, SendGridFault.RESET_BEFORE, SendGridFault.RESET_AFTER, SendGridFault.SILENT_AFTER)


@pytest.fixture
def bench(tmp_path: Path, published: Published | None) -> Iterator[SendGridBench]:
    """Messages that share requests, at nine o'clock."""
    with judged(tmp_path, published, SharingBench) as made:
        made.emulator.clock = NOW.timestamp
        yield made


def run(bench: SendGridBench, ask: Callable[[SendGrid], Awaitable[Any]]) -> Any:
    """What an instance of its own answers."""

    async def scenario() -> Any:
        provider = bench.provider()
        try:
            return await ask(provider)
        finally:
            await provider.close()

    return asyncio.run(scenario())


def send(bench: SendGridBench, batch: list[Outgoing], send_at: datetime = LATER, now: datetime = NOW) -> list[Outcome]:
    """As the engine does, for a campaign with `guarantee: cancel_in_doubt`."""

    async def ask(provider: SendGrid) -> list[Outcome]:
        noted: list[Schedule] = []
        found = await hand_over_cancellable(provider, batch, send_at - now, lambda: now, noted.append)
        assert [{send_at}] * len(noted) == [{one.send_at} for one in noted]
        return [found[one.send_key] for one in batch]

    return list(run(bench, ask))


def left(bench: SendGridBench) -> list[str]:
    """Keys of what has left SendGrid in the end."""
    return sorted(one["send_key"] for one in bench.emulator.left((NOW + timedelta(days=1)).timestamp()))


def test_a_schedule(bench: SendGridBench) -> None:
    """The request carries a new batch id and the time; nothing leaves before it."""
    batch = [bench.message("an"), bench.message("binh")]
    assert ["accepted"] * 2 == [outcome.status for outcome in send(bench, batch)]
    [body] = bench.emulator.requests
    assert (int(LATER.timestamp()), "batch0000") == (body["send_at"], body["batch_id"])
    assert [] == bench.emulator.left((LATER - MINUTE).timestamp())
    assert left(bench) == sorted(one.send_key for one in batch)
    assert {} == bench.emulator.account.cancelled


@pytest.mark.parametrize("fault", IN_DOUBT)
def test_what_is_in_doubt_is_cancelled_and_sent_again(bench: SendGridBench, fault: SendGridFault) -> None:
    """All of a batch with doubt in it goes under a new id, and arrives once, whatever became of the first try (R10)."""
    batch = [bench.message("an"), bench.message("binh", sender="other@example.org"), bench.message("chi")]
    bench.emulator.faults["an@example.com"] = fault
    outcomes = send(bench, batch)
    assert ["later"] * 3 == [one.status for one in outcomes]
    assert all(one.detail.startswith("cancelled, for doubt: ") for one in outcomes)
    assert {"batch0000": "cancel"} == bench.emulator.account.cancelled
    assert [] == left(bench)
    bench.emulator.faults.clear()
    assert ["accepted"] * 3 == [outcome.status for outcome in send(bench, batch)]
    assert left(bench) == sorted(one.send_key for one in batch)
    assert {"batch0000", "batch0001"} == {body["batch_id"] for body in bench.emulator.requests}


def test_refusals_stay_refusals(bench: SendGridBench) -> None:
    """Only what may have been taken is to be sent again; who was refused or asked to wait is told so."""
    batch = [bench.message("bad"), bench.message("an"), bench.message("odd", subject="")]
    bench.emulator.faults |= {"bad@example.com": SendGridFault.REFUSE, "an@example.com": SendGridFault.ERROR}
    assert ["refused", "later", "refused"] == [outcome.status for outcome in send(bench, batch)]


def test_a_slow_cancel_is_a_cancel(bench: SendGridBench) -> None:
    """An answer that takes its time is an answer."""
    schedule = run(bench, lambda provider: provider.schedule(LATER, NOW))
    bench.emulator.faults[CANCELS] = SendGridFault.SLOW_AFTER
    assert run(bench, lambda provider: provider.cancel(schedule, NOW))


@pytest.mark.parametrize("fault", sorted(set(SendGridFault) - {SendGridFault.SLOW_AFTER}))
def test_a_cancel_that_nobody_confirms(bench: SendGridBench, fault: SendGridFault) -> None:
    """Where the list of cancelled batches cannot be read, doubt stays doubt (R10)."""
    bench.emulator.faults["an@example.com"] = SendGridFault.RESET_AFTER
    schedule = run(bench, lambda provider: provider.schedule(LATER, NOW))
    outcomes = run(bench, lambda provider: provider.send_scheduled([bench.message("an")], schedule))
    assert ["unknown"] == [outcome.status for outcome in outcomes]
    bench.emulator.faults |= {CANCELS: fault, f"{CANCELS}/{schedule.batch_id}": fault}
    assert not run(bench, lambda provider: provider.cancel(schedule, NOW))


@pytest.mark.parametrize("fault", [SendGridFault.RESET_AFTER, SendGridFault.GARBAGE_AFTER, SendGridFault.SILENT_AFTER])
def test_a_cancel_whose_answer_is_lost(
    bench: SendGridBench, fault: SendGridFault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SendGrid is asked what it knows of the batch: a cancel that was heard is a cancel."""
    schedule = run(bench, lambda provider: provider.schedule(LATER, NOW))
    whole = bench.emulator.account.answer

    def answer(method: str, path: str, *rest: Any) -> Any:
        found = whole(method, path, *rest)
        bench.emulator.faults = {CANCELS: fault} if method == "GET" and path == CANCELS else {}
        return found

    monkeypatch.setattr(bench.emulator.account, "answer", answer)
    assert run(bench, lambda provider: provider.cancel(schedule, NOW))
    assert {schedule.batch_id: "cancel"} == bench.emulator.account.cancelled


def test_a_cancel_twice(bench: SendGridBench) -> None:
    """Asking again, as after a crash, is answered with yes."""
    schedule = run(bench, lambda provider: provider.schedule(LATER, NOW))
    assert run(bench, lambda provider: provider.cancel(schedule, NOW))
    assert run(bench, lambda provider: provider.cancel(schedule, NOW + MINUTE))


def test_a_paused_batch_is_not_cancelled(bench: SendGridBench) -> None:
    """Somebody's pause would let the messages go once it ends."""
    schedule = run(bench, lambda provider: provider.schedule(LATER, NOW))
    bench.emulator.account.cancelled[schedule.batch_id] = "pause"
    assert not run(bench, lambda provider: provider.cancel(schedule, NOW))


def test_too_late_to_cancel(bench: SendGridBench) -> None:
    """Ten minutes ahead is in time; a second later SendGrid promises nothing, and is not asked."""
    schedule = run(bench, lambda provider: provider.schedule(LATER, NOW))
    calls = bench.emulator.calls
    late = LATER - 10 * MINUTE + timedelta(seconds=1)
    assert not run(bench, lambda provider: provider.cancel(schedule, late))
    assert calls == bench.emulator.calls
    assert run(bench, lambda provider: provider.cancel(schedule, LATER - 10 * MINUTE))


def test_ten_open_cancels(bench: SendGridBench) -> None:
    """With ten, no eleventh is cancelled and nothing new is sent that would need it, until their time has passed."""
    schedules = [run(bench, lambda provider: provider.schedule(LATER, NOW)) for _ in range(11)]
    for schedule in schedules:
        bench.emulator.account.batches[schedule.batch_id] = int(LATER.timestamp())
    confirmed = [run(bench, partial(SendGrid.cancel, schedule=one, now=NOW)) for one in schedules]
    assert [True] * 10 + [False] == confirmed
    [outcome] = send(bench, [bench.message()])
    assert ("later", True) == (outcome.status, "10 cancelled batches are open" in outcome.detail)
    assert [] == bench.emulator.requests
    bench.emulator.clock = (LATER + MINUTE).timestamp
    [outcome] = send(bench, [bench.message()], LATER + 30 * MINUTE, LATER + MINUTE)
    assert "accepted" == outcome.status


@pytest.mark.parametrize("ahead", [20 * MINUTE - timedelta(seconds=1), timedelta(hours=72, seconds=1), -MINUTE])
def test_times_that_cannot_be_cancelled(bench: SendGridBench, ahead: timedelta) -> None:
    """Less than 20 minutes or more than 72 hours ahead nothing is sent at all."""
    with pytest.raises(TidingsError, match="20 minutes to 72 hours"):
        run(bench, lambda provider: provider.schedule(NOW + ahead, NOW))
    [outcome] = send(bench, [bench.message()], NOW + ahead)
    assert "later" == outcome.status
    assert 0 == bench.emulator.calls


@pytest.mark.parametrize("path", [BATCH, CANCELS])
def test_no_schedule_no_sending(bench: SendGridBench, path: str) -> None:
    """Without a batch id, or without knowing what is open, nothing leaves and it is tried later."""
    bench.emulator.faults[path] = SendGridFault.ERROR
    [outcome] = send(bench, [bench.message()])
    assert "later" == outcome.status
    assert [] == bench.emulator.requests


def test_another_batch_is_not_this_one(bench: SendGridBench) -> None:
    """A schedule that SendGrid does not know cannot be cancelled."""
    assert not run(bench, lambda provider: provider.cancel(Schedule("unknown", LATER), NOW))
