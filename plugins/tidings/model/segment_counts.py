"""The shapes that `tidings segments`, `segment` and `cube` print with `--json`: a contract, as those of `counts`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from tidings.model.base import Shape

Answer = Literal["true", "false", "unknown"]
ColumnKind = Literal["number", "money", "time", "date", "text", "boolean"]
Scalar = bool | int | float | str | None


class SegmentLine(Shape):
    """One segment in the current snapshot; what the snapshot does not say is null."""

    segment: str
    title: str
    persons: int | None = Field(description="persons in it; null where it was written after the refresh")
    share: float | None = Field(description="of all persons, as a share of 1; null where there is nobody")
    entered: int | None = Field(
        description="persons who came into it since the snapshot before; null where that did not know it"
    )
    left: int | None = Field(description="persons who left it since the snapshot before")
    by_edit: bool = Field(description="its file, or that of one it reads, was edited between the two snapshots")
    unknown: int | None = Field(description="persons for whom the answer hangs on something that is not known of them")
    edited: bool = Field(description="it says something else now than the snapshot was asked")


class Overlap(Shape):
    """Two segments, and the persons in both."""

    segment: str
    other: str
    persons: int = Field(description="persons in both")
    share: float | None = Field(description="of those in `segment`, as a share of 1; null where nobody is")


class SegmentsShape(Shape):
    """`tidings segments --json`; `overlap` only with `--overlap`."""

    snapshot: str
    as_of: datetime
    age_hours: float = Field(description="from then to now, or to `--at`")
    persons: int
    segments: list[SegmentLine]
    overlap: list[Overlap] | None = Field(description="every two segments in either order; those the snapshot answers")


class ColumnValue(Shape):
    """What a column of the snapshot holds for one customer."""

    column: str = Field(description="a feature, `in__` and a segment, or what a named condition counted")
    kind: ColumnKind
    value: Scalar = Field(description="money in minor units, a time as ISO 8601; null where it is not known")


class ExplainLine(Shape):
    """One line of a segment's tree: a condition, a segment that it reads, or `all`, `any`, `not` over what follows."""

    depth: int = Field(description="0 for the segment itself; what a line speaks of follows it, one deeper")
    words: str
    answer: Answer = Field(description="`unknown` counts as false")
    failed: bool = Field(description="a condition that keeps this customer out")
    values: list[ColumnValue]


class ExplainShape(Shape):
    """`tidings segment NAME --explain CUSTOMER --json`."""

    segment: str
    customer: str
    person: str
    as_of: datetime
    inside: bool = Field(description="this customer meets the segment")
    member: bool = Field(description="the person is in it: this customer or another record of theirs meets it")
    records: list[str] = Field(description="the person's customer_ids that meet it")
    failed: list[str] = Field(description="the conditions that keep this customer out; empty where it is met")
    lines: list[ExplainLine]
