"""`guarantee: cancel_in_doubt` (R10): what is in doubt is taken back at the provider, and leaves once.

SendGrid's emulator is the judge: what left there, and what was discarded. No live account has been asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.planning.campaigns import campaign
from tests.stage import DAY, NOW, Stage, person
from tidings.ledger.tables import attempts, messages
from tidings.model.counts import TickShape
from tidings.model.delivery import Outcome, Outgoing, Schedule
from tidings.providers.sendgrid import SendGrid
from tidings.testing.sendgrid_account import BATCH, CANCELS
from tidings.testing.sendgrid_emulator import SendGridEmulator, SendGridFault
from tidings.verbs.deliver import deliver
from tidings.verbs.tick import tick

MINUTE = timedelta(minutes=1)
AHEAD = SendGrid.cancels or timedelta()
SIZE = 3


class Killed(BaseException):
    """The worker's end: nothing that comes after it is done."""


@pytest.fixture
def sendgrid(monkeypatch: pytest.MonkeyPatch) -> Iterator[SendGridEmulator]:
    """The other side, at three in the afternoon."""
    monkeypatch.setenv("TIDINGS_SECRET_SENDGRID_API_KEY", "SG.emulator")
    with SendGridEmulator() as emulator:
        emulator.clock = NOW.timestamp
        yield emulator


@pytest.fixture
def shop(either: Stage, sendgrid: SendGridEmulator) -> Stage:
    """A released plan of three whose messages can be taken back."""
    settings = {"host": sendgrid.url, "api_key": {"secret": "sendgrid_api_key"}, "timeout": 2}
    channels = {"email": {"providers": ["sendgrid"]}}
    either.settings(allow=["*"], channels=channels, providers={"sendgrid": settings}, quiet_hours=None)
    either.add(campaign(approval="none", guarantee="cancel_in_doubt"))
    either.people([person(number) for number in range(1, SIZE + 1)])
    either.plan()
    return either


def at(shop: Stage, sendgrid: SendGridEmulator, now: datetime) -> TickShape:
    """A round at that time, by both clocks."""
    sendgrid.clock = now.timestamp
    return tick(shop.project, now)


def arrived(sendgrid: SendGridEmulator) -> list[str]:
    """Who has got something in the end, once for each time."""
    return sorted(one["to"][0] for one in sendgrid.left((NOW + 9 * DAY).timestamp()))


def states(shop: Stage) -> dict[str, int]:
    """How many messages stand in each state, whatever the reason."""
    return {name.partition(":")[0]: number for name, number in shop.states().items()}


def die(shop: Stage, monkeypatch: pytest.MonkeyPatch, *, after: bool) -> None:
    """A worker that is killed when SendGrid has taken its batch, or just before that; its lease is over."""
    whole = SendGrid.send_scheduled

    async def send(provider: SendGrid, batch: Sequence[Outgoing], schedule: Schedule) -> list[Outcome]:
        if after:
            await whole(provider, batch, schedule)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(SendGrid, "send_scheduled", send)
        with pytest.raises(Killed):
            deliver(shop.project, NOW)
    with shop.ledger.write() as connection:
        connection.execute(update(messages).where(messages.c.state == "sending").values(lease_until=0))


EVERYBODY = [f"c{number}@example.com" for number in range(1, SIZE + 1)]


def test_without_doubt_it_leaves_later(shop: Stage, sendgrid: SendGridEmulator) -> None:
    """Accepted at once, under an id that the ledger knows; half an hour later it leaves."""
    assert SIZE == deliver(shop.project, NOW).accepted
    assert [] == sendgrid.left((NOW + AHEAD - MINUTE).timestamp())
    assert EVERYBODY == arrived(sendgrid)
    with shop.ledger.read() as connection:
        found = set(connection.execute(select(attempts.c.batch_id, attempts.c.leaves_at)))
    assert {("batch0000", NOW + AHEAD)} == found
    assert 0 == at(shop, sendgrid, NOW + 5 * MINUTE).settled
    assert {} == sendgrid.account.cancelled


def test_doubt_is_cancelled_at_once(shop: Stage, sendgrid: SendGridEmulator) -> None:
    """The batch goes again under an id of its own, and each message arrives once."""
    sendgrid.faults["c2@example.com"] = SendGridFault.RESET_AFTER
    done = deliver(shop.project, NOW)
    assert (0, SIZE) == (done.in_doubt, done.later)
    assert [] == arrived(sendgrid)
    sendgrid.faults.clear()
    assert SIZE == at(shop, sendgrid, NOW + 15 * MINUTE).delivered.accepted
    assert ({"accepted": SIZE}, EVERYBODY) == (states(shop), arrived(sendgrid))


