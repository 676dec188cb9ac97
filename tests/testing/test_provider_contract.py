"""The contract is worth as much as the broken providers it finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tidings.model.delivery import Outcome, Outgoing
from tidings.model.seams import Provider
from tidings.providers.outbox import OutboxConfig
from tidings.testing.provider_contract import Bench, Delivered, Fault, ProviderContract


class Memory:
    def __init__(self) -> None:
        self.taken: list[Outgoing] = []
        self.silent: set[str] = set()


class Good(Provider):
    """Keeps messages in memory; breaks none of the rules."""

    name = "memory"
    channel = "email"
    Config = OutboxConfig
    memory: Memory

    async def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        return [self.one(outgoing) for outgoing in batch]

    def one(self, outgoing: Outgoing) -> Outcome:
        fields = [outgoing.to, outgoing.sender, outgoing.sender_name, outgoing.reply_to or "", outgoing.subject]
        words = "".join([*fields, *outgoing.headers, *outgoing.headers.values()])
        if any(sign in words for sign in "\r\n\0") or "\ud83d" in outgoing.text:
            return Outcome(send_key=outgoing.send_key, status="refused")
        self.memory.taken.append(outgoing)
        status = "unknown" if outgoing.to in self.memory.silent else "accepted"
        return Outcome(send_key=outgoing.send_key, status=status)


class MemoryBench(Bench):
    faults = (Fault("silent", "unknown", delivered=True),)
    secrets = ("hunter2",)

    def __init__(self, kind: type[Good]) -> None:
        self.kind = kind
        self.memory = Memory()

    def provider(self) -> Provider:
        provider = self.kind(OutboxConfig(), root=Path())
        provider.memory = self.memory
        return provider

    def delivered(self) -> list[Delivered]:
        return [Delivered(one.send_key, one.to, one.text, one.subject) for one in self.memory.taken]

    def arrange(self, fault: Fault, address: str) -> None:
        self.memory.silent.add(address)


class TestGood(ProviderContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return MemoryBench(Good)


class Forgets(Good):
    async def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        return (await super().send(batch))[:-1]


class Doubles(Good):
    def one(self, outgoing: Outgoing) -> Outcome:
        super().one(outgoing)
        return super().one(outgoing)


class Cuts(Good):
    def one(self, outgoing: Outgoing) -> Outcome:
        return super().one(outgoing.model_copy(update={"text": outgoing.text[:1000]}))


class Injects(Good):
    def one(self, outgoing: Outgoing) -> Outcome:
        self.memory.taken.append(outgoing)
        return Outcome(send_key=outgoing.send_key, status="accepted")


class Hopes(Good):
    def one(self, outgoing: Outgoing) -> Outcome:
        return super().one(outgoing).model_copy(update={"status": "accepted"})


class Retries(Good):
    def one(self, outgoing: Outgoing) -> Outcome:
        outcome = super().one(outgoing)
        return outcome.model_copy(update={"status": "later"}) if outcome.status == "unknown" else outcome


class Gossips(Good):
    def one(self, outgoing: Outgoing) -> Outcome:
        return super().one(outgoing).model_copy(update={"detail": f"sent to {outgoing.to}"})


class Tells(Good):
    def __repr__(self) -> str:
        return "Tells(password='hunter2')"


class Invents(Good):
    async def lookup(self, send_keys: Sequence[str]) -> list[Outcome]:
        return [Outcome(send_key=key, status="accepted") for key in send_keys]


class FallsOver(Good):
    async def close(self) -> None:
        self.memory.taken.remove(self.memory.taken[0])


@pytest.mark.parametrize(
    ("kind", "test"),
    [
        (Forgets, ProviderContract.test_one_outcome_a_message),
        (Doubles, ProviderContract.test_accepted_is_what_arrived),
        (Cuts, ProviderContract.test_a_huge_message),
        (Injects, ProviderContract.test_no_header_can_be_added),
        (Injects, ProviderContract.test_half_a_character),
        (Hopes, ProviderContract.test_faults_have_their_outcomes),
        (Retries, ProviderContract.test_refused_and_later_never_arrive),
        (Gossips, ProviderContract.test_outcomes_are_impersonal),
        (Tells, ProviderContract.test_secrets_stay_inside),
        (Invents, ProviderContract.test_lookup_invents_nothing),
    ],
)
def test_it_finds(kind: type[Good], test: Callable[[ProviderContract, Bench], None]) -> None:
    """A provider with one fault of character fails the test that is there for it."""
    with pytest.raises(AssertionError):
        test(TestGood(), MemoryBench(kind))


def test_closing_is_tried() -> None:
    """A provider that cannot be closed unused fails with its own error."""
    with pytest.raises(IndexError):
        TestGood().test_closing(MemoryBench(FallsOver))


def test_a_bench_that_arranges_nothing() -> None:
    """A bench that names faults but cannot make them says what is missing."""

    class Half(MemoryBench):
        arrange = Bench.arrange

    with pytest.raises(Exception, match="Half names faults it cannot arrange; override arrange"):
        TestGood().test_faults_have_their_outcomes(Half(Good))
