"""What every provider must do, as tests to inherit: subclass ProviderContract and give it a `bench` fixture.

    class TestOurProvider(ProviderContract):
        @pytest.fixture
        def bench(self, tmp_path):
            yield OurBench(tmp_path)

pytest is not imported here; any runner that fills `bench` will do.
"""
# ruff: noqa: S101 - these are tests, though they travel in the package

from __future__ import annotations

import asyncio
import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from tidings.errors import TidingsError
from tidings.model.base import Noun
from tidings.model.delivery import Outcome, Outgoing, Skeleton
from tidings.model.seams import Provider

SUBJECT = "Chị Lan ơi, sữa tươi sắp hết rồi — 牛奶快喝完了"
TEXT = """Chào chị Lan,

Sữa tươi chị hay mua đang giảm 20 %.
您好，您常买的牛奶正在打折。
.
. một dấu chấm đầu dòng
"""
HTML = "<p>Chào chị Lan, <b>sữa tươi</b> đang giảm 20 %. 您好，牛奶正在打折。</p>"
INJECTIONS = ("\r\nBcc: eve@example.com", "\nBcc: eve@example.com", "\rX: y", "\x00")
HUGE = 1_000_000  # characters

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Delivered:
    """One message as the other side has it; subject is None on a channel without one."""

    send_key: str
    to: str
    text: str
    subject: str | None = None


@dataclass(frozen=True)
class Fault:
    """One way the other side can fail a recipient, and what the provider must then say.

    `delivered`: whether the message is there all the same. `waits`: whether the answer said how long to wait.
    """

    name: Any
    status: Literal["refused", "later", "unknown"]
    delivered: bool = False
    waits: bool = False


class Bench(ABC):
    """A provider wired to a double of its service, whose own record is the judge, never the provider's word."""

    channel: str = "email"
    faults: Sequence[Fault] = ()
    secrets: Sequence[str] = ()

    @abstractmethod
    def provider(self) -> Provider:
        """A new instance, pointed at the double."""

    @abstractmethod
    def delivered(self) -> list[Delivered]:
        """Everything the double has taken."""

    def arrange(self, fault: Fault, address: str) -> None:
        """Make the double fail that recipient; to be given where `faults` are."""
        raise TidingsError(f"{type(self).__name__} names faults it cannot arrange", "override arrange")

    def unplugged(self) -> Provider | None:
        """An instance pointed at a port where nothing listens; None where there is no service to lose."""
        return None

    def address(self, name: str) -> str:
        """A recipient on the channel, a new one for every name."""
        return f"{name}@example.com"

    def message(self, name: str = "lan", **changes: Any) -> Outgoing:
        """A message to `address(name)` with a key of its own, in three languages."""
        fields: dict[str, Any] = {
            "send_key": f"{next(_numbers):032x}",
            "channel": self.channel,
            "to": self.address(name),
            "sender": "shop@example.org",
            "sender_name": "Sữa Ngon — 好牛奶",
            "reply_to": "hello@example.org",
            "subject": SUBJECT,
            "text": TEXT,
            "html": HTML if self.channel == "email" else None,
        }
        return Outgoing(**{**fields, **changes})

    def send(self, *batches: Sequence[Outgoing]) -> list[Outcome]:
        """The outcomes of the batches, sent one after the other by one instance that is then closed."""
        return self.run(self.provider(), *batches)

    def run(self, provider: Provider, *batches: Sequence[Outgoing]) -> list[Outcome]:
        """As `send`, by an instance of your own."""

        async def scenario() -> list[Outcome]:
            try:
                return [outcome for batch in batches for outcome in await provider.send(batch)]
            finally:
                await provider.close()

        return asyncio.run(scenario())


