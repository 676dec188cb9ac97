"""Bounces of our own SMTP: delivery reports, bounces in plain words and complaints, as a return path gets them.

Each says which message it is about (its send_key), what became of it, and whether the address itself is at fault.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Literal, NamedTuple

from pydantic import AwareDatetime

from tidings.model.base import Noun
from tidings.model.delivery import EventKind, ProviderEvent, impersonal
from tidings.providers.bounce_rules import judge
from tidings.providers.bounce_text import Mail, field_blocks, read_mail

Kind = Literal["hard", "soft", "delayed", "delivered", "complained", "other"]

EVENTS: dict[Kind, EventKind] = {
    "hard": "bounced",
    "soft": "bounced",
    "delayed": "deferred",
    "delivered": "delivered",
    "complained": "complained",
}
# "deliverable" is Postfix's answer to a probe, which delivers nothing; every other action is a failure.
ACTIONS: dict[str, Kind] = {
    "delayed": "delayed",
    "delivered": "delivered",
    "deliverable": "other",
    "relayed": "other",
    "expanded": "other",
}
# What a feedback report may also be (RFC 6430, RFC 6591): neither is a complaint.
NO_COMPLAINT = frozenset({"not-spam", "auth-failure"})
MAX_WORDS = 4_000
MAX_RECIPIENTS = 100

_SEND_KEY = "[0-9a-f]{32}"
_ADDRESS = re.compile(r"[^\s<>@\"',;:()\[\]|]{1,64}@[A-Za-z0-9.-]{1,255}")
_LISTED = re.compile(r"[>\s*]{0,12}(\d{3} )?[\"<]{0,2}(" + _ADDRESS.pattern + ")")
_VERP = re.compile(rf"\+({_SEND_KEY})@", re.IGNORECASE)
_OWN_HEADER = re.compile(rf"(?im)^[> \t]{{0,8}}(?:x-tidings-key:\s{{0,8}}|message-id:\s{{0,8}}<)({_SEND_KEY})\b")
_REFERENCE = re.compile(rf"<({_SEND_KEY})@", re.IGNORECASE)
_DIAGNOSTIC_TYPE = re.compile(r"[\w-]{1,40};")

_DAEMON = re.compile(r"mailer-?daemon|post_?master|mail[. ]deliver", re.IGNORECASE)
_NUMBER = re.compile(r"\b[45]\d\d[ -]|\b[45]\.\d\.\d")
_DELAYED = re.compile(
    r"(?:has been|is) delayed|warning message only|still being retried|will be retried", re.IGNORECASE
)
_AUTOMATIC = re.compile(r"auto(?:matic)?[- ]?(?:reply|response)|out of (?:the )?office|vacation", re.IGNORECASE)
_COMPLAINT = re.compile(r"\s{0,9}complaint about message from", re.IGNORECASE)  # Microsoft's loop, which is no ARF


class Bounce(Noun):
    """One recipient's fate as one incoming mail tells it.

    `hard` means that the address is at fault; `soft` that this message was refused, for now or for what it is.
    `other` is no bounce: an automatic reply, or a message handed on. `status` is an enhanced code (RFC 3463).
    `event_id` is the same however often the mail is read. `occurred_at` is what the mail claims, if it does.
    """

    kind: Kind
    event_id: str
    status: str | None = None
    recipient: str | None = None
    send_key: str | None = None
    detail: str = ""
    occurred_at: AwareDatetime | None = None


class _Fate(NamedTuple):
    kind: Kind
    recipient: str = ""
    status: str | None = None
    words: str = ""
    moment: datetime | None = None


def parse_bounce(raw: bytes) -> list[Bounce]:
    """What one mail says became of our messages; empty where it is an ordinary mail, or no mail at all."""
    mail = read_mail(raw)
    send_key = _send_key(mail)
    sent = _moment(mail.header("date"))
    # Not the whole header, in which mail readers make their marks, nor the empty lines between an mbox's messages.
    whole = hashlib.sha256(mail.header("message-id").encode() + b"\0" + mail.body.rstrip()).digest()
    return [
        Bounce(
            kind=fate.kind,
            event_id=hashlib.sha256(whole + fate.recipient.lower().encode()).hexdigest(),
            status=fate.status,
            recipient=fate.recipient or None,
            send_key=send_key,
            detail=_detail(fate),
            occurred_at=fate.moment or sent,
        )
        for fate in islice(_fates(mail), MAX_RECIPIENTS)
    ]


def to_events(bounces: Iterable[Bounce], now: datetime, provider: str = "smtp") -> list[ProviderEvent]:
    """The events of those bounces that are about a message of ours; none of automatic replies.

    A bounce that claims no time, or one to come, happened `now`.
    """
    return [
        ProviderEvent(
            provider=provider,
            event_id=bounce.event_id,
            kind=EVENTS[bounce.kind],
            occurred_at=min(bounce.occurred_at or now, now),
            send_key=bounce.send_key,
            permanent=bounce.kind == "hard",
            detail=bounce.detail,
        )
        for bounce in bounces
        if bounce.send_key and bounce.kind in EVENTS
    ]


def verp_key(addresses: str) -> str | None:
    """The send_key in the first of these addresses that holds one, in lower case."""
    match = _VERP.search(addresses)
    return match[1].lower() if match else None


def _send_key(mail: Mail) -> str | None:
    """The return path first: whoever mangles what they return still had to address the bounce."""
    if to := verp_key(mail.header("to", "delivered-to", "x-original-to", "envelope-to")):
        return to
    quoted = _OWN_HEADER.search(mail.returned) or _OWN_HEADER.search(mail.text)
    match = quoted or _REFERENCE.search(mail.header("in-reply-to", "references"))
    if match:
        return match[1].lower()
    # A complaint that was stripped of what identifies the message still tells its return path.
    return verp_key("\n".join(block.get("original-mail-from", "") for block in mail.blocks))


def _fates(mail: Mail) -> Iterator[_Fate]:
    feedback = next((block for block in mail.blocks if "feedback-type" in block), None)
    reports = _reports(mail)
    if feedback:
        yield from _complaints(feedback)
    elif _COMPLAINT.match(mail.header("subject")) and mail.returned:
        yield _Fate("complained", words=mail.header("subject"))
    elif reports:
        listed = _listed(mail.text)
        for block in reports:
            yield _reported(block, mail.text if len(reports) == 1 else listed.get(_recipient(block).lower(), ""))
    elif _is_automatic(mail):
        yield _Fate("other")
    elif _is_bounce(mail):
        yield from _told(mail)


def _complaints(block: dict[str, str]) -> Iterator[_Fate]:
    kind: Kind = "other" if block["feedback-type"].lower() in NO_COMPLAINT else "complained"
    for recipient in _ADDRESS.findall(block.get("original-rcpt-to", "")) or [""]:
        yield _Fate(kind, recipient, words=f"feedback report: {block['feedback-type']}")


def _reports(mail: Mail) -> list[dict[str, str]]:
    """The groups of fields about a recipient; a gateway may have wrapped the report into a message of its own."""
    blocks = mail.blocks or (field_blocks(mail.returned) if _is_bounce(mail) else [])
    return [block for block in blocks if block.keys() & {"final-recipient", "original-recipient"}]


def _reported(block: dict[str, str], context: str) -> _Fate:
    """One recipient of a delivery status notification (RFC 3464)."""
    said = _DIAGNOSTIC_TYPE.sub("", block.get("diagnostic-code", ""), count=1).strip()
    verdict = judge(block.get("status", ""), said, context)
    action = block.get("action", "").lower().partition(" ")[0]
    kind = ACTIONS.get(action, "hard" if verdict.hard else "soft")
    return _Fate(kind, _recipient(block), verdict.status, said or context, _moment(block.get("last-attempt-date", "")))


def _told(mail: Mail) -> Iterator[_Fate]:
    """The recipients of a bounce in plain words, or one without a name."""
    delayed = _DELAYED.search(f"{mail.header('subject')}\n{mail.text}")
    listed = _listed(mail.text) or {"": mail.text}
    for recipient, words in listed.items():
        verdict = judge("", words, mail.text if len(listed) == 1 else "")
        yield _Fate("delayed" if delayed else "hard" if verdict.hard else "soft", recipient, verdict.status, words)


def _is_automatic(mail: Mail) -> bool:
    """Whether a person's mailbox answered by itself (RFC 3834); mail servers mark their bounces so too."""
    marked = mail.header("auto-submitted").lower().startswith("auto-replied")
    return not _DAEMON.search(mail.header("from")) and bool(marked or _AUTOMATIC.search(mail.header("subject")))


