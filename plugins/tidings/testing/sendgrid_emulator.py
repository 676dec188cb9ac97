"""SendGrid's v3 API on loopback: a real HTTP server with an accept log, faults and signed events."""

from __future__ import annotations

import base64
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tidings.testing.sendgrid_account import Account, errors
from tidings.testing.sendgrid_rules import Mistake, joined, mistakes

PATH = "/v3/mail/send"
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset instead of a FIN


class SendGridFault(StrEnum):
    """What happens to a request; from RESET_AFTER on the message is taken, and the client cannot know it."""

    REFUSE = "400"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    TOO_LARGE = "413"
    RATE_LIMIT = "429 with Retry-After"
    RATE_LIMIT_RESET = "429 with X-RateLimit-Reset"
    ERROR = "500"
    RESET_BEFORE = "the line breaks before the message is taken"
    RESET_AFTER = "taken, then the line breaks"
    SILENT_AFTER = "taken, then no answer ever"
    GARBAGE_AFTER = "taken, then an answer that is not HTTP"
    SLOW_AFTER = "taken, and said so after a while"


STATUS = {
    SendGridFault.REFUSE: (400, "Does not contain a valid address."),
    SendGridFault.UNAUTHORIZED: (401, "The provided authorization grant is invalid, expired, or revoked"),
    SendGridFault.FORBIDDEN: (403, "The from address does not match a verified Sender Identity."),
    SendGridFault.TOO_LARGE: (413, "Payload too large"),
    SendGridFault.RATE_LIMIT: (429, "too many requests"),
    SendGridFault.RATE_LIMIT_RESET: (429, "too many requests"),
    SendGridFault.ERROR: (500, "internal server error"),
}
ACCEPTED = 202
RETRY_AFTER = 7  # seconds
SLOW = 0.1  # seconds


@dataclass
class Exchange:
    """One call and its answer, as they went over the wire; `status` is None where no answer was sent."""

    method: str
    path: str
    body: bytes
    asked: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: bytes = b""