class ProviderContract(ABC):
    """The tests. None of them looks into the provider; they compare what it said with what arrived."""

    @abstractmethod
    def bench(self) -> Any:
        """The fixture: yields a Bench."""

    def test_says_what_it_is(self, bench: Bench) -> None:
        """A provider names itself, its channel, its batch and its settings, which refuse unknown keys."""
        kind = type(bench.provider())
        assert kind.name.isidentifier()
        assert kind.channel in (None, bench.channel)
        assert 1 <= kind.max_batch <= 1000
        assert issubclass(kind.Config, Noun)
        assert kind.Config.model_config["extra"] == "forbid"

    def test_one_outcome_a_message(self, bench: Bench) -> None:
        """Every message of a batch gets exactly one outcome, under its own key."""
        batch = [bench.message(f"person{number}") for number in range(12)]
        outcomes = bench.send(batch)
        assert sorted(outcome.send_key for outcome in outcomes) == sorted(outgoing.send_key for outgoing in batch)

    def test_accepted_is_what_arrived(self, bench: Bench) -> None:
        """The other side has each accepted message once, for its own recipient."""
        batch = [bench.message(f"person{number}") for number in range(12)]
        outcomes = bench.send(batch)
        assert {"accepted"} == {outcome.status for outcome in outcomes}
        expected = sorted((outgoing.send_key, outgoing.to) for outgoing in batch)
        assert expected == sorted((one.send_key, one.to) for one in bench.delivered())

    def test_an_empty_batch(self, bench: Bench) -> None:
        """Nothing to send is no outcome and no message."""
        assert [] == bench.send([])
        assert [] == bench.delivered()

    def test_a_full_batch(self, bench: Bench) -> None:
        """A batch of `max_batch` is taken whole."""
        size = min(type(bench.provider()).max_batch, 100)
        outcomes = bench.send([bench.message(f"person{number}") for number in range(size)])
        assert size == len(bench.delivered()) == sum(outcome.status == "accepted" for outcome in outcomes)

    def test_batches_one_after_the_other(self, bench: Bench) -> None:
        """One instance sends several batches before it is closed."""
        outcomes = bench.send([bench.message("an")], [], [bench.message("binh"), bench.message("chi")])
        assert ["accepted"] * 3 == [outcome.status for outcome in outcomes]
        assert 3 == len(bench.delivered())

    def test_every_language(self, bench: Bench) -> None:
        """Vietnamese and Chinese arrive as they were written, a line with a lone dot too."""
        outgoing = bench.message()
        bench.send([outgoing])
        [arrived] = bench.delivered()
        assert _lines(TEXT) == _lines(arrived.text)
        assert arrived.subject in (None, SUBJECT)

    def test_a_skeleton_and_its_holes(self, bench: Bench) -> None:
        """What comes joined, and as one skeleton with each person's own holes, arrives as it reads joined."""
        html = "<p>-0c0ffeex1-</p>" if bench.channel == "email" else None
        skeleton = Skeleton(id="s", subject="-0c0ffeex0-", html=html, text="-0c0ffeex1-\n")
        batch = []
        for name in ("an", "binh", "chi"):
            holes = {"-0c0ffeex0-": f"Sữa cho {name}", "-0c0ffeex1-": f"Chào {name} — 您好"}
            subject, page, text = skeleton.filled(holes)
            batch.append(bench.message(name, subject=subject, html=page, text=text, skeleton=skeleton, holes=holes))
        bench.send(batch)
        arrived = {one.send_key: one for one in bench.delivered()}
        for outgoing in batch:
            assert _lines(outgoing.text) == _lines(arrived[outgoing.send_key].text)
            assert arrived[outgoing.send_key].subject in (None, outgoing.subject)

    def test_a_huge_message(self, bench: Bench) -> None:
        """A megabyte either arrives whole or is refused; it is never cut."""
        text = "milk " * (HUGE // 5)
        [outcome] = bench.send([bench.message(text=text, html=None)])
        arrived = bench.delivered()
        if outcome.status == "accepted":
            assert _lines(text) == _lines(arrived[0].text)
        else:
            assert outcome.status == "refused"
            assert [] == arrived

    def test_no_header_can_be_added(self, bench: Bench) -> None:
        """CR, LF and NUL in a field refuse that message and no other (R48)."""
        fields = ("to", "sender", "sender_name", "reply_to", "subject")
        bad = [
            bench.message(f"{field}{number}", **{field: f"x@example.com{injection}"})
            for field in fields
            for number, injection in enumerate(INJECTIONS)
        ]
        bad += [bench.message("name", headers={f"X-Note{injection}": "y"}) for injection in INJECTIONS]
        bad += [bench.message("value", headers={"X-Note": f"x{injection}"}) for injection in INJECTIONS]
        good = bench.message("good")
        outcomes = {outcome.send_key: outcome for outcome in bench.send([*bad, good])}
        assert {"refused"} == {outcomes[outgoing.send_key].status for outgoing in bad}
        assert [good.send_key] == [one.send_key for one in bench.delivered()]

    def test_half_a_character(self, bench: Bench) -> None:
        """Text that no encoding has refuses that message and no other."""
        bad, good = bench.message("bad", text="\ud83d"), bench.message("good")
        outcomes = {outcome.send_key: outcome.status for outcome in bench.send([bad, good])}
        assert {bad.send_key: "refused", good.send_key: "accepted"} == outcomes

    def test_faults_have_their_outcomes(self, bench: Bench) -> None:
        """Each fault gives the outcome that is true of it (R06, R07), and the neighbours are accepted."""
        for number, fault in enumerate(bench.faults):
            before = {one.send_key for one in bench.delivered()}
            unlucky, lucky = bench.message(f"unlucky{number}"), bench.message(f"lucky{number}")
            bench.arrange(fault, unlucky.to)
            # Two batches: after some faults a service refuses everything else as well.
            outcomes = {outcome.send_key: outcome for outcome in [*bench.send([unlucky]), *bench.send([lucky])]}
            outcome = outcomes[unlucky.send_key]
            assert fault.status == outcome.status, f"{fault.name}: {outcome}"
            assert not fault.waits or outcome.retry_after, f"{fault.name}: {outcome}"
            assert "accepted" == outcomes[lucky.send_key].status, f"after {fault.name}: {outcomes[lucky.send_key]}"
            arrived = {one.send_key for one in bench.delivered()} - before
            assert fault.delivered == (unlucky.send_key in arrived), fault.name
            assert lucky.send_key in arrived, fault.name

    def test_refused_and_later_never_arrive(self, bench: Bench) -> None:
        """In one batch with every fault, what is `refused` or `later` did not arrive and nothing arrived twice."""
        batch = []
        for number, fault in enumerate(bench.faults):
            unlucky = bench.message(f"unlucky{number}")
            bench.arrange(fault, unlucky.to)
            batch += [unlucky, bench.message(f"lucky{number}")]
        outcomes = bench.send(batch)
        arrived = [one.send_key for one in bench.delivered()]
        assert len(batch) == len(outcomes)
        assert len(arrived) == len(set(arrived))
        said_no = {outcome.send_key for outcome in outcomes if outcome.status in ("refused", "later")}
        assert not said_no & set(arrived)
        assert {outcome.send_key for outcome in outcomes if outcome.status == "accepted"} <= set(arrived)

    def test_nobody_there(self, bench: Bench) -> None:
        """Where nothing listens nothing was sent: every message is to be tried later (R07)."""
        provider = bench.unplugged()
        if provider is not None:
            outcomes = bench.run(provider, [bench.message("an"), bench.message("binh")])
            assert ["later", "later"] == [outcome.status for outcome in outcomes]

    def test_outcomes_are_impersonal(self, bench: Bench) -> None:
        """No outcome quotes an address, though servers do; ids hold none either (R13, R53)."""
        batch = [bench.message(f"unlucky{number}") for number, _ in enumerate(bench.faults)]
        for fault, outgoing in zip(bench.faults, batch, strict=True):
            bench.arrange(fault, outgoing.to)
        batch.append(bench.message("good"))
        said = {outcome.send_key: f"{outcome.detail} {outcome.provider_id}" for outcome in bench.send(batch)}
        assert not [key for outgoing in batch for key, words in said.items() if outgoing.to in words]

    def test_secrets_stay_inside(self, bench: Bench) -> None:
        """No secret shows in the provider's or its settings' text, nor in an outcome (R54)."""
        provider = bench.provider()
        shown = f"{provider!r} {provider.config!r} {provider.config} {provider.config.model_dump_json()}"
        outcomes = bench.run(provider, [bench.message()])
        assert not [secret for secret in bench.secrets if secret in shown or secret in repr(outcomes)]

    def test_closing(self, bench: Bench) -> None:
        """An instance can be closed unused and more than once."""

        async def scenario() -> None:
            provider = bench.provider()
            await provider.close()
            await provider.close()

        asyncio.run(scenario())

    def test_lookup_invents_nothing(self, bench: Bench) -> None:
        """A key that was never sent is not reported as sent."""
        outcomes = asyncio.run(bench.provider().lookup([f"{0:032x}"]))
        assert not [outcome for outcome in outcomes if outcome.status == "accepted"]

    def test_an_unsigned_webhook(self, bench: Bench) -> None:
        """A webhook call that nobody signed gives no event: none at all, or an error (R40)."""
        for body in (b"", b"[]", b"{", b'[{"event":"delivered","sg_event_id":"x","timestamp":1}]'):
            try:
                events = bench.provider().parse_webhook("https://shop.example/hook", {}, body, datetime.now(UTC))
            except TidingsError:
                continue
            assert [] == events


def _lines(text: str) -> list[str]:
    """Line ends differ by channel, and a final one may come or go; nothing else may."""
    return text.strip().splitlines()
