"""What the engine hands to a provider and what it gets back."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import AwareDatetime, Field

from tidings.model.base import Noun

EventKind = Literal["accepted", "delivered", "bounced", "deferred", "complained", "opened", "clicked", "unsubscribed"]


class Attachment(Noun):
    """A file that goes with a message; with a `content_id` it is a picture inside the HTML."""

    name: str
    media_type: str
    content: bytes
    content_id: str | None = None


class Outgoing(Noun):
    """One message ready to leave: rendered, addressed, with its random `send_key`."""

    send_key: str
    channel: str
    to: str
    sender: str
    sender_name: str = ""
    reply_to: str | None = None
    subject: str = ""
    html: str | None = None
    text: str
    headers: dict[str, str] = Field(default={})
    attachments: tuple[Attachment, ...] = ()


class Outcome(Noun):
    """What a provider said of one message.

    `accepted` and `refused` are final; `later` is an explicit refusal to be tried again after `retry_after`;
    `unknown` means that nobody knows, and makes the message in doubt.
    """

    send_key: str
    status: Literal["accepted", "refused", "later", "unknown"]
    provider_id: str | None = None
    detail: str = ""
    retry_after: timedelta | None = None


class ProviderEvent(Noun):
    """A fact about a sent message, from a provider, a click or an unsubscribe link."""

    provider: str
    event_id: str
    kind: EventKind
    occurred_at: AwareDatetime
    send_key: str | None = None
    machine: bool = False
    detail: str = ""
