"""A small shop as CSV, drawn from a seed with nothing but the standard library, for a new workspace."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tidings.demo import tables
from tidings.demo.attributes import draw_birth_date, draw_preferred_channel, share_birth_dates
from tidings.demo.contacts import Contact, draw_contacts
from tidings.demo.lifecycle import LAPSED_DAYS, RECENT, Bought, Life, draw_created_at, draw_lives
from tidings.demo.service import Subject, draw_cases, draw_consents
from tidings.demo.source import HOURS_FROM_NEW_YORK
from tidings.demo.tables import Row, ShopSummary, in_dollars, write_csv

# name, category, price and cost in cents
PRODUCTS = (
    ("Whole milk, 1 l", "Milk", 149, 98), ("Low-fat milk, 1 l", "Milk", 139, 92),
    ("Oat drink, 1 l", "Milk", 229, 140), ("Chocolate milk, 500 ml", "Milk", 189, 105),
    ("Ground coffee, 500 g", "Coffee", 749, 470), ("Espresso beans, 1 kg", "Coffee", 1490, 890),
    ("Instant coffee, 200 g", "Coffee", 629, 360), ("Drip coffee filters, 100", "Coffee", 249, 110),
    ("Green tea, 50 bags", "Tea", 399, 190), ("Jasmine tea, 100 g", "Tea", 549, 260),
    ("Chamomile tea, 25 bags", "Tea", 329, 150),
    ("Corn flakes, 500 g", "Cereal", 329, 190), ("Muesli with nuts, 750 g", "Cereal", 489, 290),
    ("Rolled oats, 1 kg", "Cereal", 219, 120), ("Honey rings, 375 g", "Cereal", 359, 200),
    ("Sliced wheat bread, 500 g", "Bread", 249, 130), ("Rye bread, 750 g", "Bread", 349, 170),
    ("Baguette", "Bread", 159, 60), ("Sesame rolls, 6", "Bread", 219, 95),
    ("Butter, 250 g", "Spreads", 329, 230), ("Strawberry jam, 340 g", "Spreads", 299, 160),
    ("Peanut butter, 350 g", "Spreads", 379, 210), ("Honey, 500 g", "Spreads", 599, 350),
    ("Spaghetti, 500 g", "Pasta", 159, 80), ("Penne, 500 g", "Pasta", 169, 85),
    ("Tomato sauce, 400 g", "Pasta", 229, 110), ("Grated parmesan, 100 g", "Pasta", 349, 220),
    ("Bananas, 1 kg", "Fruit", 179, 105), ("Free-range eggs, 10", "Eggs", 299, 170),
    ("Oranges, 1 kg", "Fruit", 279, 160),
)  # fmt: skip

INDEX = {name: index for index, (name, *_) in enumerate(PRODUCTS)}

Habit = tuple[tuple[str, ...], tuple[str, ...], float]

# What is bought first, what goes with it, and how often it does: the rules a miner should find.
HABITS: tuple[Habit, ...] = (
    (("Corn flakes, 500 g", "Honey rings, 375 g"), ("Whole milk, 1 l",), 0.75),
    (("Muesli with nuts, 750 g", "Rolled oats, 1 kg"), ("Low-fat milk, 1 l", "Bananas, 1 kg"), 0.60),
    (("Ground coffee, 500 g",), ("Drip coffee filters, 100", "Whole milk, 1 l"), 0.55),
    (("Espresso beans, 1 kg",), ("Oat drink, 1 l",), 0.60),
    (("Green tea, 50 bags", "Jasmine tea, 100 g", "Chamomile tea, 25 bags"), ("Honey, 500 g",), 0.45),
    (("Sliced wheat bread, 500 g", "Rye bread, 750 g"), ("Butter, 250 g", "Strawberry jam, 340 g"), 0.60),
    (("Baguette", "Sesame rolls, 6"), ("Butter, 250 g", "Peanut butter, 350 g"), 0.40),
    (("Spaghetti, 500 g", "Penne, 500 g"), ("Tomato sauce, 400 g", "Grated parmesan, 100 g"), 0.70),
    (("Whole milk, 1 l", "Low-fat milk, 1 l"), ("Bananas, 1 kg",), 0.30),
)  # fmt: skip

SOLD_OUT = {"Chamomile tea, 25 bags"}
HISTORY = timedelta(days=364)
GAP_DAYS = (5, 28, 12)
"""Shortest, longest and most usual days between a customer's orders; a gap is 0.5 to 1.5 times as long."""

FAVOURITES, FROM_FAVOURITES, TWICE, DISCOUNTED, ONLINE = 3, 0.8, 0.15, 0.08, 0.7
OPENS, CLOSES = 7, 21
NEW_YORK_BEHIND = 5


@dataclass(frozen=True)
class Order:
    """An order and its lines: product index to quantity."""

    customer: int
    ordered_at: datetime
    lines: dict[int, int]


