"""On which days customers bought and for how much: what models of their value and their next day are made of."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tidings.warehouse.days import local_day

if TYPE_CHECKING:
    import ibis.expr.types as ir

REPEATS = "rhythm__repeats"
FIRST_DAY, LAST_DAY = "rhythm__first_day", "rhythm__last_day"
REPEAT_SPEND = "rhythm__repeat_spend"
GAP = "rhythm__gap"
RHYTHM = (REPEATS, FIRST_DAY, LAST_DAY, REPEAT_SPEND, GAP)


def rhythm(orders: ir.Table, now: datetime, zone: str) -> ir.Table:
    """One row a customer who ordered, by days of `zone`; orders of one day are one.

    REPEATS are days with an order after the first of them (FIRST_DAY, in days since 1970, as LAST_DAY), REPEAT_SPEND
    is what those cost together, in minor units (NULL for none). GAP is the median of the REPEATS gaps between days with
    an order, NULL for who bought on one.
    """
    day = local_day(orders.ordered_at, now, zone)
    rows = orders.select("customer_id", "total", day=day)
    gaps = with_gaps(rows.group_by("customer_id", "day").aggregate(paid=rows.total.sum()))
    return gaps.group_by("customer_id").aggregate(
        **{
            REPEATS: gaps.gap.count(),
            FIRST_DAY: gaps.day.min(),
            LAST_DAY: gaps.day.max(),
            # The first day alone has no gap before it.
            REPEAT_SPEND: gaps.paid.sum(where=gaps.gap.notnull()),
            GAP: gaps.gap.median(),
        }
    )


def with_gaps(days: ir.Table) -> ir.Table:
    """Different days (`day`, a number) of each customer_id, with the days since the one before as `gap`."""
    import ibis

    before = days.day.lag(1).over(ibis.window(group_by="customer_id", order_by="day"))
    return days.mutate(gap=days.day - before)
