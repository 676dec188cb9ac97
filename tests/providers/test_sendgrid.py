import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from tests.published import MISSING, Published, objections
from tidings.model.delivery import Attachment, Outgoing, Skeleton
from tidings.providers.sendgrid import SendGrid, SendGridConfig
from tidings.providers.sendgrid_request import request_body
from tidings.testing.provider_contract import HTML, SUBJECT, TEXT, Bench, Delivered, Fault, ProviderContract
from tidings.testing.sendgrid_emulator import RETRY_AFTER, SendGridEmulator, SendGridFault

KEY = "SG.a-secret-that-nobody-may-see"
PICTURE = Attachment(name="lift.png", media_type="image/png", content=b"\x00\xff", content_id="lift@tidings")
JSON = {"Content-Type": "application/json"}
SHEET = Attachment(name="arms.csv", media_type="text/csv", content=b"a,b")


class SendGridBench(Bench):
    faults = (
        Fault(SendGridFault.REFUSE, "refused"),
        Fault(SendGridFault.TOO_LARGE, "refused"),
        Fault(SendGridFault.UNAUTHORIZED, "later", waits=True),
        Fault(SendGridFault.FORBIDDEN, "later", waits=True),
        Fault(SendGridFault.RATE_LIMIT, "later", waits=True),
        Fault(SendGridFault.RATE_LIMIT_RESET, "later", waits=True),
        Fault(SendGridFault.ERROR, "unknown"),
        Fault(SendGridFault.RESET_BEFORE, "unknown"),
        Fault(SendGridFault.RESET_AFTER, "unknown", delivered=True),
        Fault(SendGridFault.SILENT_AFTER, "unknown", delivered=True),
        Fault(SendGridFault.GARBAGE_AFTER, "unknown", delivered=True),
        Fault(SendGridFault.SLOW_AFTER, "accepted", delivered=True),
    )
    secrets = (KEY,)

    def __init__(self, emulator: SendGridEmulator, root: Path) -> None:
        self.emulator = emulator
        self.root = root

    def provider(self, **changes: Any) -> SendGrid:
        config = {"host": self.emulator.url, "api_key": SecretStr(KEY), "timeout": 2, **changes}
        return SendGrid(SendGridConfig(**config), root=self.root)

    def delivered(self) -> list[Delivered]:
        found = []
        for entry in self.emulator.accepted:
            text = next(part["value"] for part in entry["body"]["content"] if part["type"] == "text/plain")
            found.append(Delivered(entry["send_key"], entry["to"][0], text, entry["body"]["subject"]))
        return found

    def arrange(self, fault: Fault, address: str) -> None:
        self.emulator.faults[address] = fault.name

    def unplugged(self) -> SendGrid:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        return self.provider(host=f"http://127.0.0.1:{port}")


@contextmanager
def judged(
    root: Path, published: Published | None, kind: type[SendGridBench] = SendGridBench
) -> Iterator[SendGridBench]:
    """The provider beside its emulator; what either said is judged by SendGrid's document afterwards (R60)."""
    with SendGridEmulator(api_key=KEY) as emulator:
        yield kind(emulator, root)
    assert [] == objections(emulator, published)


@pytest.fixture
def bench(tmp_path: Path, published: Published | None) -> Iterator[SendGridBench]:
    """For the tests of this file."""
    with judged(tmp_path, published) as made:
        yield made


class TestSendGrid(ProviderContract):
    @pytest.fixture
    def bench(self, tmp_path: Path, published: Published | None) -> Iterator[Bench]:
        with judged(tmp_path, published) as made:
            yield made


class SharingBench(SendGridBench):
    def message(self, name: str = "lan", **changes: Any) -> Outgoing:
        """As any message, but one that is all holes, so that every two of them share a request."""
        outgoing = super().message(name, **changes)
        holes = {"-7ea0c0dex0-": outgoing.subject, "-7ea0c0dex1-": outgoing.text, "-7ea0c0dex2-": outgoing.html or ""}
        html = None if outgoing.html is None else "-7ea0c0dex2-"
        skeleton = Skeleton(id=f"all {html}", subject="-7ea0c0dex0-", text="-7ea0c0dex1-", html=html)
        return outgoing.model_copy(update={"skeleton": skeleton, "holes": holes})


