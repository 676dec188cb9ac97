"""E-mail over SMTP, on a few connections that stay open.

A message's content makes it doubtful: before its first byte leaves, a failure has sent nothing; after it,
only the server's own answer counts, for the server may have taken the message and lost the line before it
could say so (RFC 1047).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import Discriminator, Field, SecretStr, Tag, model_validator

from tidings.errors import TidingsError
from tidings.model.base import Noun
from tidings.model.delivery import Outcome, Outgoing, ProviderEvent
from tidings.model.mistakes import Mistake
from tidings.model.seams import Provider
from tidings.providers.answers import LOOPBACK, MISCONFIGURED, Status, answer
from tidings.providers.bounces import parse_bounce, to_events
from tidings.providers.dkim import DkimConfig, DkimSigner, aligned
from tidings.providers.mailboxes import Mark, read_mailbox
from tidings.providers.mime import build_mime, mail_address, message_id, verp_address
from tidings.providers.smtp_line import CLOSING, GO_AHEAD, LineBroken, Reply, SmtpLine

AUTHENTICATE = 530


def _form(value: Any) -> str:
    return "<no>" if value is None else "<several>" if isinstance(value, list) else "<one>"


class SmtpConfig(Noun):
    """Where the mail server is and how to speak with it."""

    host: Annotated[str, Field(description="name or address of the server")] = "127.0.0.1"
    port: Annotated[int, Field(gt=0, lt=65536)] = 25
    username: str | None = None
    password: Annotated[SecretStr | None, Field(description="{secret: its name} in YAML")] = None
    tls: Annotated[Literal["none", "starttls", "tls"], Field(description="certificates are always checked")] = "none"
    ca_file: Annotated[str | None, Field(description="certificates to trust besides the system's")] = None
    timeout: Annotated[float, Field(gt=0, description="seconds for one answer")] = 60
    connections: Annotated[int, Field(gt=0, le=64)] = 4
    helo: Annotated[str | None, Field(pattern=r"^[!-~]+$", description="this machine's name by default")] = None
    message_id_domain: Annotated[
        str | None, Field(pattern=r"^[A-Za-z0-9.-]+$", description="the sender's domain by default")
    ] = None
    # A local part has 64 octets at most (RFC 5321, 4.5.3.1.1), of which the key and its plus take 33.
    return_path: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z0-9._+-]{1,31}@[A-Za-z0-9.-]+$", description="bounces@… becomes bounces+<send_key>@…"),
    ] = None
    bounces: Annotated[
        Path | None, Field(description="mbox or Maildir of the return path; a relative one counts from the workspace")
    ] = None
    dkim: Annotated[
        Annotated[DkimConfig, Tag("<one>")]
        | Annotated[list[DkimConfig], Tag("<several>")]
        | Annotated[None, Tag("<no>")],
        Discriminator(_form),
        Field(description="signs every message; a list signs with each"),
    ] = None

    @property
    def signatures(self) -> list[DkimConfig]:
        """`dkim` as a list."""
        return self.dkim if isinstance(self.dkim, list) else [self.dkim] if self.dkim else []

    @model_validator(mode="after")
    def _password_is_covered(self) -> SmtpConfig:
        if self.password and self.tls == "none" and self.host not in LOOPBACK:
            raise ValueError("the password would travel in clear; set tls to starttls or tls")
        return self


class _Unreachable(Exception):
    """No connection, so nothing is sent; `args` are what happened and how long to wait, if known."""


class _Unsent(Exception):
    """The connection broke before the content of the message began."""


class Smtp(Provider):
    """Sends up to `connections` messages at once; used in one event loop until it is closed."""

    name = "smtp"
    channel = "email"
    Config = SmtpConfig
    config: SmtpConfig

    def __init__(self, config: SmtpConfig, *, root: Path) -> None:
        super().__init__(config, root=root)
        self._idle: list[SmtpLine] = []
        self._slots = asyncio.Semaphore(config.connections)
        self._signers = [DkimSigner(one) for one in config.signatures]

    @property
    def loopback(self) -> bool:
        return self.config.host in LOOPBACK

    async def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        unreachable: list[_Unreachable] = []
        return await asyncio.gather(*(self._send_one(outgoing, unreachable) for outgoing in batch))

    @classmethod
    def mistakes(cls, config: SmtpConfig, sender: str) -> Iterator[Mistake]:
        for number, one in enumerate(config.signatures):
            if not aligned(one.domain, sender):
                place = ("dkim", number, "domain") if isinstance(config.dkim, list) else ("dkim", "domain")
                reason = f"the sender is not of {one.domain}, so receivers ignore this signature"
                yield Mistake(place, reason, f"sign for {sender.rpartition('@')[2]}")

    def collect(self, now: datetime) -> Iterator[ProviderEvent]:
        if self.config.bounces is not None:
            mark = Mark(self.bookmark)
            for raw in read_mailbox(self.root / self.config.bounces, mark):
                yield from to_events(parse_bounce(raw), now, self.name)
            self.bookmark = mark.text

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().quit()
        await asyncio.sleep(0)  # the loop closes the sockets in its next round, and may have no other

    async def _send_one(self, outgoing: Outgoing, unreachable: list[_Unreachable]) -> Outcome:
        """One recipient's failure is nobody else's: all but cancellation becomes that message's outcome.

        `unreachable` is shared by the batch, so that a dead server is waited for once and not once a message.
        """
        async with self._slots:
            try:
                return await self._over_a_connection(outgoing, self._content(outgoing), unreachable)
            except TidingsError as error:
                return answer(outgoing, "refused", str(error))  # the message cannot be made
            except _Unsent as error:
                return answer(outgoing, "later", f"the connection broke before the message: {error}")
            except Exception as error:  # noqa: BLE001 - what is not known to be harmless is in doubt (R06)
                return answer(outgoing, "unknown", f"{type(error).__name__}: {error}")

    def _content(self, outgoing: Outgoing) -> bytes:
        content = build_mime(outgoing, message_id_domain=self.config.message_id_domain, smtputf8=True)
        return b"".join([*(signer.field(content) for signer in self._signers), content])

    async def _over_a_connection(self, outgoing: Outgoing, content: bytes, unreachable: list[_Unreachable]) -> Outcome:
        line = self._waiting_line()
        if line:
            # The server may have hung up while it waited; nothing is sent yet, so a new one may be tried.
            with contextlib.suppress(_Unsent):
                return await self._exchange(line, outgoing, content)
        if not unreachable:
            try:
                return await self._exchange(await self._connect(), outgoing, content)
            except _Unreachable as error:
                unreachable.append(error)
        detail, retry_after = unreachable[0].args
        return answer(outgoing, "later", detail, retry_after=retry_after)

    def _waiting_line(self) -> SmtpLine | None:
        while self._idle:
            line = self._idle.pop()
            if line.usable:
                return line
            line.abort()
        return None

    @cached_property
    def _tls_context(self) -> ssl.SSLContext:
        """Made once: the certificates that the system trusts take 20 ms to read."""
        context = ssl.create_default_context()
        if self.config.ca_file:
            context.load_verify_locations(self.config.ca_file)
        return context

    async def _connect(self) -> SmtpLine:
        from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPHeloError

        config = self.config
        client = SMTP(
            hostname=config.host,
            port=config.port,
            local_hostname=config.helo or socket.gethostname(),
            timeout=config.timeout,
            use_tls=config.tls == "tls",
            start_tls=False,  # step by step below, so that a failure leaves the connection to us to abort
        )
        try:
            await client.connect(tls_context=None if config.tls == "none" else self._tls_context)
            if config.tls == "starttls":
                await client.starttls()
            try:
                await client.ehlo()
            except SMTPHeloError:
                await client.helo()
            if config.username:
                await client.login(config.username, config.password.get_secret_value() if config.password else "")
            if not client.is_connected:
                raise ConnectionError("the server hung up")
            return SmtpLine(cast("asyncio.Transport", client.transport), client.esmtp_extensions, config.timeout)
        except (SMTPException, OSError) as error:
            if isinstance(client.transport, asyncio.WriteTransport):
                client.transport.abort()
            client.close()
            cause = error.__cause__ or error
            # A bare SMTPException: the server cannot do what the settings ask for (STARTTLS, a login).
            lasting = isinstance(cause, ssl.SSLError) or type(error) is SMTPException
            if isinstance(error, SMTPAuthenticationError):
                lasting = error.code >= 500
            detail = f"no connection to {config.host}:{config.port}: {error}"
            raise _Unreachable(detail, MISCONFIGURED if lasting else None) from error

    async def _exchange(self, line: SmtpLine, outgoing: Outgoing, content: bytes) -> Outcome:
        """MAIL, RCPT, DATA, content: the outcome, or _Unsent where the line broke before the content."""
        # Only an address with a local part beyond ASCII brings the content beyond it (see build_mime).
        beyond_ascii = not content.isascii()
        if beyond_ascii and "smtputf8" not in line.extensions:
            self._idle.append(line)
            return answer(outgoing, "refused", "an address is beyond ASCII, and the server does not offer SMTPUTF8")
        started = False
        try:
            reply = await line.open_message(*self._envelope(line, outgoing, len(content), beyond_ascii=beyond_ascii))
            if reply.code == GO_AHEAD:
                line.write(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
                started = True
                reply = await line.reply()
        except LineBroken as error:
            line.abort()
            if not started:
                raise _Unsent(str(error)) from error
            return answer(outgoing, "unknown", f"no answer to the message: {error}")
        except BaseException:
            line.abort()
            raise
        status, retry_after = _status(reply.code, started)
        await self._keep(line, reply, status, started)
        identity = message_id(outgoing, self.config.message_id_domain) if status == "accepted" else None
        return answer(outgoing, status, str(reply), provider_id=identity, retry_after=retry_after)

    def _envelope(self, line: SmtpLine, outgoing: Outgoing, size: int, *, beyond_ascii: bool) -> tuple[bytes, bytes]:
        """MAIL and RCPT.

        BODY=8BITMIME is never declared, for no body is 8-bit: a relay that had to convert one would break the DKIM
        signature (RFC 6376, 5.3), and UTF-8 in the header is what SMTPUTF8 alone declares (RFC 6531, 3.6).
        """
        path = self.config.return_path
        sender = verp_address(path, outgoing.send_key) if path else mail_address(outgoing.sender, smtputf8=True)
        mail = f"MAIL FROM:<{sender}>"
        if "size" in line.extensions:
            mail += f" SIZE={size}"
        if beyond_ascii:
            mail += " SMTPUTF8"
        return mail.encode(), f"RCPT TO:<{mail_address(outgoing.to, smtputf8=True)}>".encode()

    async def _keep(self, line: SmtpLine, reply: Reply, status: Status, started: bool) -> None:
        """Put the connection back, a half-made envelope cleared; close one that is out of step or ending."""
        if reply.code == CLOSING or status == "unknown":
            line.abort()
        elif not started and line.usable:
            try:
                line.write(b"RSET\r\n")
                if (await line.reply()).code >= 300:
                    line.abort()
            except LineBroken:
                line.abort()
        if line.usable:
            self._idle.append(line)
        else:
            line.abort()


def _status(code: int, started: bool) -> tuple[Status, timedelta | None]:
    """What a reply means; 4xx and 5xx say that the message was not taken (RFC 5321, 4.2.1)."""
    if code == AUTHENTICATE:
        return "later", MISCONFIGURED
    if started and 200 <= code < 300:
        return "accepted", None
    if 400 <= code < 500:
        return "later", None
    if 500 <= code < 600:
        return "refused", None
    return ("unknown" if started else "later"), None
