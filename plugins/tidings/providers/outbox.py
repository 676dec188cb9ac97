"""The provider that reaches nobody: every message becomes a file, to be opened and counted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tidings.errors import TidingsError
from tidings.model.base import Noun
from tidings.model.delivery import Outcome, Outgoing
from tidings.model.seams import Provider
from tidings.providers.answers import answer
from tidings.providers.mime import KEY_HEADER, build_mime, check_fields, utf8

_CHANNEL = re.compile(r"[a-z][a-z0-9_]*")


class OutboxConfig(Noun):
    """The outbox needs no settings."""


class Outbox(Provider):
    """Writes `<root>/.tidings/outbox/<channel>/<send_key>.eml`, or .txt where the channel is not e-mail.

    A key is written once: a second message with it is refused, and that is how a test sees a duplicate.
    """

    name = "outbox"
    channel = None
    real = False
    Config = OutboxConfig

    @property
    def folder(self) -> Path:
        """Where the messages are, a folder a channel."""
        return self.root / ".tidings" / "outbox"

    async def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        return [self._write(outgoing) for outgoing in batch]

    async def lookup(self, send_keys: Sequence[str]) -> list[Outcome]:
        """Accepted for every key whose file is complete; silent about the others."""
        kept = {path.stem for path in self.folder.glob("*/*") if path.suffix != ".part" and path.stat().st_size}
        return [Outcome(send_key=key, status="accepted", provider_id=key) for key in send_keys if key in kept]

    def _write(self, outgoing: Outgoing) -> Outcome:
        try:
            content = _content(outgoing)
        except TidingsError as error:
            return answer(outgoing, "refused", str(error))
        suffix = ".eml" if outgoing.channel == "email" else ".txt"
        path = self.folder / outgoing.channel / f"{outgoing.send_key}{suffix}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(exist_ok=False)
        except FileExistsError:
            return answer(outgoing, "refused", "already in the outbox")
        except OSError as error:
            return answer(outgoing, "later", f"the outbox cannot be written: {error.strerror}")
        # The empty file holds the key; the message appears under it whole or, after a crash, not at all.
        part = path.with_suffix(".part")
        try:
            part.write_bytes(content)
            part.replace(path)
        except OSError as error:
            return answer(outgoing, "unknown", f"the outbox cannot be written: {error.strerror}")
        return answer(outgoing, "accepted", provider_id=outgoing.send_key)


def _content(outgoing: Outgoing) -> bytes:
    if not _CHANNEL.fullmatch(outgoing.channel):
        raise TidingsError(f"{outgoing.channel!r} is not a channel", "use lower-case letters, digits and _")
    if outgoing.channel == "email":
        return build_mime(outgoing)
    check_fields(outgoing)
    fields = {
        "To": outgoing.to,
        "From": outgoing.sender_name or outgoing.sender,
        "Subject": outgoing.subject,
        KEY_HEADER: outgoing.send_key,
    }
    head = "".join(f"{name}: {value}\n" for name, value in fields.items() if value)
    return utf8(f"{head}\n{outgoing.text}\n")
