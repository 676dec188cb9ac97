"""What the settings say of customers: profit, share of wallet, what goes with what, and how far somebody has come."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from tidings.model.base import Noun
from tidings.model.scalars import Duration, Share, Span, Whole


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


class Mining(Noun):
    """Association rules for cross-sell; supports and confidences as shares of baskets."""

    level: Literal["category", "product"] = "category"
    min_support: Share = 0.01
    min_confidence: Share = 0.1
    max_length: Annotated[Whole, Field(ge=2, le=4)] = 2
    window: Span = timedelta(days=180)
    every: Duration = timedelta(days=7)
    replenish: Duration = timedelta(days=14)


class Ladder(Noun):
    """How far a customer has come (`level`), and how they are doing by their own rhythm (`status`).

    `at_risk`, `lapsed` and `lost` are multiples of the customer's own average gap between orders.
    """

    loyal_orders: Annotated[Whole, Field(ge=2)] = 5
    loyal_within: Span = timedelta(days=365)
    advocate: str | None = None
    usual_gap: Span = timedelta(days=30)
    shortest_gap: Span = timedelta(days=7)
    at_risk: Annotated[Whole, Field(ge=1)] = 2
    lapsed: Annotated[Whole, Field(ge=1)] = 3
    lost: Annotated[Whole, Field(ge=1)] = 6
    won_back: Span = timedelta(days=90)

    @model_validator(mode="after")
    def _in_order(self) -> Ladder:
        if not self.at_risk < self.lapsed < self.lost:
            raise ValueError("`at_risk`, `lapsed` and `lost` do not rise; write such as at_risk: 2, lapsed: 3, lost: 6")
        return self
