"""A bounce taken apart: its header, what it says, its fields of RFC 3464, and what it gives back of our message.

Mail servers write bounces as they please, often with broken MIME, and strangers write to a return path. So this
reads bytes and lines itself: bounded in size, depth and number of parts, linear in time, and never an exception.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MAX_MESSAGE = 1_000_000
MAX_DEPTH = 6
MAX_PARTS = 100
MAX_HEADERS = 1_000
MAX_VALUE = 4_000

RETURNED = frozenset("message/rfc822 message/global text/rfc822-headers message/rfc822-headers".split())
FIELDS = frozenset("message/delivery-status message/global-delivery-status message/feedback-report".split())

_HEADER = re.compile(r"([!-9;-~]{1,80})[ \t]{0,8}:(.*)")
_MEDIA = re.compile(r"\s{0,80}([a-z]{1,40}/[a-z0-9.+-]{1,80})")
_BOUNDARY = re.compile(r"""boundary\s{0,9}=\s{0,9}(?:"([^"]{1,200})"|([^\s";]{1,200}))""", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,4000}>")
_FIELD = re.compile(
    r"[>\s]{0,8}(final-recipient|original-recipient|action|status|diagnostic-code|last-attempt-date"
    r"|feedback-type|original-rcpt-to|original-mail-from)[ \t]{0,8}:(.*)",
    re.IGNORECASE,
)
# Where a report in plain words ends and the returned message begins: a line that says so, or its first header.
_RETURNED_FROM = re.compile(
    r"[ \t>|]{0,8}(?:[-=]{2,80}[ \t]{0,8})?(?:"
    r"(?:included is|enclosed is|this is|below is|below this line is) (?:a|the) copy of (?:the|your)"
    r"|(?:the header of )?(?:the )?original (?:message|mail)(?:[ \w]{0,20}follow| headers:|[ \t]{0,4}-)"
    r"|message (?:headers|text|header) follow|unsent message follow|returned message[ \t]{0,4}-"
    r"|(?:received|return-path|dkim-signature|x-originating-ip):)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Mail:
    """One incoming message; `blocks` are its groups of RFC 3464 or RFC 5965 fields, names in lower case."""

    headers: dict[str, str]
    body: bytes
    text: str
    blocks: list[dict[str, str]]
    returned: str

    def header(self, *names: str) -> str:
        """The values of these header fields, one a line."""
        return "\n".join(self.headers[name] for name in names if name in self.headers)


@dataclass(frozen=True)
class _Part:
    media: str
    text: str


def read_mail(raw: bytes) -> Mail:
    """Take the first megabyte of a message apart; any bytes will do."""
    head, body = _split(raw[:MAX_MESSAGE].replace(b"\r\n", b"\n"))
    headers = _headers(head)
    parts = _parts(headers, body, MAX_DEPTH)[:MAX_PARTS]
    plain = any(part.media == "text/plain" and part.text.strip() for part in parts)
    text, returned, blocks = [], [], []
    for part in parts:
        if part.media in RETURNED:
            returned.append(part.text)
        elif part.media in FIELDS:
            blocks += field_blocks(part.text)
        elif part.media == "text/html" and not plain:
            text += _TAG.sub(" ", part.text).splitlines()
        elif part.media.startswith(("text/plain", "multipart/")):
            lines = part.text.splitlines()
            end = next((number for number, line in enumerate(lines) if _RETURNED_FROM.match(line)), len(lines))
            text += lines[:end]
            returned.append("\n".join(lines[end:]))
    said = "\n".join(text)
    return Mail(headers, body, said, blocks or field_blocks(said), "\n".join(returned))


def _split(message: bytes) -> tuple[bytes, bytes]:
    if message.startswith(b"\n"):
        return b"", message[1:]
    head, _, body = message.partition(b"\n\n")
    return head, body


def _headers(head: bytes) -> dict[str, str]:
    """Lower-case name → value, unfolded; the values of a repeated field one a line."""
    found: dict[str, str] = {}
    name = ""
    for line in head.decode("utf-8", "replace").split("\n", MAX_HEADERS)[:MAX_HEADERS]:
        field = _HEADER.match(line)
        if line[:1] in " \t" and name:
            found[name] = (found[name] + " " + line.strip())[:MAX_VALUE]
        elif field:
            name, value = field[1].lower(), field[2].strip()
            found[name] = (f"{found[name]}\n{value}" if name in found else value)[:MAX_VALUE]
        else:
            name = ""
    return found


def _parts(headers: dict[str, str], body: bytes, depth: int) -> list[_Part]:
    """The leaves of a message in their order; a multipart without its boundary is one text."""
    content_type = headers.get("content-type", "")
    found = _MEDIA.match(content_type.lower())
    media = found[1] if found else "text/plain"
    boundary = _BOUNDARY.search(content_type) if media.startswith("multipart/") else None
    if boundary and depth:
        mark = re.escape((boundary[1] or boundary[2]).encode())
        preamble, *pieces = re.split(
            rb"\n--" + mark + rb"(?:--)?[ \t]{0,80}(?=\n|\Z)", b"\n" + body, maxsplit=MAX_PARTS
        )
        if pieces:
            parts = [_Part("text/plain", _decoded({}, preamble))]
            for piece in pieces:
                head, inner = _split(piece.removeprefix(b"\n"))
                if len(parts) < MAX_PARTS:
                    parts += _parts(_headers(head), inner, depth - 1)
            return parts
    if not media.startswith(("text/", "message/", "multipart/")):
        return []
    return [_Part(media, _decoded(headers, body))]


def _decoded(headers: dict[str, str], body: bytes) -> str:
    """The text of a part. The words looked for are ASCII, which every usual charset leaves as they are."""
    encoding = headers.get("content-transfer-encoding", "").strip().lower()
    if encoding == "quoted-printable":
        body = binascii.a2b_qp(body)
    elif encoding == "base64":
        try:
            body = binascii.a2b_base64(body)
        except binascii.Error:
            body = b""
    return body.decode("utf-8", "replace").replace("\r\n", "\n")


def field_blocks(text: str) -> list[dict[str, str]]:
    """Groups of fields, each about one recipient; a blank line, or a field that comes again, begins the next."""
    return [block for block in _grouped(text.splitlines()) if len(block) > 1 or "feedback-type" in block]


def _grouped(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    block: dict[str, str] = {}
    name = ""
    for line in lines:
        field = _FIELD.match(line)
        if field:
            name, value = field[1].lower(), field[2].strip()
            if name == "original-rcpt-to" and name in block:  # RFC 5965 lets it repeat
                value = f"{block[name]}\n{value}"
            elif name in block:
                yield block
                block = {}
            block[name] = value[:MAX_VALUE]
        elif not line.strip():
            yield block
            block, name = {}, ""
        elif name and line[0] in " \t":
            block[name] = f"{block[name]} {line.strip()}"[:MAX_VALUE]
        else:
            name = ""
    yield block
