"""What every noun shares."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Noun(BaseModel):
    """A value read from a file or handed between layers: frozen, and no key it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Shape(BaseModel):
    """What a `--json` command prints: a tested contract, so no key comes or goes unnoticed."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
