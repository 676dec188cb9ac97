"""E-mail through SendGrid's v3 mail/send, in the official library's request format, one message a request.

SendGrid has no idempotency key: only 202 says that a message was taken, only a plain refusal that it was not.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any
from urllib.error import URLError
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator

from tidings.errors import TidingsError
from tidings.model.base import Noun
from tidings.model.delivery import Outcome, Outgoing, ProviderEvent
from tidings.model.seams import Provider
from tidings.providers.answers import LOOPBACK, MISCONFIGURED, answer
from tidings.providers.mime import ascii_address, check_fields, utf8
from tidings.providers.sendgrid_events import read_events, verify

ACCEPTED, TOO_MANY = 202, 429
# This very message is wrong, and would be next time.
REFUSED = frozenset({400, 413})
# Nothing is wrong with the message: the key, a permission, the sender's verification or the host is. Nothing was
# sent either, and `refused` would lose a whole audience to a rotated key, so it is tried later.
SETTINGS = frozenset({401, 403, 404, 405})
# Of those, no other message of the batch can fare better: a 403 may concern one sender only.
WHOLE_ACCOUNT = frozenset({401, 404, 405})
LONGEST_WAIT = timedelta(hours=1)

# The library logs every header, the key among them, and every payload at DEBUG (R53).
logging.getLogger("python_http_client").setLevel(logging.INFO)


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class SendGridConfig(Noun):
    """The account, and how long to wait for it."""

    api_key: Annotated[SecretStr, Field(description="{secret: its name} in YAML")]
    host: Annotated[str, Field(description="https://api.eu.sendgrid.com for an EU account")] = (
        "https://api.sendgrid.com"
    )
    timeout: Annotated[float, Field(gt=0, description="seconds for one request")] = 30
    connections: Annotated[int, Field(gt=0, le=64)] = 4
    webhook_public_key: Annotated[
        tuple[str, ...],
        BeforeValidator(_as_tuple),
        Field(max_length=2, description="of the signed event webhook; two while one replaces the other"),
    ] = ()

    @field_validator("host")
    @classmethod
    def _key_is_covered(cls, host: str) -> str:
        parts = urlsplit(host)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise ValueError("the API key would travel in clear; write https://")
        return host.rstrip("/")


class SendGrid(Provider):
    """Sends up to `connections` requests at once from threads, because the official library blocks."""

    name = "sendgrid"
    channel = "email"
    Config = SendGridConfig
    config: SendGridConfig

    def __init__(self, config: SendGridConfig, *, root: Path) -> None:
        super().__init__(config, root=root)
        self._slots = asyncio.Semaphore(config.connections)

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.config.connections, thread_name_prefix="sendgrid")

    @property
    def loopback(self) -> bool:
        return urlsplit(self.config.host).hostname in LOOPBACK

    async def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        stopped: list[str] = []
        return await asyncio.gather(*(self._send_one(outgoing, stopped) for outgoing in batch))

    def parse_webhook(
        self, url: str, headers: Mapping[str, str], raw_body: bytes, now: datetime
    ) -> list[ProviderEvent]:
        """Events of a signed call; TidingsError for one that is forged, old or cannot be read (R40)."""
        verify(self.config.webhook_public_key, headers, raw_body, now)
        return read_events(raw_body)

    async def close(self) -> None:
        if "_threads" in self.__dict__:
            self.__dict__.pop("_threads").shutdown(wait=False, cancel_futures=True)

    async def _send_one(self, outgoing: Outgoing, stopped: list[str]) -> Outcome:
        """One recipient's failure is nobody else's; `stopped`, shared by the batch, says why all must wait."""
        try:
            body = request_body(outgoing)
        except TidingsError as error:
            return answer(outgoing, "refused", str(error))
        async with self._slots:
            if stopped:
                return answer(outgoing, "later", stopped[0], retry_after=MISCONFIGURED)
            work = self._threads.submit(self._post, body)
            try:
                # Sockets have the same time-out, but for each read: a server that drips would never meet it.
                reply = await asyncio.wait_for(asyncio.wrap_future(work), self.config.timeout)
            except Exception as error:  # noqa: BLE001 - what is not known to be harmless is in doubt (R06)
                return _without_reply(outgoing, error, work)
        outcome = _outcome(outgoing, reply)
        if reply.status_code in WHOLE_ACCOUNT:
            stopped.append(outcome.detail)
        return outcome

    def _post(self, body: dict[str, Any]) -> Any:
        """The library's response, or its exception for any other status: both have code, headers and body."""
        from python_http_client.exceptions import HTTPError
        from sendgrid import SendGridAPIClient

        client = SendGridAPIClient(self.config.api_key.get_secret_value(), host=self.config.host).client
        try:
            return client.mail.send.post(request_body=body, timeout=self.config.timeout)
        except HTTPError as error:
            return error


