"""What the engine hands to a provider and what it gets back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from pydantic import AwareDatetime, Field

from tidings.model.base import Noun

MAX_DETAIL = 300
OPENED_BY_MACHINE = "opened_by_machine"
"""The kind of a touch that nobody made: a mail scanner has opened the message (R37)."""

EventKind = Literal["accepted", "delivered", "bounced", "deferred", "complained", "opened", "clicked", "unsubscribed"]


class Attachment(Noun):
    """A file that goes with a message; with a `content_id` it is a picture inside the HTML."""

    name: str
    media_type: str
    content: bytes
    content_id: str | None = None


class Skeleton(Noun):
    """What messages have in common: the content with a tag in each place of a person's own words.

    The tags' names are random, so that nobody's words hold one. Equal ids are equal skeletons.
    """

    id: str
    subject: str
    html: str | None
    text: str

    def filled(self, holes: Mapping[str, str]) -> tuple[str, str | None, str]:
        """Subject, HTML and text with each tag replaced by its value."""
        tag = re.compile("|".join(map(re.escape, holes)) or "(?!)")

        def fill(part: str) -> str:
            return tag.sub(lambda match: holes[match[0]], part)

        return fill(self.subject), None if self.html is None else fill(self.html), fill(self.text)


class Outgoing(Noun):
    """One message ready to leave: rendered, addressed, with its random `send_key`.

    For a provider that `substitutes` it may also come as a `skeleton` with its `holes` (tag → value, escaped where it
    stands in HTML), which filled in are the same message.
    """

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
    skeleton: Skeleton | None = None
    holes: dict[str, str] = Field(default={})


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


class Schedule(NamedTuple):
    """When messages leave that their provider has already, and the id under which it can be told to discard them."""

    batch_id: str
    send_at: datetime


class ProviderEvent(Noun):
    """A fact about a sent message, from a provider, a click or an unsubscribe link.

    A bounce is `permanent` where the address itself is at fault; only such a one suppresses it. A full mailbox, a
    block for reputation or for content is not (R36).
    """

    provider: str
    event_id: str
    kind: EventKind
    occurred_at: AwareDatetime
    send_key: str | None = None
    machine: bool = False
    permanent: bool = False
    detail: str = ""


def impersonal(text: str, address: str) -> str:
    """`text` on one line, without the address in either of its spellings, and no longer than a detail may be.

    Servers like to quote the address, with an international domain as it was sent: in ASCII (R53).
    """
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    local, at, domain = address.rpartition("@")
    spellings = {address}
    with suppress(UnicodeError):
        spellings.add(local + at + domain.encode("idna").decode())
    for spelling in filter(None, spellings):
        line = re.sub(re.escape(spelling), "(recipient)", line, flags=re.IGNORECASE)
    return line[:MAX_DETAIL]


class Suppressed(NamedTuple):
    """An address that a provider will not write to, and why; the event itself holds nothing personal (R13)."""

    address: str
    event: ProviderEvent
