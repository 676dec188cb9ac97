"""Every order beside the ones that the customer had placed before: one sorting serves all that looks at a sequence."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tidings.warehouse.days import local_day

if TYPE_CHECKING:
    import ibis.expr.types as ir


def in_order(orders: ir.Table, back: int, now: datetime, zone: str) -> ir.Table:
    """customer_id, ordered_at and total of each order, and of the customer's own sequence of them:

    `at` and `day` (seconds and days of `zone` since 1970), how many are `before` it, when the one before it was
    (`previous`), the days since then where it was on another day (`gap`), when the `first` was (`first_day`), and when
    the one `back` places before it was (`counted_from`); NULL where there is none. Orders of one moment are in order of
    their ids.
    """
    import ibis

    at = orders.ordered_at.epoch_seconds().cast("int64")
    day = local_day(orders.ordered_at, now, zone)
    rows = orders.select("customer_id", "order_id", "ordered_at", "total", at=at, day=day)
    history = ibis.window(group_by="customer_id", order_by=["ordered_at", "order_id"])
    running = ibis.cumulative_window(group_by="customer_id", order_by=["ordered_at", "order_id"])
    return rows.select(
        "customer_id", "ordered_at", "total", "at", "day",
        before=ibis.row_number().over(history),
        previous=rows.at.lag(1).over(history),
        gap=(rows.day - rows.day.lag(1).over(history)).nullif(0),
        first=rows.at.first().over(running),
        first_day=rows.day.first().over(running),
        counted_from=rows.at.lag(back).over(history),
    )  # fmt: skip