class SendGridEmulator:
    """A context manager: `with SendGridEmulator() as sendgrid: ... sendgrid.url ... sendgrid.accepted`.

    `accepted` holds one entry a personalization taken (send_key, to, message_id, and body: the request as if it were
    for this one alone, substitutions made) and is written to `log`, one JSON line each, before the answer; `requests`
    holds every body that could be read, `exchanges` every call with its answer, and `calls` counts whatever came.
    `faults` maps a request's number (from 0), a recipient, or the path of a control call to a fault, and may be changed
    at any time. `account` holds what control calls read and change, by the time of `clock`.
    """

    def __init__(
        self,
        *,
        api_key: str = "SG.emulator",
        port: int = 0,
        log: Path | None = None,
        faults: Mapping[int | str, SendGridFault] | None = None,
    ) -> None:
        self.api_key = api_key
        self.port = port
        self.log = log
        self.faults: dict[int | str, SendGridFault] = dict(faults or {})
        self.requests: list[dict[str, Any]] = []
        self.accepted: list[dict[str, Any]] = []
        self.exchanges: list[Exchange] = []
        self.account = Account()
        self.clock: Callable[[], float] = time.time
        self.calls = 0
        self._turn = threading.Lock()
        self._signing_key: Any = None
        self.stopping = threading.Event()

    def __enter__(self) -> SendGridEmulator:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """What goes into the provider's `host`."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen; `port` is then the real one."""
        emulator = self

        class Handler(_Handler):
            owner = emulator

        self._http = _Server(("127.0.0.1", self.port), Handler)
        self._http.daemon_threads = True
        self.port = self._http.server_port
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="sendgrid", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port and let silent requests go."""
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def called(self) -> None:
        """Count a call."""
        with self._turn:
            self.calls += 1

    def note(self, body: dict[str, Any]) -> SendGridFault | None:
        """Remember a request; the fault it meets, if any."""
        with self._turn:
            number = len(self.requests)
            self.requests.append(body)
        recipients = [to["email"] for person in body["personalizations"] for to in person["to"]]
        return next((self.faults[name] for name in (number, *recipients) if name in self.faults), None)

    def refused(self, body: Mapping[str, Any]) -> list[Mistake]:
        """What a REFUSE set for recipients says: SendGrid names the personalization that it does not like."""
        return [
            Mistake(STATUS[SendGridFault.REFUSE][1], f"personalizations.{number}.to.{which}.email")
            for number, person in enumerate(body["personalizations"])
            for which, to in enumerate(person["to"])
            if self.faults.get(to["email"]) is SendGridFault.REFUSE
        ]

    def take(self, body: dict[str, Any]) -> str:
        """Log every personalization as accepted; the X-Message-Id."""
        with self._turn:
            identity = f"emulated-{len(self.accepted):06}"
            for person in body["personalizations"]:
                entry = {
                    "send_key": person.get("custom_args", {}).get("send_key"),
                    "to": [to["email"] for to in person["to"]],
                    "message_id": identity,
                    "body": joined(body, person),
                }
                self.account.take(body)
                self.accepted.append(entry)
                if self.log:
                    with self.log.open("a", encoding="utf-8") as lines:
                        lines.write(json.dumps(entry) + "\n")
        return identity

    def left(self, now: float) -> list[dict[str, Any]]:
        """Of what was accepted, what has left by then: not yet what is scheduled for later, never what is cancelled."""
        return [
            entry
            for entry in self.accepted
            if entry["body"].get("send_at", now) <= now and entry["body"].get("batch_id") not in self.account.cancelled
        ]

    @property
    def public_key(self) -> str:
        """What goes into the provider's `webhook_public_key`."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        octets: bytes = self._key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(octets).decode()

    def signed(self, events: Sequence[Mapping[str, Any]], now: datetime) -> tuple[dict[str, str], bytes]:
        """Headers and body of an event webhook call, signed as SendGrid signs them."""
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.hashes import SHA256

        body = json.dumps(list(events)).encode()
        timestamp = str(int(now.timestamp()))
        signature = self._key().sign(timestamp.encode() + body, ECDSA(SHA256()))
        headers = {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }
        return headers, body

    def _key(self) -> Any:
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

        if self._signing_key is None:
            self._signing_key = generate_private_key(SECP256R1())
        return self._signing_key


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over clients that hung up or died before their answer; whatever else goes wrong is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: SendGridEmulator
    exchange: Exchange

    def do_POST(self) -> None:
        self.owner.called()
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = {name: value for name in ("Accept", "Content-Type") if (value := self.headers.get(name))}
        self.exchange = Exchange(self.command, self.path, raw, asked)
        self.owner.exchanges.append(self.exchange)
        url = urlsplit(self.path)
        sends = (self.command, url.path) == ("POST", PATH)
        if not sends and not self.owner.account.knows(url.path):
            return self._answer(404, errors([Mistake("not found")]))
        if self.headers.get("Authorization") != f"Bearer {self.owner.api_key}":
            return self._fail(SendGridFault.UNAUTHORIZED)
        try:
            body = json.loads(raw) if raw else None
            if sends:
                return self._send(body)
            return self._act(
                self.owner.faults.get(url.path),
                lambda: self.owner.account.answer(
                    self.command, url.path, dict(parse_qsl(url.query)), body, self.owner.clock()
                ),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return self._answer(400, errors([Mistake(f"Bad Request: {error}")]))

    do_GET = do_DELETE = do_POST  # noqa: N815 - the base class names them so

    def _send(self, body: Any) -> None:
        if found := [*mistakes(body), *self.owner.account.scheduled(body, self.owner.clock())]:
            return self._answer(400, errors(found))
        fault = self.owner.note(body)
        if fault is SendGridFault.REFUSE and (bad := self.owner.refused(body)):
            return self._answer(400, errors(bad))
        return self._act(fault, lambda: (202, self.owner.take(body)))

    def _act(self, fault: SendGridFault | None, perform: Callable[[], tuple[int, Any]]) -> None:
        """Do what was asked, unless the fault comes before it, and answer, unless the fault comes before that."""
        if fault in STATUS:
            return self._fail(fault)
        if fault is SendGridFault.RESET_BEFORE:
            return self._reset()
        status, said = perform()
        if fault is SendGridFault.RESET_AFTER:
            return self._reset()
        if fault is SendGridFault.SLOW_AFTER:
            self.owner.stopping.wait(SLOW)
        if fault is SendGridFault.SILENT_AFTER:
            self.owner.stopping.wait()
            return self._reset()
        if fault is SendGridFault.GARBAGE_AFTER:
            self.wfile.write(b"\x00\xffnot http at all\r\n\r\n")
            self.close_connection = True
            return None
        if status == ACCEPTED:
            return self._answer(status, None, {"X-Message-Id": said})
        return self._answer(status, said)

    def _fail(self, fault: SendGridFault) -> None:
        headers = {
            SendGridFault.RATE_LIMIT: {"Retry-After": str(RETRY_AFTER)},
            SendGridFault.RATE_LIMIT_RESET: {"X-RateLimit-Reset": str(int(time.time()) + RETRY_AFTER)},
        }
        status, said = STATUS[fault]
        self._answer(status, errors([Mistake(said)]), headers.get(fault))

    def _answer(self, status: int, said: Any, headers: Mapping[str, str] | None = None) -> None:
        body = b"" if said is None else json.dumps(said).encode()
        fields = {**(headers or {}), **({"Content-Type": "application/json"} if body else {})}
        self.exchange.status, self.exchange.headers, self.exchange.answer = status, fields, body
        self.send_response(status)
        for name, value in {**fields, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.connection.close()
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: tests read `requests`."""