def write_small_shop(folder: Path, *, end: date, seed: int = 7, customers: int = 240) -> ShopSummary:
    """Write customers, orders, order_lines, products, consents and cases as CSV into `folder`.

    A year of orders, up to 00:00 UTC of `end`, by customers with the flaws and lives of the large shop, whose
    baskets hold things that go together (HABITS). Money is in US dollars, instants are UTC, an empty field is
    null. Equal arguments give equal files.
    """
    cut = datetime(end.year, end.month, end.day, tzinfo=UTC)
    contacts = draw_contacts(random.Random(f"{seed} contacts"), customers)
    rng = random.Random(f"{seed} orders")
    possible = [_orders(rng, index, contact, cut) for index, contact in enumerate(contacts)]
    lives = draw_lives(random.Random(f"{seed} lives"), [_bought(orders, cut) for orders in possible], cut)
    kept = [_kept(orders, life, cut) for orders, life in zip(possible, lives, strict=True)]

    rows = _people(random.Random(f"{seed} people"), contacts, kept, cut)
    subjects = [
        Subject(row["customer_id"], life.stage, row["created_at"], orders[-1].ordered_at if orders else None)
        for row, life, orders in zip(rows, lives, kept, strict=True)
    ]
    ordered = sorted((order for orders in kept for order in orders), key=lambda order: order.ordered_at)
    orders_table, lines_table = _receipts(random.Random(f"{seed} receipts"), ordered)
    written = {
        "customers": (tables.CUSTOMERS, rows),
        "orders": (tables.ORDERS, orders_table),
        "order_lines": (tables.ORDER_LINES, lines_table),
        "products": (tables.PRODUCTS, _products()),
        "consents": (tables.CONSENTS, draw_consents(random.Random(f"{seed} consents"), subjects, cut)),
        "cases": (tables.CASES, draw_cases(random.Random(f"{seed} cases"), subjects, cut)),
    }
    folder.mkdir(parents=True, exist_ok=True)
    counts = {
        name: write_csv(folder / f"{name}.csv", list(columns), content) for name, (columns, content) in written.items()
    }
    return ShopSummary(folder, cut - HISTORY, cut, counts, dict(Counter(life.stage for life in lives)))


def _orders(rng: random.Random, customer: int, contact: Contact, cut: datetime) -> list[Order]:
    """All the orders a customer would make in a year, in order, during opening hours where they live."""
    favourites, gap = rng.sample(HABITS, FAVOURITES), rng.triangular(*GAP_DAYS)
    behind = timedelta(hours=HOURS_FROM_NEW_YORK[contact.home] + NEW_YORK_BEHIND)
    days, orders = rng.uniform(0, gap), []
    while (day := cut - HISTORY + timedelta(days=int(days))) < cut:
        ordered_at = day + behind + timedelta(seconds=rng.randrange(OPENS * 3600, CLOSES * 3600))
        if cut - HISTORY <= ordered_at < cut:
            orders.append(Order(customer, ordered_at, _basket(rng, favourites)))
        days += gap * rng.uniform(0.5, 1.5)
    return orders


def _basket(rng: random.Random, favourites: Sequence[Habit]) -> dict[int, int]:
    """One to three habits, mostly the customer's own, and up to two things besides."""
    names: list[str] = []
    for _ in range(rng.randint(1, 3)):
        first, then, how_often = rng.choice(favourites if rng.random() < FROM_FAVOURITES else HABITS)
        names.append(rng.choice(first))
        if rng.random() < how_often:
            names.append(rng.choice(then))
    besides = {rng.randrange(len(PRODUCTS)) for _ in range(rng.randint(0, 2))}
    chosen = sorted({INDEX[name] for name in names} | besides)
    return {product: 2 if rng.random() < TWICE else 1 for product in chosen}


def _bought(orders: Sequence[Order], cut: datetime) -> Bought:
    settled = sum(order.ordered_at < cut - timedelta(days=LAPSED_DAYS[1]) for order in orders)
    return Bought(len(orders), settled, sum(order.ordered_at >= cut - RECENT for order in orders))


def _kept(orders: list[Order], life: Life, cut: datetime) -> list[Order]:
    if life.stage == "registered":
        return []
    if life.only is not None:
        return [order for order in orders if order.ordered_at >= cut - RECENT][life.only - 1 : life.only]
    return [order for order in orders if life.until is None or order.ordered_at < life.until]


def _people(
    rng: random.Random, contacts: Sequence[Contact], kept: Sequence[Sequence[Order]], cut: datetime
) -> list[Row]:
    rows = []
    for number, (contact, orders) in enumerate(zip(contacts, kept, strict=True), start=1):
        first_order = orders[0].ordered_at if orders else None
        rows.append(
            {
                **contact.columns(),
                "customer_id": f"C{number:04d}",
                "created_at": draw_created_at(rng, first_order, cut - HISTORY, cut),
                "birth_date": draw_birth_date(rng, None, cut.date()),
                "preferred_channel": draw_preferred_channel(rng),
            }
        )
    share_birth_dates(rows, contacts)
    return rows


def _receipts(rng: random.Random, ordered: Sequence[Order]) -> tuple[list[Row], list[Row]]:
    """Rows of orders and of order_lines; a total is the sum of its lines."""
    orders, lines = [], []
    for number, order in enumerate(ordered, start=1):
        order_id, total = f"O{number:05d}", 0
        for product, quantity in order.lines.items():
            price = PRODUCTS[product][2]
            discount = quantity * price // 10 if rng.random() < DISCOUNTED else 0
            total += quantity * price - discount
            lines.append(
                {
                    "order_id": order_id,
                    "product_id": _product_id(product),
                    "quantity": quantity,
                    "unit_price": in_dollars(price),
                    "discount": in_dollars(discount),
                }
            )
        orders.append(
            {
                "order_id": order_id,
                "customer_id": f"C{order.customer + 1:04d}",
                "ordered_at": order.ordered_at,
                "total": in_dollars(total),
                "currency": "USD",
                "status": "completed",
                "channel": "web" if rng.random() < ONLINE else "store",
            }
        )
    return orders, lines


def _products() -> list[Row]:
    return [
        {
            "product_id": _product_id(index),
            "name": name,
            "category": category,
            "price": in_dollars(price),
            "unit_cost": in_dollars(cost),
            "in_stock": name not in SOLD_OUT,
            "url": f"https://shop.example/p/{_product_id(index)}",
            "image_url": None,
        }
        for index, (name, category, price, cost) in enumerate(PRODUCTS)
    ]


def _product_id(index: int) -> str:
    return f"P{index + 1:02d}"