class TestSharedRequests(ProviderContract):
    @pytest.fixture
    def bench(self, tmp_path: Path, published: Published | None) -> Iterator[Bench]:
        with judged(tmp_path, published, SharingBench) as made:
            yield made


def test_the_request(bench: SendGridBench) -> None:
    """One message is one personalization with its own headers; SendGrid's tracking is off."""
    one_click = {
        "List-Unsubscribe": "<https://shop.example/u/x>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    outgoing = bench.message(headers=one_click)
    bench.send([outgoing])
    [body] = bench.emulator.requests
    off = {"enable": False}
    assert {
        "from": {"email": "shop@example.org", "name": "Sữa Ngon — 好牛奶"},
        "reply_to": {"email": "hello@example.org"},
        "subject": SUBJECT,
        "personalizations": [
            {
                "to": [{"email": outgoing.to}],
                "headers": one_click,
                "custom_args": {"send_key": outgoing.send_key},
            }
        ],
        "content": [{"type": "text/plain", "value": TEXT}, {"type": "text/html", "value": HTML}],
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": off,
            "subscription_tracking": off,
        },
    } == body


def test_nothing_personal_beside_the_message(bench: SendGridBench) -> None:
    """What SendGrid stores as activity data is the random key alone (R13)."""
    body = request_body([bench.message()])
    assert ["send_key"] == list(body["personalizations"][0]["custom_args"])
    assert not {"custom_args", "categories", "headers", "sections"} & set(body)


def test_accepted_names_the_message(bench: SendGridBench) -> None:
    """The provider's id is SendGrid's X-Message-Id."""
    [outcome] = bench.send([bench.message()])
    assert bench.emulator.accepted[0]["message_id"] == outcome.provider_id


@pytest.mark.parametrize("fault", [SendGridFault.RATE_LIMIT, SendGridFault.RATE_LIMIT_RESET])
def test_the_wait_is_what_sendgrid_asks(bench: SendGridBench, fault: SendGridFault) -> None:
    """Retry-After and X-RateLimit-Reset are honoured (R07)."""
    outgoing = bench.message()
    bench.emulator.faults[outgoing.to] = fault
    [outcome] = bench.send([outgoing])
    assert outcome.retry_after is not None
    assert timedelta(seconds=RETRY_AFTER - 2) < outcome.retry_after <= timedelta(seconds=RETRY_AFTER)


def test_a_bad_key_stops_the_batch(bench: SendGridBench) -> None:
    """With a wrong key nothing is lost and nobody is hammered; the reason is said, the key is not (R54)."""
    wrong = SecretStr("SG.wrong")
    provider = bench.provider(api_key=wrong, connections=1)
    outcomes = bench.run(provider, [bench.message(f"p{number}") for number in range(20)])
    assert {("later", timedelta(minutes=15))} == {(outcome.status, outcome.retry_after) for outcome in outcomes}
    assert all(outcome.detail.startswith("401 ") for outcome in outcomes)
    assert "SG.wrong" not in repr(outcomes)
    assert 1 == bench.emulator.calls


def test_an_unverified_sender_stops_only_its_own(bench: SendGridBench) -> None:
    """A 403 may concern one sender, so the batch goes on."""
    unlucky, lucky = bench.message("unlucky"), bench.message("lucky")
    bench.emulator.faults[unlucky.to] = SendGridFault.FORBIDDEN
    outcomes = bench.run(bench.provider(connections=1), [unlucky, lucky])
    assert ["later", "accepted"] == [outcome.status for outcome in outcomes]


def test_a_wrong_host_loses_nothing(bench: SendGridBench) -> None:
    """A host that is something else is a mistake in the settings, not a refusal of the message."""
    [outcome] = bench.run(bench.provider(host=f"{bench.emulator.url}/elsewhere"), [bench.message()])
    assert ("later", timedelta(minutes=15)) == (outcome.status, outcome.retry_after)


def test_what_sendgrid_would_refuse_is_not_sent(bench: SendGridBench) -> None:
    """A message without subject or body is refused here, with the reason."""
    outcomes = bench.send([bench.message("a", subject=""), bench.message("b", text="", html="")])
    assert ["refused", "refused"] == [outcome.status for outcome in outcomes]
    assert [] == bench.emulator.requests


