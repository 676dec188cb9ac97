"""Conditions about where a customer stands among all: the first by something, and the fifths of RFM."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from tidings.errors import did_you_mean
from tidings.model.base import Noun
from tidings.model.mistakes import Mistake
from tidings.model.scalars import Fifths, Share, Whole
from tidings.model.seams import Condition
from tidings.segments.columns import quoted

RANKED = ("number", "money", "time", "date")
"""The kinds of columns that have a highest value."""


class Top(Condition):
    """Is among the first of all customers by a number, money or time: so many, or a share of those who have one.

    Of equal ones the lower customer_id comes first; a share is rounded up to whole customers.
    """

    name: ClassVar[str] = "top"

    class Config(Noun):
        """What YAML may say of it."""

        by: str
        count: Annotated[Whole, Field(ge=1)] | None = None
        share: Annotated[Share, Field(gt=0)] | None = None

        @model_validator(mode="after")
        def _one(self) -> Top.Config:
            if (self.count is None) == (self.share is None):
                raise ValueError("it takes either `count` or `share`; write count: 100, or share: 10%")
            return self

    config: Config

    def mistakes(self) -> Iterator[Mistake]:
        columns = self.around.columns
        if columns is None:
            return
        kind = columns.get(self.config.by)
        ranked = [name for name, kind in columns.items() if kind in RANKED]
        if kind is None:
            yield Mistake(("by",), f"there is no column {self.config.by!r}", did_you_mean(self.config.by, ranked))
        elif kind not in RANKED:
            fix = "name a column of numbers, money or times, such as total_spend"
            yield Mistake(("by",), f"nobody is first by {self.config.by!r}, which holds {kind}", fix)

    def sql(self, now: datetime) -> str:
        column = quoted(self.config.by)
        rank = f"row_number() OVER (ORDER BY {column} DESC NULLS LAST, customer_id)"
        if self.config.share is None:
            return f"{column} IS NOT NULL AND {rank} <= {self.config.count}"
        part, whole = Decimal(repr(self.config.share)).as_integer_ratio()
        return f"{column} IS NOT NULL AND {rank} <= (count({column}) OVER () * {part} + {whole - 1}) // {whole}"


class Rfm(Condition):
    """Lies in these fifths of those who ordered, by last order, number of orders and money; 5 is the best."""

    name: ClassVar[str] = "rfm"

    class Config(Noun):
        """What YAML may say of it."""

        recency: Fifths | None = None
        frequency: Fifths | None = None
        money: Fifths | None = None

        @model_validator(mode="after")
        def _some(self) -> Rfm.Config:
            if self.recency is self.frequency is self.money is None:
                raise ValueError("it says nothing; write such as recency: 4-5")
            return self

    config: Config

    def sql(self, now: datetime) -> str:
        asked = {name: getattr(self.config, name) for name in ("recency", "frequency", "money")}
        return " AND ".join(
            f'"rfm_{name}" BETWEEN {fifths[0]} AND {fifths[1]}' for name, fifths in asked.items() if fifths is not None
        )
