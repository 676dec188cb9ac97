"""The shapes that `tidings cube --json` prints; docs/json.md is generated from here. Money is minor units."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from tidings.model.base import Shape

Measure = Literal["people", "orders", "spend", "margin", "profit", "predicted_value_12m"]
Figures = dict[str, int | None]


class CubeCell(Shape):
    """Persons, or what they did, with these values of the dimensions."""

    values: list[str | None] = Field(description="one for each dimension, in their order; null where it is not known")
    measures: Figures = Field(description="measure → figure; null where it is not known of anybody in the cell")
    unknown: dict[str, int] = Field(description="measure → persons of whom it is not known; only those above zero")


class CubeShape(Shape):
    """`tidings cube --json`: what adds up over the cells is the total."""

    snapshot: str
    as_of: datetime
    by: list[str] = Field(description="the dimensions as asked")
    measures: list[Measure] = Field(description="as asked")
    cells: list[CubeCell] = Field(description="in order of their values; null last")
    total: CubeCell = Field(description="everybody; who ordered in two months is one of its `people`, and in two cells")
