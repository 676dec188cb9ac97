from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tidings.providers.outbox import Outbox, OutboxConfig
from tidings.testing.provider_contract import TEXT, Bench, Delivered, ProviderContract


class OutboxBench(Bench):
    def __init__(self, root: Path) -> None:
        self.root = root

    def provider(self) -> Outbox:
        return Outbox(OutboxConfig(), root=self.root)

    def delivered(self) -> list[Delivered]:
        found = []
        for path in (self.root / ".tidings/outbox").glob("*/*.eml"):
            message = message_from_bytes(path.read_bytes(), policy=policy.default)
            text = message.get_body(("plain",)).get_content()
            found.append(Delivered(path.stem, message["To"], text, message["Subject"]))
        for path in (self.root / ".tidings/outbox").glob("*/*.txt"):
            head, _, text = path.read_text().partition("\n\n")
            fields = dict(line.split(": ", 1) for line in head.splitlines())
            found.append(Delivered(path.stem, fields["To"], text, fields.get("Subject")))
        return found


class SmsBench(OutboxBench):
    channel = "sms"

    def address(self, name: str) -> str:
        return f"+8490{sum(map(ord, name)):07}"


class TestOutboxForMail(ProviderContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        return OutboxBench(tmp_path)


class TestOutboxForSms(ProviderContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        return SmsBench(tmp_path)


def test_a_key_is_written_once(tmp_path: Path) -> None:
    """The second message with a key is refused and leaves the first as it was: a duplicate shows (R03)."""
    bench = OutboxBench(tmp_path)
    outgoing = bench.message()
    again = outgoing.model_copy(update={"text": "another text"})
    first, second = bench.send([outgoing, again])
    assert ("accepted", "refused", "already in the outbox") == (first.status, second.status, second.detail)
    [kept] = bench.delivered()
    assert TEXT.split() == kept.text.split()


def test_lookup_knows_what_was_written(tmp_path: Path) -> None:
    """A message in doubt is settled by its file, whatever the channel; half a file settles nothing (R08)."""
    import asyncio

    bench = OutboxBench(tmp_path)
    mail, sms = bench.message(), bench.message(channel="sms", to="+84901234567")
    bench.send([mail, sms])
    crashed = tmp_path / ".tidings/outbox/email" / ("f" * 32 + ".eml")
    crashed.touch()
    keys = [mail.send_key, sms.send_key, "f" * 32, "e" * 32]
    outcomes = asyncio.run(bench.provider().lookup(keys))
    assert [(mail.send_key, "accepted"), (sms.send_key, "accepted")] == [(o.send_key, o.status) for o in outcomes]


@pytest.mark.parametrize(
    "change", [{"channel": "../../etc"}, {"channel": ""}, {"send_key": "../evil"}, {"send_key": ""}]
)
def test_a_name_cannot_leave_the_folder(tmp_path: Path, change: dict[str, str]) -> None:
    """Channel and key become a path only when they are plain names."""
    root = tmp_path / "workspace"
    root.mkdir()
    bench = OutboxBench(root)
    [outcome] = bench.send([bench.message(**change)])
    assert "refused" == outcome.status
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]


def test_an_outbox_that_cannot_be_written(tmp_path: Path) -> None:
    """Where the folder cannot be made nothing was kept, so the message may be tried later (R07)."""
    (tmp_path / ".tidings").write_text("a file where the folder should be")
    bench = OutboxBench(tmp_path)
    [outcome] = bench.send([bench.message()])
    assert "later" == outcome.status


def test_it_reaches_nobody() -> None:
    """The outbox is for any channel and is not real, so addresses off the allow list may go there (R62)."""
    assert (Outbox.channel, Outbox.real) == (None, False)
