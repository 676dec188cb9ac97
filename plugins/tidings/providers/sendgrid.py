"""E-mail through SendGrid's v3 mail/send, in the official library's request format.

SendGrid has no idempotency key: only 202 says that a message was taken, only a plain refusal that it was not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator

from tidings.errors import TidingsError
from tidings.model.base import Noun
from tidings.model.delivery import Outcome, Outgoing, ProviderEvent, Schedule, Suppressed
from tidings.model.seams import Provider
from tidings.providers.answers import LOOPBACK, answer
from tidings.providers.sendgrid_answers import REFUSED, WHOLE_ACCOUNT, named, outcomes, without_reply
from tidings.providers.sendgrid_api import Api
from tidings.providers.sendgrid_control import check_sender, suppressions
from tidings.providers.sendgrid_events import read_events, verify
from tidings.providers.sendgrid_request import MAX_PERSONS, check, request_body, requests
from tidings.providers.sendgrid_schedule import cancel, create_schedule


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
    """Sends up to `connections` requests at once."""

    name = "sendgrid"
    channel = "email"
    max_batch = MAX_PERSONS
    substitutes = True
    cancels = timedelta(minutes=30)  # 20 at least; the rest is for a worker's lease, and a tick that cancels after it
    Config = SendGridConfig
    config: SendGridConfig

    def __init__(self, config: SendGridConfig, *, root: Path) -> None:
        super().__init__(config, root=root)
        self._api = Api(config.api_key, config.host, timeout=config.timeout, connections=config.connections)

    @property
    def loopback(self) -> bool:
        return urlsplit(self.config.host).hostname in LOOPBACK

    async def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        return await self._send(batch, None)

    async def _send(self, batch: Sequence[Outgoing], schedule: Schedule | None) -> list[Outcome]:
        found: list[Outcome] = []
        good: list[Outgoing] = []
        for outgoing in batch:
            try:
                check(outgoing)
                good.append(outgoing)
            except TidingsError as error:
                found.append(answer(outgoing, "refused", str(error)))
        stopped: list[str] = []
        for answers in await asyncio.gather(
            *(self._send_request(group, schedule, stopped) for group in requests(good))
        ):
            found += answers
        place = {outgoing.send_key: number for number, outgoing in enumerate(batch)}
        return sorted(found, key=lambda outcome: place[outcome.send_key])

    async def schedule(self, send_at: datetime, now: datetime) -> Schedule:
        return await create_schedule(self._api, send_at, now)

    async def send_scheduled(self, batch: Sequence[Outgoing], schedule: Schedule) -> list[Outcome]:
        return await self._send(batch, schedule)

    async def cancel(self, schedule: Schedule, now: datetime) -> bool:
        return await cancel(self._api, schedule, now)

    async def suppressions(self, since: datetime | None = None) -> list[Suppressed]:
        """Whom SendGrid will not mail, and why; TidingsError where it cannot be read."""
        return await suppressions(self._api, since)

    async def check_sender(self, address: str) -> None:
        """TidingsError unless SendGrid takes mail from that address."""
        await check_sender(self._api, address)

    def parse_webhook(
        self, url: str, headers: Mapping[str, str], raw_body: bytes, now: datetime
    ) -> list[ProviderEvent]:
        """Events of a signed call; TidingsError for one that is forged, old or cannot be read (R40)."""
        verify(self.config.webhook_public_key, headers, raw_body, now)
        return read_events(raw_body)

    async def close(self) -> None:
        self._api.close()

    async def _send_request(
        self, group: Sequence[Outgoing], schedule: Schedule | None, stopped: list[str], *, again: bool = True
    ) -> list[Outcome]:
        """The outcomes of one request; `stopped`, shared by the batch, says why all must wait."""
        try:
            body = request_body(group, schedule)
            reply = await self._api.call("post", "mail/send", body=body, unless=stopped)
        except Exception as error:  # noqa: BLE001 - what is not known to be harmless is in doubt (R06)
            return without_reply(group, error)
        if reply.status_code in REFUSED and len(group) > 1:
            return await self._send_the_others(group, schedule, reply, stopped, again=again)
        found = outcomes(group, reply)
        if reply.status_code in WHOLE_ACCOUNT:
            stopped.append(found[0].detail)
        return found

    async def _send_the_others(
        self, group: Sequence[Outgoing], schedule: Schedule | None, reply: Any, stopped: list[str], *, again: bool
    ) -> list[Outcome]:
        """After a refusal, of which nothing was sent: whom it names is refused, and the others go once more.

        Where it names nobody, or again somebody, each goes alone: one recipient's failure is nobody else's.
        """
        bad = named(reply, len(group)) if again else {}
        if not bad:
            alone = await asyncio.gather(*(self._send_request([one], schedule, stopped) for one in group))
            return [outcome for answers in alone for outcome in answers]
        refused = [answer(group[place], "refused", words) for place, words in bad.items()]
        others = [outgoing for place, outgoing in enumerate(group) if place not in bad]
        return [*refused, *(await self._send_request(others, schedule, stopped, again=False) if others else [])]
