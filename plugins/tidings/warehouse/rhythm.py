"""On which days customers bought and for how much: what models of their value and their next day are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis.expr.types as ir

REPEATS = "rhythm__repeats"
FIRST_DAY, LAST_DAY = "rhythm__first_day", "rhythm__last_day"
REPEAT_SPEND = "rhythm__repeat_spend"
GAP = "rhythm__gap"
RHYTHM = (REPEATS, FIRST_DAY, LAST_DAY, REPEAT_SPEND, GAP)


def rhythm(rows: ir.Table) -> dict[str, ir.Column]:
    """What days of buying say, as aggregates of `in_order`'s rows of a customer; orders of one day are one.

    REPEATS are days with an order after the first of them (FIRST_DAY, in days since 1970, as LAST_DAY), REPEAT_SPEND
    is what those cost together, in minor units (NULL for none). GAP is the median of the REPEATS gaps between days with
    an order, NULL for who bought on one.
    """
    return {
        REPEATS: rows.gap.count(),
        FIRST_DAY: rows.day.min(),
        LAST_DAY: rows.day.max(),
        REPEAT_SPEND: rows.total.sum(where=rows.day > rows.first_day),
        GAP: rows.gap.median(),
    }


def with_gaps(days: ir.Table) -> ir.Table:
    """Different days (`day`, a number) of each customer_id, with the days since the one before as `gap`."""
    import ibis

    before = days.day.lag(1).over(ibis.window(group_by="customer_id", order_by="day"))
    return days.mutate(gap=days.day - before)
