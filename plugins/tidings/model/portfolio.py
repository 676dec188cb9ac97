"""The customer portfolio as a marketer writes it, and what `tidings portfolio --json` prints; money is minor units."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field

from tidings.model.base import Noun, Shape
from tidings.model.campaign import Aim
from tidings.model.mistakes import shown
from tidings.model.money import CURRENCIES
from tidings.model.scalars import Address, Name, Share

Level = Literal["prospect", "first_time", "repeat", "loyal", "advocate"]
Status = Literal["active", "at_risk", "lapsed", "lost", "won_back"]
Value = Literal["total_spend", "profit", "predicted_value_12m"]
STATES: dict[str, tuple[str, ...]] = {"level": get_args(Level), "status": ("prospect", *get_args(Status))}
"""What each of the two columns holds; who never ordered has no status, and is a prospect there too."""


def parse_amount(value: Any) -> str:
    """`500` or `500 USD` as written, without blanks at its ends; ValueError otherwise."""
    text = "" if isinstance(value, bool) else str(value).strip()
    number, _, currency = text.partition(" ")
    try:
        sound = Decimal(number) >= 0 and (not currency or currency in CURRENCIES)
    except InvalidOperation:
        sound = False
    if not sound:
        raise ValueError(f"{shown(value)} is no amount of money; write one such as 500 or 500 USD")
    return text


Amount = Annotated[str, BeforeValidator(parse_amount)]


class Band(Noun):
    """Customers of one value: of those that no band before it holds, whoever is among the `top` of all."""

    band: Name
    top: Share | None = None


class Cell(Noun):
    """Bands × states with one aim, one owner and one budget."""

    cell: Name
    title: str = ""
    bands: Annotated[list[Name], Field(min_length=1)]
    states: Annotated[list[Level | Status], Field(min_length=1)]
    aim: Aim
    owner: Address
    budget: Amount | None = None


class Portfolio(Noun):
    """config/portfolio.yaml: every customer by what they are worth and where they stand."""

    value: Value = "total_spend"
    by: Literal["level", "status"] = "status"
    bands: Annotated[list[Band], Field(min_length=1)]
    cells: Annotated[list[Cell], Field(min_length=1)]


class Served(Shape):
    """A live campaign and the persons of a cell in its audience."""

    campaign: str
    persons: int


class Sums(Shape):
    """What some persons are worth together."""

    persons: int
    value: int = Field(description="of the column that makes the bands; who has none counts as 0")
    profit: int | None = Field(description="in the time that counts; null where it is not known of anybody")
    expected: int | None = Field(description="value expected in 12 months; null where it is not known of anybody")
    spend: int | None = Field(description="cost of messages to them in that time; null where no such cost is known")


class CellLine(Sums):
    """One cell of the portfolio."""

    cell: str
    title: str
    bands: list[str]
    states: list[str]
    aim: str
    owner: str
    budget: int | None = Field(description="null where the file names none")
    campaigns: list[Served] = Field(description="live campaigns with this aim whose audience holds persons of it")


class GridCell(Shape):
    """A band × a state."""

    band: str | None = Field(description="null for persons without a value")
    state: str
    cell: str | None = Field(description="null where no cell holds them")
    persons: int


class PortfolioShape(Shape):
    """`tidings portfolio --json`: the cells and `rest` are everybody, and their sums are `total`."""

    snapshot: str
    as_of: datetime
    value: Value
    by: Literal["level", "status"]
    cells: list[CellLine] = Field(description="in the order of the file")
    rest: Sums = Field(description="persons in no cell")
    total: Sums
    grid: list[GridCell] = Field(description="every band × state that has persons or a cell")
    unserved: list[str] = Field(description="cells with persons in them that no live campaign with their aim reaches")
    unasked: list[str] = Field(description="live campaigns edited since the snapshot, of which it says nothing")
