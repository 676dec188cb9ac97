"""The JSON of SendGrid's v3 mail/send: which messages go in one request, and what it says.

Messages with one skeleton differ in their holes only. They share a request in which each is a personalization with its
own address, headers, send_key and substitutions, which SendGrid fills in. Everything else goes alone, joined.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from tidings.errors import TidingsError
from tidings.model.delivery import Attachment, Outgoing, Schedule
from tidings.providers.mime import ascii_address, check_fields, utf8

# SendGrid's limits: personalizations a request, and bytes of substitutions each.
MAX_PERSONS = 1_000
MAX_SUBSTITUTIONS = 10_000


def check(outgoing: Outgoing) -> None:
    """TidingsError where a field cannot be written safely (R48), or SendGrid would refuse the message for sure."""
    check_fields(outgoing)
    for words in (
        outgoing.subject,
        outgoing.sender_name,
        outgoing.text,
        outgoing.html or "",
        *outgoing.headers.values(),
    ):
        utf8(words)
    for address in (outgoing.to, outgoing.sender, outgoing.reply_to):
        if address:
            ascii_address(address)
    if not outgoing.subject or not (outgoing.text or outgoing.html):
        raise TidingsError("SendGrid takes no message without subject and body", "give both in the template")


def requests(batch: Iterable[Outgoing]) -> list[list[Outgoing]]:
    """The messages of each request, in their order; an address stands in a request once."""
    alone: list[list[Outgoing]] = []
    shared: dict[Hashable, list[dict[str, Outgoing]]] = {}
    for outgoing in batch:
        if not _can_share(outgoing):
            alone.append([outgoing])
            continue
        of_a_kind = shared.setdefault(_kind(outgoing), [])
        address = ascii_address(outgoing.to).lower()
        for one in of_a_kind:
            if address not in one and len(one) < MAX_PERSONS:
                one[address] = outgoing
                break
        else:
            of_a_kind.append({address: outgoing})
    return [*alone, *(list(one.values()) for of_a_kind in shared.values() for one in of_a_kind)]


def request_body(group: Sequence[Outgoing], schedule: Schedule | None = None) -> dict[str, Any]:
    """The JSON of one request; several messages have one skeleton, a single one goes joined.

    The one custom argument is the send_key (R13); SendGrid's own tracking is off, because ours is signed.
    """
    from sendgrid.helpers.mail import BatchId, From, Mail, ReplyTo, SendAt

    first = group[0]
    content = first.skeleton if len(group) > 1 and first.skeleton else first
    mail = Mail(
        from_email=From(ascii_address(first.sender), first.sender_name or None),
        subject=content.subject,
        plain_text_content=content.text or None,
        html_content=content.html or None,
    )
    for place, outgoing in enumerate(group):
        # Without a place the library puts each before the others, and a refusal would name the wrong one.
        mail.add_personalization(_person(outgoing, substitute=content is not first), place)
    if first.reply_to:
        mail.reply_to = ReplyTo(ascii_address(first.reply_to))
    mail.tracking_settings = _no_tracking()
    for file in first.attachments:
        mail.add_attachment(_attachment(file))
    if schedule is not None:
        mail.batch_id = BatchId(schedule.batch_id)
        mail.send_at = SendAt(int(schedule.send_at.timestamp()))
    body: dict[str, Any] = mail.get()
    return body


def _can_share(outgoing: Outgoing) -> bool:
    """Whether its holes are small enough, and filled in give the very message: nothing else may be sent for it."""
    if outgoing.skeleton is None:
        return False
    try:
        size = sum(len(utf8(tag)) + len(utf8(value)) for tag, value in outgoing.holes.items())
    except TidingsError:
        return False
    message = outgoing.subject, outgoing.html, outgoing.text
    return size <= MAX_SUBSTITUTIONS and outgoing.skeleton.filled(outgoing.holes) == message


def _kind(outgoing: Outgoing) -> Hashable:
    skeleton = outgoing.skeleton.id if outgoing.skeleton else ""
    return skeleton, outgoing.sender, outgoing.sender_name, outgoing.reply_to, outgoing.attachments


def _person(outgoing: Outgoing, *, substitute: bool) -> Any:
    from sendgrid.helpers.mail import CustomArg, Header, Personalization, Substitution, To

    person = Personalization()
    person.add_to(To(ascii_address(outgoing.to)))
    for name, value in outgoing.headers.items():
        person.add_header(Header(name, value))
    person.add_custom_arg(CustomArg("send_key", outgoing.send_key))
    for tag, value in outgoing.holes.items() if substitute else ():
        person.add_substitution(Substitution(tag, value))
    return person


def _no_tracking() -> Any:
    from sendgrid.helpers.mail import ClickTracking, OpenTracking, SubscriptionTracking, TrackingSettings

    return TrackingSettings(
        click_tracking=ClickTracking(enable=False, enable_text=False),
        open_tracking=OpenTracking(enable=False),
        subscription_tracking=SubscriptionTracking(enable=False),
    )


def _attachment(one: Attachment) -> Any:
    from sendgrid.helpers.mail import Attachment as File
    from sendgrid.helpers.mail import ContentId, Disposition, FileContent, FileName, FileType

    file = File(FileContent(b64encode(one.content).decode()), FileName(one.name), FileType(one.media_type))
    file.disposition = Disposition("inline" if one.content_id else "attachment")
    if one.content_id:
        file.content_id = ContentId(one.content_id)
    return file
