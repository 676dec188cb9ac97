"""A small shop full of edges, and questions about it with who is in each: what WarehouseContract asks every engine.

Moments are UTC; the workspace's time zone is ZONE. The customer `lea` comes only tomorrow; a row without a
`customer_id`, an order without a moment, one below zero, one in pounds and an event without a name are broken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

NOW = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
"""In the workspace's time zone half past midnight of 1 November."""

ZONE = "Europe/Berlin"
"""Its clocks went from 02:00 to 03:00 on 29 March and from 03:00 to 02:00 on 25 October 2026."""

BIRTHDAY, LEAP_DAY, SOON = date(1990, 11, 1), date(1992, 2, 29), date(1985, 11, 4)

# who, tier, points, score, member, born
CUSTOMERS: list[tuple[str | None, str | None, int | None, float | None, bool | None, date | None]] = [
    ("ana", "gold", 5, 0.5, True, BIRTHDAY),
    ("bo", "silver", 0, -0.5, False, LEAP_DAY),
    ("cam", None, None, None, None, None),
    ("dai", "", 9, float("nan"), True, SOON),
    ("eve", "Gold", 1, float("inf"), False, date(2001, 11, 8)),
    ("fay", "o'silver", 5, 2.0, None, date(1999, 12, 31)),
    ("gus", "gold", None, 0.0, True, date(1970, 10, 31)),
    ("hal", "50% off_er", -3, 1.5, False, None),
    ("ivy", "Vàng", 7, 1e18, True, date(1990, 11, 2)),
    ("jon", "silver ", 2, -1e-9, None, date(2000, 2, 29)),
    ("kim", "gold", -3, 3.25, False, date(1990, 11, 1)),
    ("max", "GOLD", 2**53 + 1, 0.1, True, None),
    ("lea", "gold", 5, 1.0, True, BIRTHDAY),
    (" ", "gold", 5, 1.0, True, BIRTHDAY),
]

# order, who, moment, total, currency, status, product
ORDERS: list[tuple[str, str, str | None, str, str, str | None, str]] = [
    ("a1", "ana", "2026-10-02T00:00", "3.33", "USD", "completed", "mum"),
    ("a2", "ana", "2026-10-02T12:00", "3.33", "usd", None, "mum"),
    ("a3", "ana", "2026-10-03T00:00", "3.34", "USD", "", "milk"),
    ("b1", "bo", "2026-03-29T01:30", "0.10", "USD", "completed", "mum"),
    ("b2", "bo", "2026-10-25T01:30", "0.20", "USD", "completed", "bare"),
    ("c1", "cam", "2026-10-01T23:29:59.999999", "0.30", "USD", "completed", "mum"),
    ("c2", "cam", "2026-10-31T23:30", "5.00", "USD", "completed", "milk"),
    ("d1", "dai", None, "1.00", "USD", "completed", "milk"),
    *((f"f{n}", "fay", at, "20.00", "USD", "completed", "milk") for n, at in enumerate(
        ("2026-06-06T10:00", "2026-07-06T23:10", "2026-08-05T10:00", "2026-09-04T10:00", "2026-10-04T10:00"))),
    ("g1", "gus", "2026-05-05T08:00", "10.00", "EUR", "completed", "bare"),
    ("g2", "gus", "2026-10-20T08:00", "10.00", "GBP", "completed", "milk"),
    ("h1", "hal", "2026-10-10T08:00", "50.00", "USD", "Returned", "milk"),
    ("h2", "hal", "2026-10-11T08:00", "-5.00", "USD", "completed", "milk"),
    ("i1", "ivy", "2026-09-01T00:00", "20.00", "USD", "completed", "milk"),
    ("i1", "ivy", "2026-09-02T00:00", "25.00", "USD", "completed", "milk"),
    ("i2", "ivy", "2026-10-31T23:29:59.999999", "0.00", "USD", "completed", "none"),
    ("j1", "jon", "2025-01-05T12:00", "100.00", "USD", "completed", "milk"),
    ("j2", "jon", "2025-02-04T12:00", "100.00", "USD", "completed", "bare"),
    ("j3", "jon", "2026-10-20T12:00", "100.00", "USD", "completed", "bare"),
    ("k1", "kim", "2026-10-01T23:30", "7.00", "USD", "completed", "milk"),
    *((f"m{n}", "max", "2026-08-01T00:00", "9999999999999.99", "USD", "completed", "bare") for n in range(10)),
    ("mx", "max", "2026-08-01T00:00", "0.03", "USD", "completed", "bare"),
]  # fmt: skip

