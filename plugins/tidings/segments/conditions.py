"""The built-in named conditions.

Each declares the aggregate it needs and asks about it; literals stay out of the SQL (R50): texts go into the aggregate,
where they are bound, and the column is named by a hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from tidings.model.base import Noun
from tidings.model.delivery import OPENED_BY_MACHINE
from tidings.model.scalars import Name, Span, Whole
from tidings.model.seams import Condition
from tidings.segments.columns import digest, segment_column

if TYPE_CHECKING:
    import ibis.expr.types as ir


def moment(at: datetime) -> str:
    """A typed literal of a moment that we computed."""
    return f"TIMESTAMPTZ '{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'"


def since(column: str, within: timedelta | None, now: datetime) -> str:
    """Whether the moment in `column` lies within a time before `now`, or is known at all."""
    return f'"{column}" IS NOT NULL' if within is None else f'"{column}" >= {moment(now - within)}'


def _equal(table: ir.Table, asked: Mapping[str, str | None]) -> ir.BooleanColumn | None:
    """Whether a row has all the values that are asked for; None where none is."""
    wanted = [table[column] == value for column, value in asked.items() if value is not None]
    return reduce(lambda left, right: left & right, wanted) if wanted else None


class Bought(Condition):
    """Bought something of a category, a product (its id), or anything, within a time."""

    name: ClassVar[str] = "bought"

    class Config(Noun):
        """What YAML may say of it."""

        category: str | None = None
        product: str | None = None
        within: Span | None = None

    config: Config

    @property
    def column(self) -> str:
        return f"bought__{digest([self.config.category, self.config.product])}"

    def aggregates(self, tables: Mapping[str, ir.Table], now: datetime) -> dict[str, ir.Column]:
        lines = tables["order_lines"]
        asked = {"category": self.config.category, "product_id": self.config.product}
        return {self.column: lines.ordered_at.max(where=_equal(lines, asked))}

    def sql(self, now: datetime) -> str:
        return since(self.column, self.config.within, now)


class Ordered(Condition):
    """Placed at least so many orders within a time; an order that was returned or cancelled does not count."""

    name: ClassVar[str] = "ordered"

    class Config(Noun):
        """What YAML may say of it."""

        within: Span | None = None
        at_least: Annotated[Whole, Field(ge=1)] = 1

    config: Config

    @property
    def column(self) -> str:
        span = None if self.config.within is None else self.config.within.total_seconds()
        return f"ordered__{digest(span)}"

    def aggregates(self, tables: Mapping[str, ir.Table], now: datetime) -> dict[str, ir.Column]:
        import ibis

        if self.config.within is None or self.config.at_least == 1:
            return {}
        orders = tables["orders"]
        lately = orders.ordered_at >= ibis.literal(now - self.config.within, type="timestamp('UTC', 6)")
        return {self.column: orders.count(where=lately)}

    def sql(self, now: datetime) -> str:
        if self.config.at_least == 1:
            return since("last_order_at", self.config.within, now)
        column = "orders" if self.config.within is None else self.column
        return f'"{column}" >= {self.config.at_least}'


class InSegment(Condition):
    """Is in another segment."""

    name: ClassVar[str] = "in_segment"

    class Config(Noun):
        """What YAML may say of it."""

        segment: Name

    config: Config

    def sql(self, now: datetime) -> str:
        return f'"{segment_column(self.config.segment)}"'


class Touched(Condition):
    """Something between us and the person, kept in the ledger; what a machine did does not count (R37)."""

    ledger: ClassVar[bool] = True

    class Config(Noun):
        """What YAML may say of it."""

        step: Name | None = None
        campaign: Name | None = None
        within: Span | None = None

    config: Config

    @property
    def column(self) -> str:
        return f"{self.name}__{digest([self.config.campaign, self.config.step])}"

    @property
    def kinds(self) -> tuple[str, ...]:
        return (self.name,)

    def aggregates(self, tables: Mapping[str, ir.Table], now: datetime) -> dict[str, ir.Column]:
        touches = tables["touches"]
        where = touches["kind"].isin(self.kinds)
        asked = _equal(touches, {"campaign": self.config.campaign, "step": self.config.step})
        return {self.column: touches["at"].max(where=where if asked is None else where & asked)}

    def sql(self, now: datetime) -> str:
        return since(self.column, self.config.within, now)


class Received(Touched):
    """Was sent a message of a campaign or step; who was held out counts too, so that both arms are treated alike."""

    name: ClassVar[str] = "received"


class Opened(Touched):
    """Opened a message of a campaign or step."""

    name: ClassVar[str] = "opened"


class OpenedAtAll(Opened):
    """Opened by the person or by a machine: `not: opened` holds where neither did."""

    @property
    def column(self) -> str:
        return f"opened__at_all_{digest([self.config.campaign, self.config.step])}"

    @property
    def kinds(self) -> tuple[str, ...]:
        return ("opened", OPENED_BY_MACHINE)


class Clicked(Touched):
    """Clicked a link in a message of a campaign or step."""

    name: ClassVar[str] = "clicked"


NEGATED: Mapping[type[Condition], type[Condition]] = {Opened: OpenedAtAll}
"""What `not` is the complement of, where that is more than what the condition itself holds for."""
