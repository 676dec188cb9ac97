"""E-mail through SendGrid's v3 mail/send, in the official library's request format.

SendGrid has no idempotency key: only 202 says that a message was taken, only a plain refusal that it was not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator

from tidings.errors import TidingsError
from tidings.model.base import Noun
from tidings.model.delivery import Outcome, Outgoing, ProviderEvent
from tidings.model.seams import Provider
from tidings.providers.answers import LOOPBACK, MISCONFIGURED, answer
from tidings.providers.sendgrid_answers import REFUSED, WHOLE_ACCOUNT, everybody, named, outcomes, without_reply
from tidings.providers.sendgrid_events import read_events, verify
from tidings.providers.sendgrid_request import MAX_PERSONS, check, request_body, requests

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
    max_batch = MAX_PERSONS
    substitutes = True
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
        found: list[Outcome] = []
        good: list[Outgoing] = []
        for outgoing in batch:
            try:
                check(outgoing)
                good.append(outgoing)
            except TidingsError as error:
                found.append(answer(outgoing, "refused", str(error)))
        stopped: list[str] = []
        for answers in await asyncio.gather(*(self._send_request(group, stopped) for group in requests(good))):
            found += answers
        place = {outgoing.send_key: number for number, outgoing in enumerate(batch)}
        return sorted(found, key=lambda outcome: place[outcome.send_key])

    def parse_webhook(
        self, url: str, headers: Mapping[str, str], raw_body: bytes, now: datetime
    ) -> list[ProviderEvent]:
        """Events of a signed call; TidingsError for one that is forged, old or cannot be read (R40)."""
        verify(self.config.webhook_public_key, headers, raw_body, now)
        return read_events(raw_body)

    async def close(self) -> None:
        if "_threads" in self.__dict__:
            self.__dict__.pop("_threads").shutdown(wait=False, cancel_futures=True)

    async def _send_request(
        self, group: Sequence[Outgoing], stopped: list[str], *, again: bool = True
    ) -> list[Outcome]:
        """The outcomes of one request; `stopped`, shared by the batch, says why all must wait."""
        async with self._slots:
            if stopped:
                return everybody(group, "later", stopped[0], MISCONFIGURED)
            work = self._threads.submit(self._post, request_body(group))
            try:
                # Sockets have the same time-out, but for each read: a server that drips would never meet it.
                reply = await asyncio.wait_for(asyncio.wrap_future(work), self.config.timeout)
            except Exception as error:  # noqa: BLE001 - what is not known to be harmless is in doubt (R06)
                return without_reply(group, error, work)
        if reply.status_code in REFUSED and len(group) > 1:
            return await self._send_the_others(group, reply, stopped, again=again)
        found = outcomes(group, reply)
        if reply.status_code in WHOLE_ACCOUNT:
            stopped.append(found[0].detail)
        return found

    async def _send_the_others(
        self, group: Sequence[Outgoing], reply: Any, stopped: list[str], *, again: bool
    ) -> list[Outcome]:
        """After a refusal, of which nothing was sent: whom it names is refused, and the others go once more.

        Where it names nobody, or again somebody, each goes alone: one recipient's failure is nobody else's.
        """
        bad = named(reply, len(group)) if again else {}
        if not bad:
            alone = await asyncio.gather(*(self._send_request([outgoing], stopped) for outgoing in group))
            return [outcome for answers in alone for outcome in answers]
        refused = [answer(group[place], "refused", words) for place, words in bad.items()]
        others = [outgoing for place, outgoing in enumerate(group) if place not in bad]
        return [*refused, *(await self._send_request(others, stopped, again=False) if others else [])]

    def _post(self, body: dict[str, Any]) -> Any:
        """The library's response, or its exception for any other status: both have code, headers and body."""
        from python_http_client.exceptions import HTTPError
        from sendgrid import SendGridAPIClient

        client = SendGridAPIClient(self.config.api_key.get_secret_value(), host=self.config.host).client
        try:
            return client.mail.send.post(request_body=body, timeout=self.config.timeout)
        except HTTPError as error:
            return error
