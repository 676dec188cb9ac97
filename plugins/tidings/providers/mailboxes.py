"""Read what a mail server has put into an mbox file or a Maildir; nothing is moved, marked or deleted."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tidings.errors import TidingsError
from tidings.providers.bounce_text import MAX_MESSAGE

ONE_LINE = 65_536


def read_mailbox(path: Path) -> Iterator[bytes]:
    """Each message of an mbox or a Maildir once, as bytes, cut after `MAX_MESSAGE`.

    TidingsError where the path is neither, cannot be read, or is being written at this moment.
    """
    try:
        if (path / "cur").is_dir() and (path / "new").is_dir():
            yield from _maildir(path)
        elif path.is_file():
            with path.open("rb") as file:
                yield from _mbox(file, path)
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


def _mbox(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """Messages part at a line `From `, the first one of the file or after an empty one."""
    end = _whole(file, path)
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
