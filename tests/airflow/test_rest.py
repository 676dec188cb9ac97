"""Airflow's API under load: a question may be asked again, a change may not. A server on loopback plays Airflow."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from tidings.airflow import rest
from tidings.airflow.rest import Airflow
from tidings.errors import TidingsError


class Locked(BaseHTTPRequestHandler):
    """Answers 500 as often as `locked` says, as Airflow does while its SQLite is locked."""

    locked = 0
    asked: ClassVar[Counter[str]] = Counter()

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = type(self)
        kind.asked[f"{self.command} {self.path}"] += 1
        fails = self.path != "/auth/token" and kind.locked > 0
        kind.locked -= fails
        body = b"Database error" if fails else json.dumps({"access_token": "t", "state": "success"}).encode()
        self.send_response(500 if fails else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - http.server finds its methods by these names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Airflow]:
    """A client of a server that is not locked yet; it waits less long than it would."""
    monkeypatch.setattr(rest, "PAUSES", (0.01, 0.01, 0.01))
    Locked.locked, Locked.asked = 0, Counter()
    with ThreadingHTTPServer(("127.0.0.1", 0), Locked) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Airflow(f"http://127.0.0.1:{server.server_address[1]}", "admin", "secret")
        server.shutdown()


def test_a_question_is_asked_again(api: Airflow) -> None:
    """Until it is answered."""
    Locked.locked = 2
    assert api.state("a", "b") == "success"
    assert Locked.asked["GET /api/v2/dags/a/dagRuns/b"] == 3


def test_not_for_ever(api: Airflow) -> None:
    """A server that stays locked is an error, with what it said."""
    Locked.locked = 9
    with pytest.raises(TidingsError, match="500 to GET dags/a/dagRuns/b: Database error"):
        api.state("a", "b")
    assert Locked.asked["GET /api/v2/dags/a/dagRuns/b"] == 4


def test_a_change_is_asked_for_once(api: Airflow) -> None:
    """It may have taken effect: a second run would be a second one."""
    Locked.locked = 1
    with pytest.raises(TidingsError, match="500 to POST"):
        api.trigger("a")
    assert Locked.asked["POST /api/v2/dags/a/dagRuns"] == 1
