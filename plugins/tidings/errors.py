"""What goes wrong, said so that the reader can mend it: a reason, a fix and a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, order=True)
class Where:
    """A place in a file; line and column count from 1, None where unknown."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


class TidingsError(Exception):
    """One mistake: `reason` says what is wrong, `fix` what to do, `where` the place in a file if there is one."""

    def __init__(self, reason: str, fix: str = "", where: Where | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix
        self.where = where

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return place + "; ".join(part for part in (self.reason, self.fix) if part)


class ProjectErrors(TidingsError):
    """Several mistakes found in one reading of a workspace, in file order."""

    def __init__(self, errors: Sequence[TidingsError]) -> None:
        self.errors = sorted(errors, key=_in_file_order)
        count = len(self.errors)
        super().__init__(f"{count} mistake{'s' if count != 1 else ''} in the workspace", "run `tidings check`")

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


def _in_file_order(error: TidingsError) -> tuple[str, int, int]:
    where = error.where or Where("")
    return where.file, where.line or 0, where.column or 0


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A sentence for a fix: the nearest known word, or the list of known words when none is near."""
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(sorted(known))}" if known else "none is defined yet"
