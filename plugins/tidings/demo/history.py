"""Orders: the households' baskets moved to the demo's year, every household living twice or more."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tidings.demo.lifecycle import LAPSED_DAYS, RECENT, Bought, Life
from tidings.demo.source import HOURS_FROM_NEW_YORK, Calendar
from tidings.demo.tables import Row, load_rows

if TYPE_CHECKING:
    import duckdb

REACH = 3
"""A copy's week is another week of the same household, at most so many weeks earlier or later."""

BLOCK = "CAST(floor(epoch(bought_at - CAST($cut AS TIMESTAMP)) / 604800) AS INTEGER)"

PLACED = """
    CREATE TABLE placed AS
    SELECT d.customer_id, v.basket_id,
           v.bought_at + to_days(7 * (w.week - v.block)) + to_hours(d.hours) AS ordered_at
    FROM visits v
    JOIN weeks w ON w.household_id = v.household_id AND w.source_week = v.block
    JOIN drawn d ON d.household_id = w.household_id AND d.copy = w.copy
    WHERE v.bought_at + to_days(7 * (w.week - v.block)) + to_hours(d.hours) < CAST($cut AS TIMESTAMP)
"""

KEPT = """
    CREATE TABLE kept AS
    WITH ranked AS (
        SELECT *, ordered_at >= CAST($recent AS TIMESTAMP) AS is_recent,
               row_number() OVER (PARTITION BY customer_id, is_recent ORDER BY ordered_at, basket_id) AS place
        FROM placed
    ), staying AS (
        SELECT ranked.*, row_number() OVER (ORDER BY ordered_at, customer_id, basket_id) AS number
        FROM ranked JOIN lives USING (customer_id)
        WHERE stage = 'regular' OR (stage = 'lapsed' AND ordered_at < stop)
            OR (stage = 'first_time' AND is_recent AND place = pick)
    )
    SELECT 'O' || lpad(CAST(number AS VARCHAR), 7, '0') AS order_id, customer_id, basket_id, ordered_at
    FROM staying
"""

ORDERS = """
    SELECT order_id, customer_id, ordered_at AT TIME ZONE 'UTC' AS ordered_at,
           CAST(CAST(sum(paid) AS BIGINT) * 0.01 AS DECIMAL(12,2)) AS total, 'USD' AS currency,
           'completed' AS status, 'store' AS channel
    FROM kept JOIN sold USING (basket_id) GROUP BY order_id, customer_id, ordered_at
"""

LINES = """
    SELECT order_id, product_id, CAST(quantity AS INTEGER) AS quantity,
           CAST(unit * 0.01 AS DECIMAL(12,2)) AS unit_price,
           CAST((quantity * unit - paid) * 0.01 AS DECIMAL(12,2)) AS discount
    FROM kept JOIN sold USING (basket_id)
"""


@dataclass(frozen=True)
class Household:
    """One copy of a household: `copy` 1 keeps its own weeks; `home` is its time zone."""

    customer_id: str
    household_id: int
    copy: int
    home: str


@dataclass(frozen=True)
class Span:
    """A customer's first and last order, or neither."""

    first: datetime | None = None
    last: datetime | None = None


def load_visits(connection: duckdb.DuckDBPyConnection, moved: Calendar) -> None:
    """Make `visits`: basket_id, household_id, bought_at (moved) and block, its week from the cut (last: -1).

    Only baskets with something in `sold` (catalogue.py) are visits. Instants here are UTC without a zone.
    """
    connection.execute(
        f"""
        CREATE TABLE visits AS
        SELECT *, {BLOCK} AS block FROM (
            SELECT basket_id, household_id, transaction_timestamp + to_days($days) AS bought_at
            FROM (SELECT DISTINCT basket_id, household_id, transaction_timestamp FROM transactions)
            WHERE basket_id IN (SELECT basket_id FROM sold)
        )
        """,
        {"cut": moved.cut, "days": 7 * moved.weeks},
    )


def household_ids(connection: duckdb.DuckDBPyConnection) -> list[int]:
    """Every household of the source, in order."""
    query = "SELECT DISTINCT household_id FROM transactions ORDER BY household_id"
    return [number for (number,) in connection.execute(query).fetchall()]


def place(
    connection: duckdb.DuckDBPyConnection,
    rng: random.Random,
    households: Sequence[Household],
    moved: Calendar,
) -> list[Bought]:
    """Make `placed` (customer_id, basket_id, ordered_at), all possible orders; a Bought a household."""
    columns = {"customer_id": "VARCHAR", "household_id": "BIGINT", "copy": "INTEGER", "hours": "INTEGER"}
    drawn = [{**vars(household), "hours": HOURS_FROM_NEW_YORK[household.home]} for household in households]
    load_rows(connection, "drawn", columns, drawn)
    weeks = [row for household in households for row in _weeks(rng, household, moved.blocks)]
    load_rows(connection, "weeks", dict.fromkeys(weeks[0], "INTEGER"), weeks)
    connection.execute(PLACED, {"cut": moved.cut})
    counts = {
        customer_id: Bought(total, settled, recent)
        for customer_id, total, settled, recent in connection.execute(
            "SELECT customer_id, count(*), count(*) FILTER (WHERE ordered_at < CAST($early AS TIMESTAMP)),"
            " count(*) FILTER (WHERE ordered_at >= CAST($recent AS TIMESTAMP))"
            " FROM placed GROUP BY customer_id",
            {"early": moved.end - timedelta(days=LAPSED_DAYS[1]), "recent": moved.cut - RECENT},
        ).fetchall()
    }
    return [counts.get(household.customer_id, Bought()) for household in households]


def keep(
    connection: duckdb.DuckDBPyConnection,
    households: Sequence[Household],
    lives: Sequence[Life],
    moved: Calendar,
) -> list[Span]:
    """Make `kept` (order_id, customer_id, basket_id, ordered_at), what lives leave; a Span a household."""
    columns = {"customer_id": "VARCHAR", "stage": "VARCHAR", "stop": "TIMESTAMP", "pick": "INTEGER"}
    rows = [
        {"customer_id": household.customer_id, "stage": life.stage, "stop": life.until, "pick": life.only}
        for household, life in zip(households, lives, strict=True)
    ]
    load_rows(connection, "lives", columns, rows)
    connection.execute(KEPT, {"recent": moved.cut - RECENT})
    spans = {
        customer_id: Span(first.replace(tzinfo=UTC), last.replace(tzinfo=UTC))
        for customer_id, first, last in connection.execute(
            "SELECT customer_id, min(ordered_at), max(ordered_at) FROM kept GROUP BY customer_id"
        ).fetchall()
    }
    return [spans.get(household.customer_id, Span()) for household in households]


def _weeks(rng: random.Random, household: Household, blocks: int) -> list[Row]:
    """Which week of the source is each week of this copy; week 0 is the hours past the cut in New York."""
    offsets = [offset for offset in range(-REACH, REACH + 1) if offset]
    rows = []
    for week in range(-blocks - 1, 1):
        if household.copy == 1:
            source = week
        elif week < -blocks:
            continue
        else:
            offset = rng.choice(offsets)
            source = week + offset if -blocks <= week + offset < 0 else week - offset
        rows.append(
            {
                "household_id": household.household_id,
                "copy": household.copy,
                "week": week,
                "source_week": source,
            }
        )
    return rows