CATEGORIES: dict[str, str | None] = {"mum": "Mum's", "milk": "Milk", "bare": None, "none": "Bread -- %\\"}

# event, who, what, moment
EVENTS: list[tuple[str, str | None, str | None, str | None]] = [
    ("e1", "ana", "viewed", "2026-10-29T00:00"),
    ("e2", "ana", "viewed", "2026-10-30T00:00"),
    ("e2", "ana", "viewed", "2026-10-30T12:00"),
    ("e3", "bo", "viewed", "2026-10-28T23:30"),
    ("e4", "cam", "viewed", "2026-10-28T23:29:59.999999"),
    ("e5", "eve", "viewed", "2026-04-14T00:00"),
    ("e6", "eve", "viewed", "2026-04-15T00:00"),
    ("e7", "dai", "added_to_cart", "2026-10-31T10:00"),
    ("e8", "dai", "added_to_cart", "2026-10-31T11:00"),
    ("e9", "fay", "Mum's; -- day", "2026-10-25T01:30"),
    ("ea", "gus", None, "2026-10-25T01:30"),
    ("eb", "gus", "viewed", "2026-10-31T23:30"),
    ("ec", "kim", "Viewed", "2026-10-31T00:00"),
]

# person, campaign, step, kind, days ago
TOUCHES: list[tuple[str, str, str, str, float]] = [
    ("ana", "news", "one", "received", 1),
    ("ana", "news", "one", "opened", 0.5),
    ("ana", "news", "two", "clicked", 0.25),
    ("bo", "news", "one", "received", 7),
    ("bo", "news", "one", "opened_by_machine", 7),
    ("cam", "news", "two", "received", 7.001),
    ("dai", "care", "one", "received", 3),
    ("dai", "care", "one", "opened_by_machine", 2),
    ("dai", "care", "one", "opened", 40),
    ("dai", "care", "one", "clicked", 30),
    ("eve", "care", "two", "clicked", 60),
]

# segment, person, change, days ago, cause
BEFORE: list[tuple[str, str, str, float, str]] = [
    ("several", "ana", "entered", 3, "data"),
    ("several", "bo", "entered", 5, "definition"),
    ("several", "eve", "entered", 90, "data"),
    ("several", "cam", "left", 10, "data"),
    ("several", "dai", "left", 2, "definition"),
    ("several", "gus", "left", 400, "data"),
    ("several", "jon", "entered", 2, "backlog"),
]

LISTS = {"ids.csv": "customer_id\nana\n bo \nnobody\n", "people.csv": "name;mail\nx;EVE@Shop.Example \ny;ana\n"}
"""Files of the condition `list`, by name."""


def moment(text: str | None) -> datetime | None:
    """A moment as the rows above have it."""
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


def touches() -> pd.DataFrame:
    """What passed between us and each person."""
    import pandas as pd

    rows = [(*row, NOW - timedelta(days=days)) for *row, days in TOUCHES]
    frame = pd.DataFrame(rows, columns=["person_key", "campaign", "step", "kind", "at"])
    return frame.astype({"at": "datetime64[us, UTC]"})


def before() -> pa.Table:
    """Who was inside which segment at the refresh before."""
    import pyarrow as pa

    rows = [
        {"segment": segment, "person_key": who, "change": change, "since": NOW - timedelta(days=days), "cause": cause}
        for segment, who, change, days, cause in BEFORE
    ]
    return _table(rows, since=pa.timestamp("us", "UTC"))


