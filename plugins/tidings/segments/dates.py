"""Conditions about a day to come: birthdays, and when somebody is due to buy again."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from tidings.model.base import Noun
from tidings.model.scalars import Days
from tidings.model.seams import Condition
from tidings.segments.columns import digest
from tidings.warehouse.days import local_day, today
from tidings.warehouse.rhythm import with_gaps

if TYPE_CHECKING:
    import ibis.expr.types as ir

LONGEST = 366
"""Days within which every birthday comes round."""

NEXT_DUE = "next_due"
"""The feature that holds when a customer buys next."""

PRIOR = 2
"""How many gaps of one's own the gap that is usual among all customers weighs as much as."""


class Ahead(Noun):
    """How far ahead the day lies: exactly `before` days (0 unless said), or at most `within`."""

    before: Days | None = None
    # `within` of other conditions looks back and must be there in a segment; this one looks ahead and need not.
    ahead: Days | None = Field(default=None, alias="within")

    @model_validator(mode="after")
    def _one(self) -> Ahead:
        if self.before is not None and self.ahead is not None:
            raise ValueError("it takes `before` or `within`, not both; remove one")
        return self

    @property
    def days(self) -> range:
        """The numbers of days from today that are asked for."""
        if self.ahead is not None:
            return range(self.ahead.days + 1)
        first = self.before.days if self.before is not None else 0
        return range(first, first + 1)


class Birthday(Condition):
    """Has a birthday `before` days from today, within so many days from today, or today.

    Days are those of the workspace's time zone. Who was born on 29 February celebrates on the 28th in other years.
    """

    name: ClassVar[str] = "birthday"
    Config = Ahead
    config: Ahead

    def sql(self, now: datetime) -> str:
        first = now.astimezone(ZoneInfo(self.around.timezone)).date()
        days = [first + timedelta(days=ahead) for ahead in self.config.days[: LONGEST + 1]]
        asked = sorted({number for day in days for number in _birthdays(day)})
        return f'month("birth_date") * 100 + day("birth_date") IN ({", ".join(map(str, asked))})'


def _birthdays(day: date) -> list[int]:
    """Whose birthdays are celebrated on a day, each as month × 100 + day of the month."""
    number = day.month * 100 + day.day
    return [number, 229] if number == 228 and not isleap(day.year) else [number]


class Due(Condition):
    """Is due to buy again, a category or anything, `before` days from today, within so many, or today.

    Due is the last day of buying plus the usual gap, made of the customer's own and that of all; for anything it is the
    feature `next_due`.
    """

    name: ClassVar[str] = "due"

    class Config(Ahead):
        """What YAML may say of it."""

        category: str | None = None

    config: Config

    @property
    def columns(self) -> tuple[str, str, str]:
        """The customer's median gap in days, the number of their gaps, and their last day of buying since 1970."""
        stem = f"due__{digest(self.config.category)}"
        return f"{stem}_gap", f"{stem}_gaps", f"{stem}_day"

    def aggregates(self, tables: Mapping[str, ir.Table], now: datetime) -> dict[str, ir.Column]:
        if self.config.category is None:
            return {}
        bought = tables["order_lines"]
        bought = bought.filter(bought.category == self.config.category)
        day = local_day(bought.ordered_at, now, self.around.timezone)
        gaps = with_gaps(bought.select("customer_id", day=day).distinct())
        return dict(zip(self.columns, (gaps.gap.median(), gaps.gap.count(), gaps.day.max()), strict=True))

    def sql(self, now: datetime) -> str:
        ahead, days = today(now, self.around.timezone), self.config.days
        due = f"(\"{NEXT_DUE}\" - DATE '1970-01-01')" if self.config.category is None else due_sql(*self.columns)
        return f"{due} - {ahead} BETWEEN {days[0]} AND {days[-1]}"


def due_sql(gap: str, gaps: str, day: str) -> str:
    """DuckDB text over columns of all customers: when somebody buys next, in days since 1970.

    The last `day` of buying plus the usual gap: (n * own + PRIOR * all) / (n + PRIOR), rounded to whole days. `own` is
    the median `gap` of the customer's n `gaps` between days of buying, `all` the median of `own` over all customers who
    have one; who bought once is given `all`. Where nobody bought twice, nobody is due.
    """
    usual = f'("{gaps}" * coalesce("{gap}", 0) + {PRIOR} * median("{gap}") OVER ()) / ("{gaps}" + {PRIOR})'
    return f'"{day}" + CAST(round({usual}) AS BIGINT)'