def _is_bounce(mail: Mail) -> bool:
    nobody = mail.header("return-path").strip() == "<>" and _NUMBER.search(mail.text)
    return bool(_DAEMON.search(mail.header("from")) or mail.header("x-failed-recipients") or nobody)


def _listed(text: str) -> dict[str, str]:
    """Address → the lines that begin with it and those below it, for a report in plain words."""
    found: dict[str, str] = {}
    current = command = ""
    for line in text.splitlines():
        listed = _LISTED.match(line)
        if line.startswith(">>>"):
            command = line
        if listed:
            current = listed[2].lower()
        if current and line.strip() and len(found.get(current, "")) < MAX_WORDS:
            said = f"{command}\n{line}" if listed and listed[1] else line
            found[current] = f"{found.get(current, '')}\n{said}"[:MAX_WORDS]
        if listed and listed[1]:  # a line of a transcript is about its recipient alone
            current = ""
    return found


def _recipient(block: dict[str, str]) -> str:
    found = (_ADDRESS.search(block.get(name, "")) for name in ("final-recipient", "original-recipient"))
    return next((match[0] for match in found if match), "")


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text.partition("\n")[0].partition("(")[0].strip()[:60])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _detail(fate: _Fate) -> str:
    """What the server said, without any address, nor the part before the @ that servers use as a user's name."""
    words = _ADDRESS.sub("(address)", fate.words[:MAX_WORDS])
    local = fate.recipient.partition("@")[0]
    if local:
        words = re.sub(rf"(?<!\w){re.escape(local)}(?!\w)", "(recipient)", words, flags=re.IGNORECASE)
    return impersonal(words, fate.recipient)
