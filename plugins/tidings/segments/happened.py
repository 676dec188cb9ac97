"""Conditions about what customers did elsewhere: the company's own events, such as pages looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from tidings.model.base import Noun
from tidings.model.mistakes import Mistake
from tidings.model.scalars import Span, Whole
from tidings.model.seams import Condition
from tidings.segments.columns import digest
from tidings.segments.conditions import since

if TYPE_CHECKING:
    import ibis.expr.types as ir


class Happened(Condition):
    """Some event of the table `events`, at least so many times within a time."""

    class Config(Noun):
        """What YAML may say of it."""

        within: Span | None = None
        at_least: Annotated[Whole, Field(ge=1)] = 1

    config: Config

    @property
    def event(self) -> str:
        """The event asked about, as the table has it."""
        return self.name

    @property
    def column(self) -> str:
        counted = self.config.within if self.config.at_least > 1 else None
        span = counted.total_seconds() if counted is not None else None
        return f"{self.name}__{digest([self.event, self.config.at_least > 1, span])}"

    def mistakes(self) -> Iterator[Mistake]:
        if self.around.tables is not None and "events" not in self.around.tables:
            fix = "add the table `events`, or name it in warehouse.tables"
            yield Mistake((), f"`{self.name}` asks for events, and the warehouse has no table of them", fix)

    def aggregates(self, tables: Mapping[str, ir.Table], now: datetime) -> dict[str, ir.Column]:
        import ibis

        events = tables["events"]
        where = events.event == self.event
        if self.config.at_least == 1:
            return {self.column: events.occurred_at.max(where=where)}
        if self.config.within is not None:
            lately = ibis.literal(now - self.config.within, type="timestamp('UTC', 6)")
            where &= events.occurred_at >= lately
        return {self.column: events.count(where=where)}

    def sql(self, now: datetime) -> str:
        if self.config.at_least == 1:
            return since(self.column, self.config.within, now)
        return f'"{self.column}" >= {self.config.at_least}'


class Viewed(Happened):
    """Did what the table `events` calls `viewed`, at least so many times within a time."""

    name: ClassVar[str] = "viewed"


class Did(Happened):
    """Did what the table `events` calls so, at least so many times within a time."""

    name: ClassVar[str] = "did"

    class Config(Happened.Config):
        """What YAML may say of it."""

        event: Annotated[str, Field(min_length=1)]

    config: Config

    @property
    def event(self) -> str:
        return self.config.event
