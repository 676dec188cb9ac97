import gzip
import json
import logging
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import SecretStr, ValidationError

from tidings.model.delivery import Attachment
from tidings.providers.sendgrid import SendGrid, SendGridConfig, request_body
from tidings.testing.provider_contract import HTML, SUBJECT, TEXT, Bench, Delivered, Fault, ProviderContract
from tidings.testing.sendgrid_emulator import RETRY_AFTER, SendGridEmulator, SendGridFault

KEY = "SG.a-secret-that-nobody-may-see"
PICTURE = Attachment(name="lift.png", media_type="image/png", content=b"\x00\xff", content_id="lift@tidings")
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


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[SendGridBench]:
    """The provider beside its emulator."""
    with SendGridEmulator(api_key=KEY) as emulator:
        yield SendGridBench(emulator, tmp_path)


class TestSendGrid(ProviderContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        with SendGridEmulator(api_key=KEY) as emulator:
            yield SendGridBench(emulator, tmp_path)


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
    body = request_body(bench.message())
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
def test_requests_pass_the_published_document(bench: SendGridBench, reference: Path) -> None:
    """Every shape of request we make is one that SendGrid's OpenAPI document allows (R60)."""
    document = json.loads(gzip.decompress((reference / "openapi/sendgrid_mail_v3.json.gz").read_bytes()))
    content = document["components"]["requestBodies"]["PostMailSend"]["content"]
    schema = {**content["application/json"]["schema"], "components": document["components"]}
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    plain = {"html": None, "reply_to": None, "sender_name": ""}
    bench.send([bench.message(), bench.message("plain", **plain), bench.message("h", headers={"X-Note": "x"})])
    bench.send([bench.message("files", attachments=(PICTURE, SHEET))])
    known = set(schema["properties"])
    for body in bench.emulator.requests:
        assert [] == [error.message for error in validator.iter_errors(body)]
        assert set(body) <= known
    assert 4 == len(bench.emulator.requests)
    assert list(validator.iter_errors({**body, "subject": ""})), "the document is not being applied"


def test_attachments_are_declared(bench: SendGridBench) -> None:
    """A picture goes inline with its content id, a file as an attachment, both in base64."""
    found = request_body(bench.message(attachments=(PICTURE, SHEET)))["attachments"]
    assert {("lift.png", "inline", "lift@tidings", "AP8="), ("arms.csv", "attachment", None, "YSxi")} == {
        (one["filename"], one["disposition"], one.get("content_id"), one["content"]) for one in found
    }


def test_attachments_are_checked(bench: SendGridBench) -> None:
    """SendGrid writes names into headers, so a line break in one is refused here (R48)."""
    bad = SHEET.model_copy(update={"name": "arms.csv\r\nBcc: eve@example.com"})
    [outcome] = bench.send([bench.message(attachments=(bad,))])
    assert "refused" == outcome.status
    assert [] == bench.emulator.requests
