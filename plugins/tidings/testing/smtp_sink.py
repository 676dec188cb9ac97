"""A real SMTP server on loopback that keeps every message as a file and fails on request.

`python -m tidings.testing.smtp_sink --folder inbox` prints its port and serves until SIGTERM.
It needs aiosmtpd, which the extra `demo` brings.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
import ssl
import sys
import threading
from collections.abc import Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

LOG = "accepted.jsonl"
MAX_BYTES = 32 * 2**20
SLOW = 0.1  # seconds
_KEY = re.compile(rb"(?mi)^X-Tidings-Key:[ \t]*([A-Za-z0-9_-]+)\r?$")
_DATE = re.compile(rb"(?mi)^Date:[ \t]*([^\r\n]+)")


class SmtpFault(StrEnum):
    """How the sink treats a recipient; those that say `kept` keep the message, which the client cannot know."""

    REFUSE_RCPT = "550 at RCPT"
    REFUSE_RCPT_LATE = "550 at RCPT, and 354 at DATA all the same"  # RFC 2920, 3.1
    LATER_RCPT = "451 at RCPT"
    DROP_BEFORE_DATA = "the line breaks at RCPT"
    REFUSE_BODY = "554 after the final dot"
    LATER_BODY = "451 after the final dot"
    DROP_AFTER_BODY = "kept, then the line breaks"  # the gap of RFC 1047
    SILENT_AFTER_BODY = "kept, then no answer ever"
    SLOW_AFTER_BODY = "kept, and said so after a while"
    GARBAGE_AFTER_BODY = "kept, then an answer that is not SMTP"


REPLIES = {
    SmtpFault.REFUSE_RCPT: "550 5.1.1 <{}>: no such user",
    SmtpFault.REFUSE_RCPT_LATE: "550 5.1.1 <{}>: no such user",
    SmtpFault.LATER_RCPT: "451 4.7.1 <{}>: greylisted, come back later",
    SmtpFault.REFUSE_BODY: "554 5.7.1 message refused",
    SmtpFault.LATER_BODY: "451 4.3.0 try again later",
}


class SmtpSink:
    """A context manager: `with SmtpSink(folder) as sink: ... sink.port ... sink.accepted()`.

    A message becomes `<folder>/<its Date header's day>/<number>-<X-Tidings-Key>.eml`, whole when it appears,
    and a line of `<folder>/accepted.jsonl` (number, send_key, sender, to, file), both before the server answers
    250. `faults` maps recipients to faults and may be changed at any time; `orphans` are the contents that came though
    no recipient was taken. `pipelining` says whether EHLO offers PIPELINING, `tls` makes every connection TLS from its
    first byte; `server` goes to aiosmtpd's SMTP (tls_context for STARTTLS, authenticator, enable_SMTPUTF8).
    """

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        *,
        faults: Mapping[str, SmtpFault] | None = None,
        pipelining: bool = True,
        tls: ssl.SSLContext | None = None,
        **server: Any,
    ) -> None:
        self.folder = folder
        self.port = port
        self.faults = dict(faults or {})
        self.connections = 0
        self.orphans: list[bytes] = []
        self._pipelining = pipelining
        self._late: WeakSet[Envelope] = WeakSet()
        self._tls = tls
        self._server = {"hostname": "sink.invalid", **server}

    def __enter__(self) -> SmtpSink:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, in a thread of its own; `port` is then the real one. OSError where it is taken."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = self.accepted()
        self._count = len(kept)
        self._days = {self.folder / Path(entry["file"]).parent for entry in kept}
        self._log: TextIOWrapper = (self.folder / LOG).open("a", encoding="utf-8")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtp-sink", daemon=True)
        self._thread.start()
        try:
            self._in_thread(self._listen())
        except OSError:
            self._end()
            raise

    def stop(self) -> None:
        """Close the port, the connections and the log."""
        self._in_thread(self._close())
        self._end()

    def accepted(self) -> list[dict[str, Any]]:
        """The log: one entry a message kept, oldest first."""
        path = self.folder / LOG
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    def messages(self) -> list[Path]:
        """The .eml files, oldest first."""
        return [self.folder / entry["file"] for entry in self.accepted()]

    async def handle_EHLO(  # noqa: N802 - aiosmtpd finds its hooks by these names
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """What the server offers."""
        session.host_name = hostname
        return [*responses[:-1], *["250-PIPELINING"] * self._pipelining, responses[-1]]

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Sequence[str]
    ) -> str:
        """Take or refuse a recipient."""
        fault = self.faults.get(address)
        if fault is SmtpFault.DROP_BEFORE_DATA:
            await _hang_up(server)
        if fault in (SmtpFault.REFUSE_RCPT, SmtpFault.REFUSE_RCPT_LATE, SmtpFault.LATER_RCPT):
            if fault is SmtpFault.REFUSE_RCPT_LATE:
                self._late.add(envelope)
            return REPLIES[fault].format(address)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    def goes_ahead(self, envelope: Envelope) -> bool:
        """Whether DATA gets its 354: it needs a recipient, but for the fault that answers late."""
        return bool(envelope.rcpt_tos) or envelope in self._late

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep or refuse a message."""
        if not envelope.rcpt_tos:
            self.orphans.append(_octets(envelope))
            return "554 5.5.1 no valid recipients"
        found = [self.faults[address] for address in envelope.rcpt_tos if address in self.faults]
        fault = found[0] if found else None
        if fault in (SmtpFault.REFUSE_BODY, SmtpFault.LATER_BODY):
            return REPLIES[fault]
        number = self._keep(envelope)
        if fault is SmtpFault.DROP_AFTER_BODY:
            await _hang_up(server)
        if fault is SmtpFault.SILENT_AFTER_BODY:
            await _for_ever()
        if fault is SmtpFault.SLOW_AFTER_BODY:
            await asyncio.sleep(SLOW)
        if fault is SmtpFault.GARBAGE_AFTER_BODY:
            return "\x00 not smtp at all"
        return f"250 2.0.0 ok: kept as {number}"

    def _connection(self) -> SMTP:
        self.connections += 1
        return _server_class()(self, loop=self._loop, **self._server)

    def _keep(self, envelope: Envelope) -> int:
        octets = _octets(envelope)
        head = octets.partition(b"\r\n\r\n")[0] + b"\r\n"
        match = _KEY.search(head)
        key = match[1].decode() if match else "no-key"
        folder = self.folder / _day(head)
        if folder not in self._days:
            folder.mkdir(parents=True, exist_ok=True)
            self._days.add(folder)
        self._count += 1
        path = folder / f"{self._count:06}-{key}.eml"
        part = path.with_suffix(".part")
        part.write_bytes(octets)
        part.replace(path)
        entry = {
            "number": self._count,
            "send_key": key if match else None,
            "sender": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "file": path.relative_to(self.folder).as_posix(),
        }
        self._log.write(json.dumps(entry) + "\n")
        self._log.flush()
        return self._count

    def _in_thread(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._log.close()

    async def _listen(self) -> None:
        self._listener = await self._loop.create_server(self._connection, "127.0.0.1", self.port, ssl=self._tls)
        self.port = int(self._listener.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        self._listener.close()
        sessions = asyncio.all_tasks() - {asyncio.current_task()}
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)


@cache
def _server_class() -> type[SMTP]:
    from aiosmtpd.smtp import SMTP

    class WholeData(SMTP):
        """Reads a message in one piece: aiosmtpd awaits each line, which halves the speed."""

        line_length_limit = MAX_BYTES

        async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd finds its commands by these names
            if arg or self.envelope is None or not self.event_handler.goes_ahead(self.envelope):
                await self.push("503 5.5.1 need RCPT command")
                return
            # The content may be nothing but its end, so the line end before that is fed here. It is the buffer's first:
            # a client has to wait for 354 before it sends anything.
            self._reader.feed_data(b"\r\n")
            await self.push("354 end data with <CR><LF>.<CR><LF>")
            raw = await self._reader.readuntil(b"\r\n.\r\n")
            self.envelope.content = raw[:-3].replace(b"\r\n.", b"\r\n")[2:]
            status = await self._call_handler_hook("DATA")
            self.envelope = self._create_envelope()
            await self.push(status)

    return WholeData


def _octets(envelope: Envelope) -> bytes:
    content = envelope.content
    return content.encode() if isinstance(content, str) else bytes(content or b"")


def _day(head: bytes) -> str:
    match = _DATE.search(head)
    try:
        moment = parsedate_to_datetime(match[1].decode("ascii")) if match else datetime.now(UTC)
    except ValueError:
        moment = datetime.now(UTC)
    return moment.date().isoformat()


async def _hang_up(server: SMTP) -> None:
    transport = server.transport
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
    await _for_ever()


async def _for_ever() -> None:
    """Until the connection is lost or the sink stops: aiosmtpd then cancels the session."""
    await asyncio.Event().wait()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; the first line of standard output is the port."""
    parser = argparse.ArgumentParser(prog="python -m tidings.testing.smtp_sink", description="keep mail as files")
    parser.add_argument("--folder", type=Path, required=True, help="where the messages go")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    options = parser.parse_args(arguments)
    finished = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: finished.set())
    with SmtpSink(options.folder, options.port) as sink:
        sys.stdout.write(f"{sink.port}\n")
        sys.stdout.flush()
        finished.wait()


if __name__ == "__main__":
    main()