def request_body(outgoing: Outgoing) -> dict[str, Any]:
    """The JSON of one message; TidingsError where a field cannot be written safely (R48).

    The one custom argument is the send_key (R13); SendGrid's own tracking is off, because ours is signed.
    """
    from sendgrid.helpers.mail import (
        Attachment,
        ClickTracking,
        ContentId,
        CustomArg,
        Disposition,
        FileContent,
        FileName,
        FileType,
        From,
        Header,
        Mail,
        OpenTracking,
        Personalization,
        ReplyTo,
        SubscriptionTracking,
        To,
        TrackingSettings,
    )

    check_fields(outgoing)
    for words in (
        outgoing.subject,
        outgoing.sender_name,
        outgoing.text,
        outgoing.html or "",
        *outgoing.headers.values(),
    ):
        utf8(words)
    if not outgoing.subject or not (outgoing.text or outgoing.html):
        raise TidingsError("SendGrid takes no message without subject and body", "give both in the template")
    mail = Mail(
        from_email=From(ascii_address(outgoing.sender), outgoing.sender_name or None),
        subject=outgoing.subject,
        plain_text_content=outgoing.text or None,
        html_content=outgoing.html or None,
    )
    person = Personalization()
    person.add_to(To(ascii_address(outgoing.to)))
    for name, value in outgoing.headers.items():
        person.add_header(Header(name, value))
    person.add_custom_arg(CustomArg("send_key", outgoing.send_key))
    mail.add_personalization(person)
    if outgoing.reply_to:
        mail.reply_to = ReplyTo(ascii_address(outgoing.reply_to))
    mail.tracking_settings = TrackingSettings(
        click_tracking=ClickTracking(enable=False, enable_text=False),
        open_tracking=OpenTracking(enable=False),
        subscription_tracking=SubscriptionTracking(enable=False),
    )
    for one in outgoing.attachments:
        file = Attachment(FileContent(b64encode(one.content).decode()), FileName(one.name), FileType(one.media_type))
        file.disposition = Disposition("inline" if one.content_id else "attachment")
        if one.content_id:
            file.content_id = ContentId(one.content_id)
        mail.add_attachment(file)
    body: dict[str, Any] = mail.get()
    return body


def _outcome(outgoing: Outgoing, reply: Any) -> Outcome:
    code = int(reply.status_code)
    if code == ACCEPTED:
        return answer(outgoing, "accepted", provider_id=reply.headers.get("X-Message-Id"))
    detail = f"{code} {_reasons(reply.body)}"
    if code == TOO_MANY:
        return answer(outgoing, "later", detail, retry_after=_wait(reply.headers))
    if code in REFUSED:
        return answer(outgoing, "refused", detail)
    if code in SETTINGS:
        return answer(outgoing, "later", detail, retry_after=MISCONFIGURED)
    return answer(outgoing, "unknown", detail)


def _reasons(body: bytes) -> str:
    try:
        return "; ".join(str(error["message"]) for error in json.loads(body)["errors"])
    except (ValueError, TypeError, KeyError):
        return body.decode("utf-8", "replace")


def _without_reply(outgoing: Outgoing, error: Exception, work: Future[Any]) -> Outcome:
    """`later` where the request cannot have left: it never began, or there was no connection for it."""
    reason = error.reason if isinstance(error, URLError) else error
    unsent = isinstance(reason, (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError))
    if unsent or work.cancelled():
        return answer(outgoing, "later", f"no connection to SendGrid: {reason}")
    return answer(outgoing, "unknown", f"no answer from SendGrid: {type(error).__name__}: {error}")


def _wait(headers: Any) -> timedelta | None:
    """How long SendGrid asks to wait: Retry-After in seconds or as a date, else until X-RateLimit-Reset."""
    after, reset = headers.get("Retry-After", ""), headers.get("X-RateLimit-Reset", "")
    try:
        if after:
            seconds = int(after) if after.isdecimal() else parsedate_to_datetime(after).timestamp() - time.time()
        else:
            seconds = int(reset) - time.time()
        return min(max(timedelta(seconds=seconds), timedelta()), LONGEST_WAIT)
    except (ValueError, OverflowError):
        return None
