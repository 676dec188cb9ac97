"""Calendar months, and the months, quarters and years that costs are of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Literal

from tidings.clock import zone

if TYPE_CHECKING:
    import ibis.expr.types as ir

Unit = Literal["month", "quarter", "year"]
LENGTHS: dict[Unit, int] = {"month": 1, "quarter": 3, "year": 12}
_PERIOD = re.compile(r"(\d{4})(?:-Q([1-4])|-(\d\d))?")


def month_of(day: date) -> int:
    """A month as a number, so that the next one is one more."""
    return day.year * 12 + day.month - 1


def first_day(month: int) -> date:
    """The day a month begins with."""
    return date(month // 12, month % 12 + 1, 1)


@dataclass(frozen=True)
class Period:
    """A calendar month, quarter or year; `first` is its first month."""

    name: str
    unit: Unit
    first: int

    @property
    def months(self) -> range:
        """The months it consists of."""
        return range(self.first, self.first + LENGTHS[self.unit])

    @classmethod
    def read(cls, text: str) -> Period:
        """`2026`, `2026-Q3` or `2026-10`, which the contract has let through; ValueError otherwise."""
        match = _PERIOD.fullmatch(text)
        if match is None:
            raise ValueError(text)
        year = int(match[1]) * 12
        if match[2]:
            return cls(text, "quarter", year + (int(match[2]) - 1) * 3)
        return cls(text, "month", year + int(match[3]) - 1) if match[3] else cls(text, "year", year)


def begins(month: int, timezone: str) -> datetime:
    """When a month begins in a time zone, in UTC."""
    return datetime.combine(first_day(month), time(), zone(timezone)).astimezone(UTC)


def by_month(at: ir.TimestampValue, months: Sequence[int], timezone: str) -> ir.IntegerValue:
    """The month, as `month_of` counts, that a moment lies in; `months` follow each other, and it is in one of them.

    Counted from their beginnings, which every engine compares alike; engines differ in time zones.
    """
    import ibis

    passed = [
        (at >= ibis.literal(begins(month, timezone), type="timestamp('UTC', 6)")).ifelse(1, 0) for month in months[1:]
    ]
    return reduce(add, passed, ibis.literal(months[0])).cast("int64")


def between(at: ir.TimestampValue, months: Sequence[int], timezone: str) -> ir.BooleanValue:
    """Whether a moment lies in one of these months, which follow each other."""
    import ibis

    first, end = begins(months[0], timezone), begins(months[-1] + 1, timezone)
    return (at >= ibis.literal(first, type="timestamp('UTC', 6)")) & (
        at < ibis.literal(end, type="timestamp('UTC', 6)")
    )
