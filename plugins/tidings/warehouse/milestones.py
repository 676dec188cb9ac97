"""When a customer became loyal, and when they last came back: what level and status need of the order history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidings.model.insight import Ladder

if TYPE_CHECKING:
    import ibis.expr.types as ir

LOYAL_AT = "ladder__loyal_at"
BACK_AT = "ladder__back_at"


def milestones(rows: ir.Table, ladder: Ladder) -> dict[str, ir.Column]:
    """LOYAL_AT and BACK_AT (UTC, NULL where that never happened) as aggregates of `in_order`'s rows of a customer.

    LOYAL_AT is the first order that was the `loyal_orders`-th within `loyal_within`. BACK_AT is the last order after
    a silence longer than `lapsed` times the average gap of the orders before it (`usual_gap` where that was one,
    `shortest_gap` at least).
    """
    import ibis

    own = (rows.previous - rows.first) / (rows.before - 1).nullif(0)
    shortest, usual = ladder.shortest_gap.total_seconds(), ladder.usual_gap.total_seconds()
    gap = ibis.ifelse(own < shortest, shortest, own).fill_null(usual)
    loyal = rows.at - rows.counted_from <= int(ladder.loyal_within.total_seconds())
    back = (rows.at - rows.previous) > ladder.lapsed * gap
    return {LOYAL_AT: rows.ordered_at.min(where=loyal), BACK_AT: rows.ordered_at.max(where=back)}
