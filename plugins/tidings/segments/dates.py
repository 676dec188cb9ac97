"""Conditions about a day to come: birthdays, and when somebody is due to buy again."""

from __future__ import annotations

from calendar import isleap
from datetime import date, datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from tidings.model.base import Noun
from tidings.model.scalars import Days
from tidings.model.seams import Condition

LONGEST = 366
"""Days within which every birthday comes round."""


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
        today = now.astimezone(ZoneInfo(self.around.timezone)).date()
        days = [today + timedelta(days=ahead) for ahead in self.config.days[: LONGEST + 1]]
        asked = sorted({number for day in days for number in _birthdays(day)})
        return f'month("birth_date") * 100 + day("birth_date") IN ({", ".join(map(str, asked))})'


def _birthdays(day: date) -> list[int]:
    """Whose birthdays are celebrated on a day, each as month × 100 + day of the month."""
    number = day.month * 100 + day.day
    return [number, 229] if number == 228 and not isleap(day.year) else [number]
