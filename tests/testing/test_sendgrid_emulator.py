import http.client
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.published import Published
from tidings.providers.sendgrid_events import read_events, verify
from tidings.testing.sendgrid_emulator import PATH, SendGridEmulator, SendGridFault

BODY: dict[str, Any] = {
    "personalizations": [{"to": [{"email": "lan@example.com"}], "custom_args": {"send_key": "aa"}}],
    "from": {"email": "shop@example.org"},
    "subject": "Milk",
    "content": [{"type": "text/plain", "value": "milk"}],
}


@pytest.fixture
def emulator(tmp_path: Path, published: Published | None) -> Iterator[SendGridEmulator]:
    """One that runs, with a log; its answers are judged by SendGrid's document afterwards (R60)."""
    with SendGridEmulator(log=tmp_path / "accepted.jsonl") as running:
        yield running
    # What we ask here is often wrong, and meant to be: it is the answers that are judged.
    right = {"body": json.dumps(BODY).encode(), "asked": {"Content-Type": "application/json"}}
    judged = [replace(one, **right) for one in running.exchanges if one.path == PATH]
    assert [] == [words for one in judged for words in (published.objections(one) if published else [])]


def post(emulator: SendGridEmulator, body: Any, *, key: str = "SG.emulator", path: str = PATH) -> Any:
    """A call as any client makes it: status, headers and JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=0.5)
    try:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request("POST", path, data, {"Authorization": f"Bearer {key}"})
        response = connection.getresponse()
        text = response.read()
        return response.status, response.headers, json.loads(text) if text else None
    finally:
        connection.close()


def test_accepting(emulator: SendGridEmulator, tmp_path: Path) -> None:
    """202 with an X-Message-Id and no body; the log has each personalization, on disk before the answer."""
    two = {**BODY, "personalizations": [*BODY["personalizations"], {"to": [{"email": "minh@example.com"}]}]}
    status, headers, answer = post(emulator, two)
    assert (202, None) == (status, answer)
    assert ["aa", None] == [entry["send_key"] for entry in emulator.accepted]
    assert {headers["X-Message-Id"]} == {entry["message_id"] for entry in emulator.accepted}
    assert emulator.accepted == [json.loads(line) for line in (tmp_path / "accepted.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        {},
        {**BODY, "personalizations": []},
        {**BODY, "personalizations": [{"to": []}]},
        {**BODY, "personalizations": [{"to": [{"email": "nobody"}]}]},
        {**BODY, "personalizations": [{"to": [{}]}]},
        {**BODY, "personalizations": BODY["personalizations"] * 1001},
        {**BODY, "personalizations": [{"to": [{"email": f"{name}@example.com"}]} for name in ("lan", "LAN")]},
        {**BODY, "personalizations": [{**BODY["personalizations"][0], "substitutions": {"-x-": "y" * 9998}}]},
        {**BODY, "personalizations": [{**BODY["personalizations"][0], "substitutions": {"-x-": 7}}]},
        {**BODY, "from": {"email": "nobody"}},
        {**BODY, "subject": ""},
        {**BODY, "content": []},
        {**BODY, "content": [{"type": "text/plain", "value": ""}]},
    ],
)
def test_refusing(emulator: SendGridEmulator, body: Any) -> None:
    """What SendGrid refuses is 400 with its form of errors, and is not accepted."""
    status, _, answer = post(emulator, body)
    assert 400 == status
    assert answer["errors"][0]["message"]
    assert [] == emulator.accepted


def test_substitutions_are_made(emulator: SendGridEmulator) -> None:
    """In subject and content, for each personalization; in what was substituted too, as SendGrid says of its own."""
    people = [
        {"to": [{"email": "lan@example.com"}], "substitutions": {"-n-": "Lan -c-", "-c-": "Hà Nội"}},
        {"to": [{"email": "an@example.com"}], "substitutions": {"-n-": "", "-c-": "x" * 9_990}},
    ]
    content = [{"type": "text/plain", "value": "-n-, -c-"}]
    assert 202 == post(emulator, {**BODY, "subject": "For -n-", "personalizations": people, "content": content})[0]
    bodies = [entry["body"] for entry in emulator.accepted]
    assert ["For Lan Hà Nội", "For "] == [body["subject"] for body in bodies]
    assert ["Lan Hà Nội, Hà Nội", ", " + "x" * 9_990] == [body["content"][0]["value"] for body in bodies]
    assert [[{"to": one["to"]}] for one in people] == [body["personalizations"] for body in bodies]


def test_a_refusal_names_its_place(emulator: SendGridEmulator) -> None:
    """As SendGrid's: the personalization and the address in it, for each that is wrong."""
    people = [{"to": [{"email": email}]} for email in ("lan@example.com", "nobody", "an@example.com", "x")]
    _, _, answer = post(emulator, {**BODY, "personalizations": people})
    assert [f"personalizations.{place}.to.0.email" for place in (1, 3)] == [one["field"] for one in answer["errors"]]
    emulator.faults["an@example.com"] = SendGridFault.REFUSE
    _, _, answer = post(emulator, {**BODY, "personalizations": [people[0], people[2]]})
    assert ["personalizations.1.to.0.email"] == [one["field"] for one in answer["errors"]]


def test_keys_and_paths(emulator: SendGridEmulator) -> None:
    """Another key is 401, another path 404; both are counted."""
    assert 401 == post(emulator, BODY, key="SG.wrong")[0]
    assert 404 == post(emulator, BODY, path="/v3/mail")[0]
    assert (2, []) == (emulator.calls, emulator.accepted)


@pytest.mark.parametrize("fault", SendGridFault)
def test_faults(emulator: SendGridEmulator, fault: SendGridFault) -> None:
    """A fault meets the request or recipient it is set for, and only those named so have taken the message."""
    emulator.faults[1] = fault
    assert 202 == post(emulator, BODY)[0]
    try:
        status, headers, _ = post(emulator, BODY)
    except (OSError, http.client.HTTPException):
        assert "line breaks" in fault or fault.startswith("taken")
    else:
        assert fault.startswith(str(status)) or (fault, status) == (SendGridFault.SLOW_AFTER, 202)
        assert ("with" not in fault) or headers[fault.split(" with ")[1]]
    assert 202 == post(emulator, BODY)[0]
    assert (3 if fault.startswith("taken") else 2) == len(emulator.accepted)


def test_events_are_signed() -> None:
    """What the emulator signs is what the provider verifies."""
    now = datetime(2026, 11, 22, 9, tzinfo=UTC)
    emulator = SendGridEmulator()
    event = {"event": "delivered", "sg_event_id": "1", "timestamp": int(now.timestamp()), "send_key": "aa"}
    headers, body = emulator.signed([event], now)
    verify([emulator.public_key], headers, body, now)
    assert [("1", "delivered", "aa", now)] == [
        (one.event_id, one.kind, one.send_key, one.occurred_at) for one in read_events(body)
    ]