def test_a_server_that_drips(bench: SendGridBench) -> None:
    """A server that sends a byte now and then is given up all the same; what waited behind it never left."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                while not stop.wait(0.1):
                    connection.sendall(b"H")

        server = threading.Thread(target=drip)
        server.start()
        host = f"http://127.0.0.1:{listener.getsockname()[1]}"
        provider = bench.provider(host=host, connections=1, timeout=0.5)
        outcomes = bench.run(provider, [bench.message("an"), bench.message("binh")])
        stop.set()
        server.join()
    assert ["unknown", "later"] == [outcome.status for outcome in outcomes]


def test_the_key_is_not_logged(bench: SendGridBench, caplog: pytest.LogCaptureFixture) -> None:
    """The official library logs headers and payloads at DEBUG; with us it does not (R53, R54)."""
    with caplog.at_level(logging.DEBUG):
        bench.send([bench.message("canary")])
    assert 1 == len(bench.delivered())
    assert not [word for word in (KEY, "canary@example.com") if word in caplog.text]


@pytest.mark.parametrize("host", ["http://api.sendgrid.com", "ftp://api.sendgrid.com", "api.sendgrid.com", ""])
def test_the_key_never_travels_in_clear(host: str) -> None:
    """Only https, or loopback."""
    with pytest.raises(ValidationError, match="travel in clear"):
        SendGridConfig(api_key=SecretStr(KEY), host=host)


def test_one_webhook_key_or_two() -> None:
    """A key is written as it is; two while one replaces the other, not more (R42)."""
    assert ("a",) == SendGridConfig(api_key=SecretStr(KEY), webhook_public_key="a").webhook_public_key
    assert ("a", "b") == SendGridConfig(api_key=SecretStr(KEY), webhook_public_key=["a", "b"]).webhook_public_key
    with pytest.raises(ValidationError, match="at most 2"):
        SendGridConfig(api_key=SecretStr(KEY), webhook_public_key=["a", "b", "c"])


@pytest.mark.reference
def test_requests_pass_the_published_document(bench: SendGridBench, published: Published | None) -> None:
    """SendGrid's OpenAPI document, served by Prism, allows our requests and the emulator's answers (R60).

    Every test here has its own judged so when it ends. This one shows that a wrong one would be seen.
    """
    if published is None:
        pytest.skip(MISSING)
    bench.send([bench.message(), bench.message("plain", html=None, reply_to=None, sender_name="")])
    bench.send([bench.message("files", attachments=(PICTURE, SHEET))])
    assert ([], 3) == (objections(bench.emulator, published), len(bench.emulator.exchanges))
    good = bench.emulator.exchanges[0]
    body = json.loads(good.body)
    for change, words in (
        ({"subject": ""}, "request.body.subject"),
        ({"from": {"email": "nobody"}}, "request.body.from.email"),
        ({"send_at": "soon"}, "request.body.send_at"),
        ({"colour": "red"}, "request.body.colour"),
    ):
        [said] = published.objections(replace(good, body=json.dumps({**body, **change}).encode()))
        assert said.startswith(f"{words}: ")
    [said] = published.objections(replace(good, status=400, headers=JSON, answer=b'{"errors": "all of it"}'))
    assert said.startswith("response.body.errors: ")
    assert ["POST /v3/mail/sent is in no document"] == published.objections(replace(good, path="/v3/mail/sent"))


def test_attachments_are_declared(bench: SendGridBench) -> None:
    """A picture goes inline with its content id, a file as an attachment, both in base64."""
    found = request_body([bench.message(attachments=(PICTURE, SHEET))])["attachments"]
    assert {("lift.png", "inline", "lift@tidings", "AP8="), ("arms.csv", "attachment", None, "YSxi")} == {
        (one["filename"], one["disposition"], one.get("content_id"), one["content"]) for one in found
    }


def test_attachments_are_checked(bench: SendGridBench) -> None:
    """SendGrid writes names into headers, so a line break in one is refused here (R48)."""
    bad = SHEET.model_copy(update={"name": "arms.csv\r\nBcc: eve@example.com"})
    [outcome] = bench.send([bench.message(attachments=(bad,))])
    assert "refused" == outcome.status
    assert [] == bench.emulator.requests
