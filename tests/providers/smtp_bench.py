"""The smtp provider beside its servers: the sink, which is whole, and a script, which says anything."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from email import message_from_bytes, policy
from pathlib import Path
from threading import Thread
from typing import Any

from tidings.model.delivery import Outcome
from tidings.providers.smtp import Smtp, SmtpConfig
from tidings.testing.provider_contract import Bench, Delivered, Fault
from tidings.testing.smtp_sink import SmtpFault, SmtpSink

PASSWORD = "correct-horse-battery-staple"


class SmtpBench(Bench):
    """The provider and a sink."""

    faults = (
        Fault(SmtpFault.REFUSE_RCPT, "refused"),
        Fault(SmtpFault.REFUSE_RCPT_LATE, "refused"),
        Fault(SmtpFault.LATER_RCPT, "later"),
        Fault(SmtpFault.DROP_BEFORE_DATA, "later"),
        Fault(SmtpFault.REFUSE_BODY, "refused"),
        Fault(SmtpFault.LATER_BODY, "later"),
        Fault(SmtpFault.DROP_AFTER_BODY, "unknown", delivered=True),
        Fault(SmtpFault.SILENT_AFTER_BODY, "unknown", delivered=True),
        Fault(SmtpFault.SLOW_AFTER_BODY, "accepted", delivered=True),
        Fault(SmtpFault.GARBAGE_AFTER_BODY, "unknown", delivered=True),
    )
    secrets = (PASSWORD,)

    def __init__(self, sink: SmtpSink, root: Path, **config: Any) -> None:
        self.sink = sink
        self.root = root
        self.config = config

    def provider(self, **changes: Any) -> Smtp:
        """An instance pointed at the sink, its settings changed."""
        config = {"port": self.sink.port, "timeout": 2, "helo": "test.invalid", **self.config, **changes}
        return Smtp(SmtpConfig(**config), root=self.root)

    def delivered(self) -> list[Delivered]:
        """What the sink has kept."""
        found = []
        for entry, path in zip(self.sink.accepted(), self.sink.messages(), strict=True):
            message = message_from_bytes(path.read_bytes(), policy=policy.default)
            text = message.get_body(("plain",)).get_content()
            [recipient] = entry["to"]
            assert recipient == message["To"]
            found.append(Delivered(entry["send_key"], recipient, text, message["Subject"]))
        return found

    def arrange(self, fault: Fault, address: str) -> None:
        """By recipient."""
        self.sink.faults[address] = fault.name

    def unplugged(self) -> Smtp:
        """Pointed at a port that was free a moment ago."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        return self.provider(port=port)


class Script:
    """A server that says the given pieces, each after the client's next write, and then hangs up.

    `heard` holds those writes, the first for the greeting's answer. A piece that ends in "354 go" is followed by a
    content, which counts as one write. A piece gets its line end unless `raw`, and then one without it is the last;
    `drip` sends it byte by byte.
    """

    def __init__(self, pieces: Sequence[str], *, raw: bool = False, drip: bool = False) -> None:
        self.pieces = [piece if raw else f"{piece}\r\n" for piece in pieces]
        self.drip = drip
        self.heard: list[bytes] = []

    def __enter__(self) -> Script:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.thread = Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()
        self.thread.join(5)

    def send(self, root: Path, **changes: Any) -> Outcome:
        """What the provider says of one message to this server."""
        bench = SmtpBench(SmtpSink(root), root)
        provider = Smtp(SmtpConfig(port=self.port, timeout=1, helo="test.invalid"), root=root)
        [outcome] = bench.run(provider, [bench.message(**changes)])
        return outcome

    def _serve(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in self.pieces:
                octets = piece.encode()
                try:
                    for start in range(0, len(octets), 1) if self.drip else [0]:
                        connection.sendall(octets[start : start + 1] if self.drip else octets)
                    if piece and not piece.endswith("\n"):
                        return
                    self.heard.append(_read(connection, b".\r\n" if piece.endswith("354 go\r\n") else b"\r\n"))
                except OSError:
                    return


def _read(connection: socket.socket, end: bytes) -> bytes:
    """One write of the client's, or all until `end`; what came where it hangs up before."""
    heard = b""
    while not heard.endswith(end):
        piece = connection.recv(65536)
        if not piece:
            break
        heard += piece
    return heard
