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
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from tidings.errors import TidingsError
from tidings.model.base import Noun
from tidings.model.delivery import Outcome, Outgoing
from tidings.model.seams import Provider
from tidings.providers.answers import LOOPBACK, MISCONFIGURED, Status, answer
from tidings.providers.mime import ascii_address, build_mime, message_id

if TYPE_CHECKING:
    from aiosmtplib import SMTP

GO_AHEAD, AUTHENTICATE, CLOSING = 354, 530, 421


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
        self._idle: list[SMTP] = []
        self._slots = asyncio.Semaphore(config.connections)

    @property
    def loopback(self) -> bool:
        return self.config.host in LOOPBACK

    async def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        unreachable: list[_Unreachable] = []
        return await asyncio.gather(*(self._send_one(outgoing, unreachable) for outgoing in batch))

    async def close(self) -> None:
        from aiosmtplib import SMTPException

        while self._idle:
            client = self._idle.pop()
            with contextlib.suppress(SMTPException, OSError):
                await client.execute_command(b"QUIT", timeout=min(self.config.timeout, 2))
            _hang_up(client)
        await asyncio.sleep(0)  # the loop closes the sockets in its next round, and may have no other

    async def _send_one(self, outgoing: Outgoing, unreachable: list[_Unreachable]) -> Outcome:
        """One recipient's failure is nobody else's: all but cancellation becomes that message's outcome.

        `unreachable` is shared by the batch, so that a dead server is waited for once and not once a message.
        """
        try:
            content = build_mime(outgoing, message_id_domain=self.config.message_id_domain)
        except TidingsError as error:
            return answer(outgoing, "refused", str(error))
        async with self._slots:
            try:
                return await self._over_a_connection(outgoing, content, unreachable)
            except _Unsent as error:
                return answer(outgoing, "later", f"the connection broke before the message: {error}")
            except Exception as error:  # noqa: BLE001 - what is not known to be harmless is in doubt (R06)
                return answer(outgoing, "unknown", f"{type(error).__name__}: {error}")

    async def _over_a_connection(self, outgoing: Outgoing, content: bytes, unreachable: list[_Unreachable]) -> Outcome:
        client = self._waiting_client()
        if client:
            # The server may have hung up while it waited; nothing is sent yet, so a new one may be tried.
            with contextlib.suppress(_Unsent):
                return await self._exchange(client, outgoing, content)
        if not unreachable:
            try:
                return await self._exchange(await self._connect(), outgoing, content)
            except _Unreachable as error:
                unreachable.append(error)
        detail, retry_after = unreachable[0].args
        return answer(outgoing, "later", detail, retry_after=retry_after)

    def _waiting_client(self) -> SMTP | None:
        while self._idle:
            client = self._idle.pop()
            if client.is_connected:
                return client
        return None

    async def _connect(self) -> SMTP:
        from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPHeloError

        config = self.config
        client = SMTP(
            hostname=config.host,
            port=config.port,
            local_hostname=config.helo or socket.gethostname(),
            timeout=config.timeout,
            use_tls=config.tls == "tls",
            start_tls=False,  # step by step below, so that a failure leaves the connection to us to abort
            cert_bundle=config.ca_file,
        )
        try:
            await client.connect()
            if config.tls == "starttls":
                await client.starttls()
            try:
                await client.ehlo()
            except SMTPHeloError:
                await client.helo()
            if config.username:
                await client.login(config.username, config.password.get_secret_value() if config.password else "")
        except (SMTPException, OSError) as error:
            _hang_up(client)
            cause = error.__cause__ or error
            # A bare SMTPException: the server cannot do what the settings ask for (STARTTLS, a login).
            lasting = isinstance(cause, ssl.SSLError) or type(error) is SMTPException
            if isinstance(error, SMTPAuthenticationError):
                lasting = error.code >= 500
            detail = f"no connection to {config.host}:{config.port}: {error}"
            raise _Unreachable(detail, MISCONFIGURED if lasting else None) from error
        return client

    async def _exchange(self, client: SMTP, outgoing: Outgoing, content: bytes) -> Outcome:
        """MAIL, RCPT, DATA, content: the outcome, or _Unsent where the line broke before the content."""
        from aiosmtplib import SMTPDataError, SMTPException, SMTPResponseException, SMTPServerDisconnected

        started = False
        try:
            options = [f"SIZE={len(content)}"] if client.supports_extension("size") else []
            await client.mail(ascii_address(outgoing.sender), options=options)
            await client.rcpt(ascii_address(outgoing.to))
            reply = await client.execute_command(b"DATA")
            if reply.code != GO_AHEAD:
                raise SMTPDataError(reply.code, reply.message)
            protocol = client.protocol
            if protocol is None:
                raise SMTPServerDisconnected("connection lost")
            started = True
            protocol.write(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
            code, words = await protocol.read_response(timeout=self.config.timeout)
        except SMTPResponseException as refusal:
            code, words = refusal.code, refusal.message
        except (SMTPException, OSError) as error:
            _hang_up(client)
            if not started:
                raise _Unsent(str(error)) from error
            return answer(outgoing, "unknown", f"no answer to the message: {error}")
        except BaseException:
            _hang_up(client)
            raise
        if code == CLOSING and not started:
            _hang_up(client)
            raise _Unsent(f"{code} {words}")
        await self._keep(client, code, started)
        status, retry_after = _status(code, started)
        identity = message_id(outgoing, self.config.message_id_domain) if status == "accepted" else None
        return answer(outgoing, status, f"{code} {words}", provider_id=identity, retry_after=retry_after)

    async def _keep(self, client: SMTP, code: int, started: bool) -> None:
        """Put the connection back, a half-made envelope cleared; close one that is out of step or ending."""
        from aiosmtplib import SMTPException

        try:
            if not 200 <= code < 600 or code == CLOSING:
                _hang_up(client)
            elif not started:
                await client.rset()
        except (SMTPException, OSError):
            _hang_up(client)
        if client.is_connected:
            self._idle.append(client)


def _hang_up(client: SMTP) -> None:
    """Close without the goodbyes of TLS, for which a silent server would be waited."""
    transport = client.transport
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
    client.close()


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