def shop() -> dict[str, pa.Table]:
    """The source tables, by name."""
    import pyarrow as pa

    at, money = pa.timestamp("us", "UTC"), pa.decimal128(16, 2)
    customers: list[dict[str, Any]] = [
        dict.fromkeys(("phone", "first_name", "last_name", "locale", "country"))
        | {"customer_id": who, "email": f"{who}@shop.example", "timezone": "UTC"}
        | {"created_at": NOW + timedelta(days=1) if who == "lea" else NOW - timedelta(days=400)}
        | {"tier": tier, "points": points, "score": score, "member": member, "birth_date": born}
        for who, tier, points, score, member, born in CUSTOMERS
    ]
    orders: list[dict[str, Any]] = [
        {"order_id": order, "customer_id": who, "ordered_at": moment(placed), "total": Decimal(total)}
        | {"currency": currency, "status": status, "channel": None}
        for order, who, placed, total, currency, status, _ in ORDERS
    ]
    lines: list[dict[str, Any]] = [
        {"order_id": order, "product_id": product, "quantity": -1 if order == "f0" else 1}
        | {"unit_price": Decimal("1.00"), "discount": None}
        for order, product in {row[0]: row[-1] for row in ORDERS}.items()
    ]
    products: list[dict[str, Any]] = [
        {"product_id": product, "name": product, "category": category, "price": Decimal("1.00"), "unit_cost": None}
        | {"in_stock": True, "url": None, "image_url": None}
        for product, category in CATEGORIES.items()
    ]
    cases: list[dict[str, Any]] = [
        {"case_id": who, "customer_id": who, "opened_at": NOW - timedelta(days=2), "closed_at": closed}
        for who, closed in (("eve", None), ("dai", NOW - timedelta(days=1)), ("gus", NOW + timedelta(days=1)))
    ]
    events: list[dict[str, Any]] = [
        {"event_id": event, "customer_id": who, "event": what, "occurred_at": moment(when)}
        for event, who, what, when in EVENTS
    ]
    subscriptions: list[dict[str, Any]] = [
        {"customer_id": who, "product_id": product, "quantity": 2, "started_at": NOW - timedelta(days=days)}
        | {"ended_at": ended, "paused_until": None, "end_reason": None}
        for who, product, days, ended in (
            ("eve", "milk", 9, None),
            ("eve", "bare", 5, NOW + timedelta(days=700)),
            ("dai", "milk", 80, NOW),
        )
    ]
    rates: list[dict[str, Any]] = [
        {"date": day, "currency": "EUR", "rate": Decimal(rate)}
        for day, rate in ((date(2026, 1, 1), "1.10"), (date(2026, 5, 6), "9"))
    ]
    amounts = {"unit_price": money, "discount": money, "quantity": pa.int32()}
    attributes = {"points": pa.int64(), "score": pa.float64(), "member": pa.bool_(), "birth_date": pa.date32()}
    return {
        "customers": _table(customers, created_at=at, **attributes),
        "orders": _table(orders, ordered_at=at, total=money),
        "order_lines": _table(lines, **amounts),
        "products": _table(products, price=money, unit_cost=money, in_stock=pa.bool_()),
        "cases": _table(cases, opened_at=at, closed_at=at),
        "events": _table(events, occurred_at=at),
        "subscriptions": _table(subscriptions, quantity=pa.int32(), started_at=at, ended_at=at, paused_until=at),
        "fx": _table(rates, date=pa.date32(), rate=pa.decimal128(20, 12)),
    }


def _table(rows: Iterable[Mapping[str, Any]], **types: Any) -> pa.Table:
    import pyarrow as pa

    listed = list(rows)
    return pa.Table.from_pylist(listed, pa.schema({name: types.get(name, pa.string()) for name in listed[0]}))
