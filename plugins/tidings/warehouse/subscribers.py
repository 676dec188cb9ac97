"""Since when customers have subscribed, until when, and what they bought meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from tidings.warehouse.days import local_day, today

if TYPE_CHECKING:
    import ibis.expr.types as ir

BEGUN, ENDED, RESUMES = "subscription__begun", "subscription__ended", "subscription__resumes"
OPEN, ENDLESS = "subscription__open", "subscription__endless"
PRICE = "subscription__price"
ORDERS, SPEND = "subscription__orders", "subscription__spend"
SUBSCRIPTION = {
    **dict.fromkeys((BEGUN, ENDED, RESUMES, PRICE, ORDERS, SPEND), "int64"),
    **dict.fromkeys((OPEN, ENDLESS), "boolean"),
}
"""The columns of stage 1 that speak of subscriptions, with their types; all are NULL of who never had one."""


def subscribers(tables: Mapping[str, ir.Table], now: datetime, zone: str) -> list[ir.Table]:
    """Two tables of a row a customer, for those in `subscriptions`: what they agreed to, and what they bought since.

    All subscriptions of a customer are one relation: from the first start (BEGUN) to the last end (ENDED, NULL where
    none has one), in days of `zone` since 1970. It is OPEN while one of them has not ended, and ENDLESS while one of
    those has no end yet; RESUMES is the day when one of those is next not paused, today at the earliest. PRICE is
    quantity × price of the open ones, in minor units; ORDERS and SPEND are the customer's orders since BEGUN.
    """
    import ibis

    products = tables["products"].select("product_id", "price")
    rows = tables["subscriptions"].left_join(products, "product_id")
    moment = ibis.literal(now, type="timestamp('UTC', 6)")
    is_open = rows.ended_at.isnull() | (rows.ended_at > moment)
    # NULL is not later than anything: who is not paused resumes today.
    resumes = ibis.ifelse(rows.paused_until > moment, local_day(rows.paused_until, now, zone), today(now, zone))
    agreed = rows.group_by("customer_id").aggregate(
        **{
            BEGUN: local_day(rows.started_at, now, zone).min(),
            ENDED: local_day(rows.ended_at, now, zone).max(),
            OPEN: is_open.any(),
            ENDLESS: rows.ended_at.isnull().any(),
            RESUMES: resumes.min(where=is_open),
            PRICE: (rows.quantity * rows.price).sum(where=is_open).round().cast("int64"),
        }
    )
    since = tables["subscriptions"].group_by("customer_id").aggregate(since=tables["subscriptions"].started_at.min())
    orders = tables["orders"].join(since, "customer_id")
    orders = orders.filter(orders.ordered_at >= orders.since)
    bought = orders.group_by("customer_id").aggregate(
        **{ORDERS: orders.count(), SPEND: orders.total.sum().cast("decimal(38, 0)").cast("int64")}
    )
    return [agreed, bought]
