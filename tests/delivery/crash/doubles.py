"""The two providers' doubles behind one face: faults for half of the people, the log, and what they truthfully tell."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from tests.delivery.crash.cells import FAULTS
from tests.delivery.crash.judge import Arrival
from tests.delivery.crash.workspace import API_KEY
from tidings.model.delivery import ProviderEvent
from tidings.providers.bounces import parse_bounce, to_events
from tidings.providers.sendgrid import SendGrid, SendGridConfig
from tidings.testing.sendgrid_emulator import SendGridEmulator
from tidings.testing.smtp_sink import LOG, SmtpSink

DELIVERED = """From: MAILER-DAEMON@mx.example.com
To: news@example.com
Date: {date:%a, %d %b %Y %H:%M:%S +0000}
Message-ID: <{send_key}@mx.example.com>
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; {to}
Action: delivered
Status: 2.0.0

--b
Content-Type: text/rfc822-headers

X-Tidings-Key: {send_key}

--b--
"""


class Double(ABC):
    """A provider on loopback with a log of its own."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0
        self._arrivals: list[Arrival] = []

    @property
    @abstractmethod
    def endpoint(self) -> str:
        """Where it listens."""

    @abstractmethod
    def start(self) -> None:
        """Listen."""

    @abstractmethod
    def stop(self) -> None:
        """Let every connection go."""

    @abstractmethod
    def fail(self, faults: dict[str, Any]) -> None:
        """From now on these recipients meet these faults."""

    @abstractmethod
    def events(self, arrivals: Sequence[Arrival], now: datetime) -> list[ProviderEvent]:
        """What it says of messages that it took, read by the product's own readers."""

    def arrivals(self) -> list[Arrival]:
        """The whole log, oldest first."""
        if self._log.exists():
            with self._log.open("rb") as file:
                file.seek(self._read)
                lines = file.read().splitlines(keepends=True)
            if lines and not lines[-1].endswith(b"\n"):
                lines.pop()  # it is being written
            for line in lines:
                entry = json.loads(line)
                self._arrivals += [Arrival(entry["send_key"], to) for to in entry["to"]]
                self._read += len(line)
        return self._arrivals


class Mail(Double):
    """The SMTP sink; it tells by delivery reports (RFC 3464)."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / LOG)
        self.sink = SmtpSink(folder)

    @property
    def endpoint(self) -> str:
        return str(self.sink.port)

    def start(self) -> None:
        self.sink.start()

    def stop(self) -> None:
        self.sink.stop()

    def fail(self, faults: dict[str, Any]) -> None:
        self.sink.faults = faults

    def events(self, arrivals: Sequence[Arrival], now: datetime) -> list[ProviderEvent]:
        reports = (DELIVERED.format(**one._asdict(), date=now).encode() for one in arrivals)
        return [event for report in reports for event in to_events(parse_bounce(report), now)]


class Emulator(Double):
    """SendGrid's emulator; it tells by its signed webhook."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder / LOG)
        self.sendgrid = SendGridEmulator(api_key=API_KEY, log=self._log)
        self._folder = folder

    @property
    def endpoint(self) -> str:
        return self.sendgrid.url

    def start(self) -> None:
        """On the same port as before. A new one each time, because a stopped one lets no silent request wait."""
        self.sendgrid = SendGridEmulator(api_key=API_KEY, port=self.sendgrid.port, log=self._log)
        self.sendgrid.start()

    def stop(self) -> None:
        self.sendgrid.stop()

    def fail(self, faults: dict[str, Any]) -> None:
        self.sendgrid.faults = dict(faults.items())

    def events(self, arrivals: Sequence[Arrival], now: datetime) -> list[ProviderEvent]:
        told = [
            {
                "event": "delivered",
                "email": one.to,
                "sg_event_id": f"delivered-{one.send_key}",
                "timestamp": int(now.timestamp()),
                "send_key": one.send_key,
            }
            for one in arrivals
        ]
        config = SendGridConfig(api_key=SecretStr(API_KEY), webhook_public_key=(self.sendgrid.public_key,))
        headers, body = self.sendgrid.signed(told, now)
        return SendGrid(config, root=self._folder).parse_webhook("/", headers, body, now)


DOUBLES: dict[str, type[Mail | Emulator]] = dict(zip(FAULTS, (Mail, Emulator), strict=True))
