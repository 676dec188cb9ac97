"""The built-in conditions about membership: who has come into a segment lately, and who has left one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from tidings.model.base import Noun
from tidings.model.scalars import Name, Span
from tidings.model.seams import Condition
from tidings.segments.columns import digest, segment_column
from tidings.segments.conditions import since

if TYPE_CHECKING:
    import ibis.expr.types as ir


class Membership(Condition):
    """A change of a person's membership, kept from one refresh to the next."""

    ledger: ClassVar[bool] = True
    event: ClassVar[str]

    class Config(Noun):
        """What YAML may say of it."""

        segment: Name
        within: Span | None = None
        definition: bool = False

    config: Config

    @property
    def column(self) -> str:
        return f"{self.name}__{digest([self.config.segment, self.config.definition])}"

    @property
    def inside(self) -> str:
        """Whether the person is in the segment now: any of their profiles is."""
        return f'bool_or("{segment_column(self.config.segment)}") OVER (PARTITION BY person_key)'

    def aggregates(self, tables: Mapping[str, ir.Table], now: datetime) -> dict[str, ir.Column]:
        standing = tables["membership"]
        causes = ["data", "definition"] if self.config.definition else ["data"]
        counts = (standing["segment"] == self.config.segment) & standing[f"{self.event}_by"].isin(causes)
        return {self.column: standing[f"{self.event}_at"].max(where=counts)}


class Joined(Membership):
    """Is in a segment, and came into it within a time; by an edit of its file only with `definition`."""

    name: ClassVar[str] = "joined"
    event: ClassVar[str] = "joined"

    def sql(self, now: datetime) -> str:
        return f"({self.inside} AND {since(self.column, self.config.within, now)})"


class Left(Membership):
    """Is not in a segment, and left it within a time; by an edit of its file only with `definition`."""

    name: ClassVar[str] = "left"
    event: ClassVar[str] = "left"

    def sql(self, now: datetime) -> str:
        return f"(NOT {self.inside} AND {since(self.column, self.config.within, now)})"
