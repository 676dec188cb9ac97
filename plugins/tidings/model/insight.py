"""What the settings say of profit and of the share of wallet."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from tidings.model.base import Noun
from tidings.model.scalars import Share, Span


class Profit(Noun):
    """Which time the profit of customers is of: the months, quarters and years of costs that ended `within` it."""

    within: Span = timedelta(days=365)


class Wallet(Noun):
    """Where the share of wallet comes from; what each source needs is in value.md."""

    source: Literal["survey", "rank", "peers"]
    columns: Annotated[list[str], Field(min_length=1)]
    quantile: Share = 0.9

    @model_validator(mode="after")
    def _enough(self) -> Wallet:
        there = len(self.columns)
        wanted = {"survey": 1, "rank": 2}.get(self.source, there)
        if there != wanted:
            raise ValueError(f"`columns` of the source {self.source} are {wanted}, not {there}; name {wanted}")
        return self
