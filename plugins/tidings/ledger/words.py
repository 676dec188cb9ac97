"""Text from outside, such as a server's answer, as every database takes it."""

from __future__ import annotations


def plain(text: str, size: int) -> str:
    """`text` cut to `size` characters, without NUL, which PostgreSQL refuses, and without halves of a character."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")[:size]
