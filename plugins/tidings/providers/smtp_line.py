"""One connection to a mail server: commands out, replies in, in their order.

aiosmtplib opens it, with TLS, EHLO and login. Then its transport is taken over: where several commands leave in one
write (PIPELINING, RFC 2920), aiosmtplib drops every reply but the first of those that come together.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

GO_AHEAD, CLOSING = 354, 421
MAX_REPLY = 32_768  # bytes: ten times a long EHLO

_REPLY_LINE = re.compile(rb"[2-5][0-9][0-9](?:[ -].*)?", re.DOTALL)


class LineBroken(Exception):
    """The connection ended, fell silent or is out of step: of no further use."""


class Reply(NamedTuple):
    """A server's answer; 4xx and 5xx are refusals (RFC 5321, 4.2.1)."""

    code: int
    words: str

    def __str__(self) -> str:
        return f"{self.code} {self.words}"


class SmtpLine(asyncio.Protocol):
    """Takes over an open `transport`; `extensions` are what EHLO offered, in lower case; `timeout` is in seconds."""

    def __init__(self, transport: asyncio.Transport, extensions: Iterable[str], timeout: float) -> None:
        self.extensions = frozenset(extensions)
        self._timeout = timeout
        self._transport = transport
        self._received = bytearray()
        self._news = asyncio.Event()
        transport.set_protocol(self)

    @property
    def usable(self) -> bool:
        """Open, and with no word of the server's unread: nobody asked, so it is a goodbye or out of step."""
        return not self._transport.is_closing() and not self._received

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._news.set()

    def eof_received(self) -> None:
        # Without a return value asyncio closes the transport after this.
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._news.set()

    def abort(self) -> None:
        """Close without the goodbyes of TLS, for which a silent server would be waited."""
        self._transport.abort()

    def write(self, octets: bytes) -> None:
        """Hand over to be sent; LineBroken, and not a byte of it has left, where the connection is gone."""
        if self._transport.is_closing():
            raise LineBroken("connection lost")
        self._transport.write(octets)

    async def reply(self) -> Reply:
        """The next reply, its lines joined by spaces; LineBroken where none comes or it is none."""
        try:
            async with asyncio.timeout(self._timeout):
                while (found := self._next_reply()) is None:
                    if self._transport.is_closing():
                        raise LineBroken("connection lost")
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise LineBroken("the server does not answer") from None
        return found

    async def quit(self) -> None:
        """Say goodbye and close, after two seconds without waiting for the answer."""
        with suppress(LineBroken, TimeoutError):
            async with asyncio.timeout(2):
                self.write(b"QUIT\r\n")
                await self.reply()
        self.abort()

    async def open_message(self, mail: bytes, rcpt: bytes) -> Reply:
        """MAIL, RCPT and DATA: the server's 354, or the first refusal. No content has left either way.

        In one write where the server offers PIPELINING, else one after the other until the first refusal.
        LineBroken where the line broke before there was a refusal.
        """
        commands = (mail, rcpt, b"DATA")
        together = "pipelining" in self.extensions
        if together:
            self.write(b"".join(command + b"\r\n" for command in commands))
        replies: list[Reply] = []
        try:
            for command in commands:
                if not together:
                    self.write(command + b"\r\n")
                replies.append(await self._in_step(after_data=command == b"DATA"))
                if replies[-1].code >= 400 and not together:
                    break
        except LineBroken:
            # What the server has refused stays refused, whatever becomes of the line.
            self.abort()
            if not _refusals(replies):
                raise
        refusals = _refusals(replies)
        if refusals and replies[-1].code == GO_AHEAD:
            await self._back_out(recipient_refused=replies[1].code >= 400)
        return (refusals or replies)[0 if refusals else -1]

    async def _in_step(self, *, after_data: bool) -> Reply:
        """The next reply of the envelope: a refusal, or what the command asks for."""
        reply = await self.reply()
        if reply.code == CLOSING or (reply.code < 400 and (reply.code == GO_AHEAD) != after_data):
            raise LineBroken(str(reply))
        return reply

    async def _back_out(self, *, recipient_refused: bool) -> None:
        """The server waits for a content that must not come, for MAIL or RCPT was refused.

        Without a recipient a lone dot ends it and reaches nobody (RFC 2920, 3.1); with one, the dot would be an empty
        message, and only hanging up is none.
        """
        if not recipient_refused:
            self.abort()
            return
        with suppress(LineBroken):
            self.write(b".\r\n")
            if (await self.reply()).code != CLOSING:
                return
        self.abort()

    def _next_reply(self) -> Reply | None:
        """Take a whole reply out of what has come; None while it is not whole."""
        words, start = [], 0
        while (end := self._received.find(b"\n", start)) >= 0:
            line = bytes(self._received[start:end]).rstrip(b"\r")
            start = end + 1
            if not _REPLY_LINE.fullmatch(line):
                raise LineBroken(f"not a reply: {line.decode('utf-8', 'replace')}")
            words.append(line[4:].decode("utf-8", "replace").strip())
            if line[3:4] != b"-":
                del self._received[:start]
                return Reply(int(line[:3]), " ".join(words))
        if len(self._received) > MAX_REPLY:
            raise LineBroken("a reply without end")
        return None


def _refusals(replies: Iterable[Reply]) -> list[Reply]:
    return [reply for reply in replies if reply.code >= 400]