@pytest.mark.parametrize("after", [False, True])
def test_a_dead_workers_batch_is_taken_back(
    shop: Stage, sendgrid: SendGridEmulator, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    """Whether SendGrid had it or not: the id was written down before, and the next tick sends anew."""
    die(shop, monkeypatch, after=after)
    found = at(shop, sendgrid, NOW + 6 * MINUTE)
    assert (2 * SIZE, SIZE) == (found.settled, found.delivered.accepted)  # in doubt, and out of it
    assert {"batch0000": "cancel"} == sendgrid.account.cancelled
    assert ({"accepted": SIZE}, EVERYBODY) == (states(shop), arrived(sendgrid))
    with shop.ledger.read() as connection:
        ended = connection.execute(select(attempts.c.outcome).order_by(attempts.c.id)).scalars()
        assert ["later"] * SIZE + ["accepted"] * SIZE == list(ended)


def test_a_batch_that_arrives_after_its_cancel_is_discarded(
    shop: Stage, sendgrid: SendGridEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was only slow hands over what has been taken back: SendGrid drops it, and its answer is late."""
    whole = SendGrid.send_scheduled

    async def send(provider: SendGrid, batch: Sequence[Outgoing], schedule: Schedule) -> list[Outcome]:
        monkeypatch.setattr(SendGrid, "send_scheduled", whole)
        with shop.ledger.write() as connection:
            connection.execute(update(messages).where(messages.c.state == "sending").values(lease_until=0))
        await asyncio.to_thread(at, shop, sendgrid, NOW + 6 * MINUTE)
        return await whole(provider, batch, schedule)

    monkeypatch.setattr(SendGrid, "send_scheduled", send)
    deliver(shop.project, NOW)
    assert ({"accepted": SIZE}, EVERYBODY) == (states(shop), arrived(sendgrid))
    assert 2 * SIZE == len(sendgrid.accepted)


@pytest.mark.parametrize("reason", ["not confirmed", "too late"])
def test_what_cannot_be_taken_back_stays_in_doubt(
    shop: Stage, sendgrid: SendGridEmulator, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    """It counts as sent: nobody gets it again, and after the horizon it is given up."""
    die(shop, monkeypatch, after=True)
    if reason == "not confirmed":
        sendgrid.faults |= {CANCELS: SendGridFault.ERROR, f"{CANCELS}/batch0000": SendGridFault.ERROR}
    later = NOW + (6 if reason == "not confirmed" else 21) * MINUTE
    assert SIZE == at(shop, sendgrid, later).settled
    assert ({"in_doubt": SIZE}, EVERYBODY) == (states(shop), arrived(sendgrid))
    at(shop, sendgrid, NOW + 3 * DAY)
    assert {"in_doubt: given_up": SIZE} == shop.states()
    assert EVERYBODY == arrived(sendgrid)


def test_a_cancel_is_asked_for_again(shop: Stage, sendgrid: SendGridEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first round was not answered; the second one is in time."""
    die(shop, monkeypatch, after=True)
    sendgrid.faults |= {CANCELS: SendGridFault.ERROR, f"{CANCELS}/batch0000": SendGridFault.ERROR}
    at(shop, sendgrid, NOW + 6 * MINUTE)
    sendgrid.faults.clear()
    assert SIZE == at(shop, sendgrid, NOW + 11 * MINUTE).delivered.accepted
    assert ({"accepted": SIZE}, EVERYBODY) == (states(shop), arrived(sendgrid))


def test_what_was_accepted_beside_a_doubt_is_taken_back_with_it(
    shop: Stage, sendgrid: SendGridEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One id is one fate: where the cancel is confirmed a round later, the accepted ones leave anew as well."""

    async def nothing(*_: Any) -> bool:
        return False

    sendgrid.faults["c2@example.com"] = SendGridFault.RESET_AFTER
    with monkeypatch.context() as patch:
        patch.setattr(SendGrid, "substitutes", False)  # a request for each message
        patch.setattr(SendGrid, "cancel", nothing)
        done = deliver(shop.project, NOW)
    assert (2, 1) == (done.accepted, done.in_doubt)
    sendgrid.faults.clear()
    found = at(shop, sendgrid, NOW + 5 * MINUTE)
    assert (SIZE, SIZE) == (found.settled, found.delivered.accepted)
    assert ({"accepted": SIZE}, EVERYBODY) == (states(shop), arrived(sendgrid))


def test_nothing_leaves_without_an_id(shop: Stage, sendgrid: SendGridEmulator) -> None:
    """Where SendGrid gives none, it is tried later."""
    sendgrid.faults[BATCH] = SendGridFault.ERROR
    assert SIZE == deliver(shop.project, NOW).later
    assert ([], []) == (sendgrid.requests, arrived(sendgrid))


@pytest.mark.parametrize(("broken", "states_then"), [("schedule", {"planned": SIZE}), ("cancel", {"in_doubt": SIZE})])
def test_a_provider_that_breaks_is_contained(
    shop: Stage, sendgrid: SendGridEmulator, monkeypatch: pytest.MonkeyPatch, broken: str, states_then: dict[str, int]
) -> None:
    """Without an id nothing has left; without a word about the cancel doubt stays doubt, and is written down (R55)."""

    async def fail(*_: Any) -> None:
        raise RuntimeError("a plugin's mistake")

    sendgrid.faults["c2@example.com"] = SendGridFault.RESET_AFTER
    monkeypatch.setattr(SendGrid, broken, fail)
    deliver(shop.project, NOW)
    assert states_then == states(shop)


def test_quiet_hours_are_those_of_its_leaving(either: Stage, shop: Stage, sendgrid: SendGridEmulator) -> None:
    """Ten to nine in the evening is no time to hand over what leaves at twenty past; half past seven is."""
    shop.settings(quiet_hours={"start": "21:00", "end": "08:00"}, timezone="America/New_York")
    evening = NOW + timedelta(hours=10, minutes=50)
    sendgrid.clock = evening.timestamp
    done = deliver(shop.project, evening)
    assert ({"quiet_hours": SIZE}, 0) == (done.put_off, done.claimed)
    morning = NOW.replace(hour=12, minute=30) + DAY  # half past seven in New York
    assert 0 == at(shop, sendgrid, morning - MINUTE).delivered.claimed
    assert SIZE == at(shop, sendgrid, morning).delivered.accepted
    assert either is shop


def test_what_would_leave_too_late_is_not_sent(shop: Stage, sendgrid: SendGridEmulator) -> None:
    """Its time to leave counts, not the time at which it is handed over."""
    with shop.ledger.write() as connection:
        connection.execute(update(messages).values(expires_at=NOW + AHEAD))
    assert {"too_late": SIZE} == deliver(shop.project, NOW).skipped
    assert [] == sendgrid.requests
