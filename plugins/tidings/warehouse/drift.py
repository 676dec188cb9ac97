"""What became of the company's tables since the last refresh: columns that came, went, or have another type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Schema = Mapping[str, Mapping[str, str]]
"""Table → column → type, as the engine says it; a table that is not there is not in it."""


@dataclass(frozen=True)
class Change:
    """One column of a source table; `was` and `now` are types, None where there was or is none.

    Without `column` it is an optional table as a whole.
    """

    table: str
    column: str | None
    was: str | None
    now: str | None

    def __str__(self) -> str:
        name = f"the table {self.table}" if self.column is None else f"{self.table}.{self.column}"
        if self.was is None:
            return f"{name} is new" + (f" ({self.now})" if self.now else "")
        if self.now is None:
            return f"{name} is gone" + (f" ({self.was})" if self.was else "")
        return f"{name} was {self.was} and is {self.now}"


def changes(before: Schema, after: Schema) -> list[Change]:
    """What differs, in alphabetical order; a whole table says nothing of its columns."""
    found: list[Change] = []
    for table in sorted({*before, *after}):
        if table not in before or table not in after:
            was, now = ("", None) if table in before else (None, "")
            found.append(Change(table, None, was, now))
            continue
        old, new = before[table], after[table]
        names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        found += [Change(table, name, old.get(name), new.get(name)) for name in names]
    return found
