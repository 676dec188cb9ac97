"""Read what a mail server has put into an mbox file or a Maildir; nothing is moved, marked or deleted."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from tidings.errors import TidingsError
from tidings.providers.bounce_text import MAX_MESSAGE

ONE_LINE = 65_536
SEEN = 4_096


@dataclass
class Mark:
    """How far an mbox has been read, as text: where it ended, and digests by which the same file is known again."""

    text: str | None = None


def read_mailbox(path: Path, mark: Mark | None = None) -> Iterator[bytes]:
    """Each message of an mbox or a Maildir once, as bytes, cut after `MAX_MESSAGE`.

    With a `mark` only what has been added to an mbox since, and the mark moves on at the end. A file that did not just
    grow, because it was rotated, cut or rewritten, is read whole.

    TidingsError where the path is neither, cannot be read, or is being written at this moment.
    """
    try:
        if (path / "cur").is_dir() and (path / "new").is_dir():
            yield from _maildir(path)
        elif path.is_file():
            with path.open("rb") as file:
                yield from _mbox(file, path, mark or Mark())
        else:
            raise TidingsError(
                f"{path} is neither an mbox file nor a Maildir", "give the file or folder of the bounces"
            )
    except OSError as error:
        raise TidingsError(f"{path} cannot be read: {error.strerror}", "let this user read the bounces") from error


def _maildir(path: Path) -> Iterator[bytes]:
    """`cur` after `new`: a message that is moved meanwhile keeps its name up to the colon, and is not lost."""
    seen: set[str] = set()
    for folder in ("new", "cur"):
        for message in sorted((path / folder).iterdir()):
            unique = message.name.partition(":")[0]
            if unique.startswith(".") or unique in seen:
                continue
            # Moved or deleted since the folder was listed: in `cur` by now, or nobody's any more.
            with contextlib.suppress(FileNotFoundError, IsADirectoryError), message.open("rb") as file:
                seen.add(unique)
                yield file.read(MAX_MESSAGE)


def _mbox(file: BinaryIO, path: Path, mark: Mark) -> Iterator[bytes]:
    """Messages part at a line `From `, the first one of the file or after an empty one."""
    end = _whole(file, path)
    file.seek(_known(file, end, mark))
    message: list[bytes] | None = None
    size, blank = 0, True
    while file.tell() < end and (line := file.readline(ONE_LINE)):
        if blank and line.startswith(b"From "):
            if message is not None:
                yield b"".join(message)[:MAX_MESSAGE]
            message, size = [], 0
        elif message is None:
            raise TidingsError(f"{path} is not an mbox: it does not begin with 'From '", "give an mbox or a Maildir")
        elif size < MAX_MESSAGE:
            message.append(line)
            size += len(line)
        blank = line in (b"\n", b"\r\n")
    if message is not None:
        yield b"".join(message)[:MAX_MESSAGE]
    mark.text = json.dumps(_digests(file, end)) if end else None


def _known(file: BinaryIO, end: int, mark: Mark) -> int:
    """Where what has not been read begins: at the mark in a file that only grew since, else at the beginning.

    Where the last message itself went on, all is read again.
    """
    known = json.loads(mark.text) if mark.text else {"end": end + 1}
    if known["end"] > end or known != _digests(file, known["end"]):
        return 0
    file.seek(known["end"])
    return int(known["end"]) if known["end"] == end or file.read(5) == b"From " else 0


def _digests(file: BinaryIO, end: int) -> dict[str, Any]:
    """The first and the last bytes before `end`, which a file that only grew still has there."""
    found: dict[str, Any] = {"end": end}
    for name, start in (("first", 0), ("last", max(0, end - SEEN))):
        file.seek(start)
        found[name] = hashlib.sha256(file.read(min(SEEN, end - start))).hexdigest()
    return found


def _whole(file: BinaryIO, path: Path) -> int:
    """The file's size at a moment when no mail server holds it, so that its last message is there to its end."""
    try:
        fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        raise TidingsError(f"{path} is being written", "read it again in a minute; nothing is lost") from error
    try:
        return os.fstat(file.fileno()).st_size
    finally:
        fcntl.lockf(file, fcntl.LOCK_UN)
