"""The names that conditions and their aggregates have as columns of people.parquet."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tidings.model.scalars import NAME


def segment_column(name: str) -> str:
    """The boolean column of a segment."""
    return f"in__{name}"


def known_column(name: str) -> str:
    """The column, in queries that count what is unknown, of a segment's answer in three-valued logic."""
    return f"known__{name}"


def condition_column(condition: Any) -> str:
    """The boolean column of a condition as YAML has it: `in__<name>` for a bare name, else `when__<hash>`."""
    if isinstance(condition, str) and NAME.fullmatch(condition.strip()):
        return segment_column(condition.strip())
    return f"when__{digest(condition)}"


def digest(value: Any) -> str:
    """16 hexadecimal digits of a value's canonical JSON: the same for the same meaning, whatever the key order."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def quoted(column: str) -> str:
    """A column's name as SQL has it."""
    escaped = column.replace('"', '""')
    return f'"{escaped}"'
