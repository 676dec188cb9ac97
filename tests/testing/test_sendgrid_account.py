"""Batches that are scheduled and cancelled, as the emulator keeps them; its lists are tested with the provider."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.published import Published, objections
from tests.testing.test_sendgrid_emulator import BODY
from tidings.testing.sendgrid_account import BATCH, CANCELS, MAX_CANCELS
from tidings.testing.sendgrid_emulator import PATH, SendGridEmulator

NOW = 1_800_000_000.0
MINUTE = 60


@pytest.fixture
def emulator(published: Published | None) -> Iterator[SendGridEmulator]:
    """One whose clock stands still; what it says is judged by SendGrid's document afterwards (R60)."""
    with SendGridEmulator() as running:
        running.clock = lambda: NOW
        yield running
    assert [] == objections(running, published)


def ask(emulator: SendGridEmulator, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Status and JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=5)
    try:
        data = None if body is None else json.dumps(body)
        headers = {"Authorization": "Bearer SG.emulator", "Accept": "application/json"}
        connection.request(method, path, data, headers | ({"Content-Type": "application/json"} if data else {}))
        response = connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text else None
    finally:
        connection.close()


def scheduled(emulator: SendGridEmulator, ahead: float) -> str:
    """The id of a batch with one message, due so many seconds from now."""
    _, made = ask(emulator, "POST", BATCH)
    body = {**BODY, "batch_id": made["batch_id"], "send_at": int(NOW + ahead)}
    assert (202, None) == ask(emulator, "POST", PATH, body)
    return str(made["batch_id"])


def test_a_cancelled_batch_never_leaves(emulator: SendGridEmulator) -> None:
    """What is scheduled leaves at its time, unless it is cancelled; what is not scheduled leaves at once."""
    assert 202 == ask(emulator, "POST", PATH, BODY)[0]
    kept, gone = scheduled(emulator, 20 * MINUTE), scheduled(emulator, 20 * MINUTE)
    status = {"batch_id": gone, "status": "cancel"}
    assert (201, status) == ask(emulator, "POST", CANCELS, status)
    assert ([status], [status]) == (ask(emulator, "GET", CANCELS)[1], ask(emulator, "GET", f"{CANCELS}/{gone}")[1])
    assert [] == ask(emulator, "GET", f"{CANCELS}/{kept}")[1]
    assert [None] == [one["body"].get("batch_id") for one in emulator.left(NOW + 19 * MINUTE)]
    assert [None, kept] == [one["body"].get("batch_id") for one in emulator.left(NOW + 21 * MINUTE)]
    assert (204, None) == ask(emulator, "DELETE", f"{CANCELS}/{gone}")
    assert 3 == len(emulator.left(NOW + 21 * MINUTE))


def test_what_cannot_be_cancelled(emulator: SendGridEmulator) -> None:
    """An unknown batch, one that is cancelled already, one that is due in less than ten minutes, an eleventh."""
    known, late = scheduled(emulator, 20 * MINUTE), scheduled(emulator, 10 * MINUTE - 1)
    assert 400 == ask(emulator, "POST", CANCELS, {"batch_id": "unknown", "status": "cancel"})[0]
    assert 400 == ask(emulator, "POST", CANCELS, {"batch_id": late, "status": "cancel"})[0]
    for wanted in (201, 400):
        assert wanted == ask(emulator, "POST", CANCELS, {"batch_id": known, "status": "cancel"})[0]
    more = [scheduled(emulator, 20 * MINUTE) for _ in range(MAX_CANCELS)]
    answers = [ask(emulator, "POST", CANCELS, {"batch_id": one, "status": "pause"})[0] for one in more]
    assert [201] * (MAX_CANCELS - 1) + [400] == answers
    emulator.clock = lambda: NOW + 20 * MINUTE
    assert [] == ask(emulator, "GET", CANCELS)[1]


@pytest.mark.parametrize("change", [{"batch_id": "unknown"}, {"send_at": int(NOW) + 72 * 60 * MINUTE + 1}])
def test_what_cannot_be_scheduled(emulator: SendGridEmulator, change: dict[str, Any]) -> None:
    """A batch id that SendGrid did not give, and a time more than 72 hours ahead."""
    assert 400 == ask(emulator, "POST", PATH, {**BODY, **change})[0]
    assert [] == emulator.accepted


def test_what_is_not_there(emulator: SendGridEmulator) -> None:
    """A method that a path has not is 405."""
    assert 405 == ask(emulator, "DELETE", CANCELS)[0]
