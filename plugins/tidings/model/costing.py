"""The shapes that `tidings profit --json` prints; docs/json.md is generated from here. Money is minor units."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from tidings.model.base import Shape

Reason = Literal["business", "product", "no_driver", "no_events", "other_customers"]


class PoolLine(Shape):
    """What an activity cost in a period, and what became of it: `amount` = `assigned` + `unassigned`."""

    period: str = Field(description="a year, quarter or month, as the table has it")
    activity: str
    cost_level: str = Field(description="`unit`, `batch`, `customer`, `product` or `business`")
    driver: str | None = Field(description="what it is spread by; null where the table names none")
    amount: int
    volume: int = Field(description="events of the driver in the period, of all customers; 0 where it is not spread")
    rate: float | None = Field(description="amount / volume: minor units an event; null without a volume")
    assigned: int = Field(description="to customers")
    unassigned: int = Field(description="to nobody")
    reason: Reason | None = Field(
        description="why something is left: it sustains the `business` or a `product`, there is `no_driver` of that "
        "name, there were `no_events`, or they were of `other_customers`, who are in no table; null where nothing is"
    )


class Decile(Shape):
    """A tenth of the customers, the most profitable first."""

    customers: int
    profit: int
    cumulative: int = Field(description="profit of this tenth and those before it")


class Whale(Shape):
    """The curve of cumulative profit, customers in the order of theirs: it rises to a peak, then losses bring it down.

    Kaplan and Narayanan (2001), *Journal of Cost Management* 15(5).
    """

    customers: int = Field(description="persons who earned or cost anything in that time")
    profitable: int = Field(description="of them, those with a profit above zero")
    losing: int = Field(description="of them, those with a profit below zero")
    peak: int = Field(description="profit of the profitable ones")
    lost: int = Field(description="what the losing ones take away from it, as a number below or at zero")
    total: int = Field(description="peak + lost: the profit of all customers")
    deciles: list[Decile]


class ProfitShape(Shape):
    """`tidings profit --json`: what customers earned, what activities for them cost, and what nobody caused.

    `assigned` + `unassigned` = `costs`, and `profit` = `margin` − `assigned`, to the last minor unit.
    """

    snapshot: str
    as_of: datetime
    since: date | None = Field(description="the first day that counts; null where no month had ended")
    until: date | None = Field(description="the first day that does not count any more")
    lines: int = Field(description="order lines of that time")
    revenue: int = Field(description="price × quantity − discount of these lines")
    lines_without_cost: int = Field(description="of products whose unit cost is not known: in no margin")
    revenue_without_cost: int = Field(description="of these lines")
    margin: int = Field(description="of customers: revenue − unit cost × quantity, of lines whose cost is known")
    margin_of_others: int = Field(description="of orders whose customer is in no table")
    pools: list[PoolLine]
    costs: int = Field(description="amount of all pools")
    assigned: int
    unassigned: int
    profit: int | None = Field(description="of customers; null where no costs of that time are known")
    result: int | None = Field(description="`profit` + `margin_of_others` − `unassigned`")
    whale: Whale | None = Field(description="null where profit is not known, or nobody earned or cost anything")
