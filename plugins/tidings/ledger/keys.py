"""Random keys: 128 bits, without meaning."""

from __future__ import annotations

import re
import secrets

_KEY = re.compile(r"[0-9a-f]{32}")


def random_key() -> str:
    """32 hexadecimal digits from the system's generator (R13)."""
    return secrets.token_hex(16)


def is_key(text: str) -> bool:
    """Whether a text from outside can be one of our keys."""
    return _KEY.fullmatch(text) is not None
