from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tidings.demo import tables
from tidings.demo.small_shop import HABITS, PRODUCTS, write_small_shop
from tidings.demo.tables import ShopSummary

END = date(2026, 6, 30)
CUT = datetime(2026, 6, 30, tzinfo=UTC)
COLUMNS = {
    "customers": tables.CUSTOMERS,
    "orders": tables.ORDERS,
    "order_lines": tables.ORDER_LINES,
    "products": tables.PRODUCTS,
    "consents": tables.CONSENTS,
    "cases": tables.CASES,
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> ShopSummary:
    """The shop that `tidings init` writes."""
    return write_small_shop(tmp_path_factory.mktemp("small"), end=END)


def _rows(shop: ShopSummary, table: str) -> list[dict[str, str]]:
    with (shop.folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _baskets(shop: ShopSummary) -> dict[str, set[str]]:
    names = {row["product_id"]: row["name"] for row in _rows(shop, "products")}
    baskets = defaultdict(set)
    for line in _rows(shop, "order_lines"):
        baskets[line["order_id"]].add(names[line["product_id"]])
    return baskets


@pytest.mark.parametrize("table", COLUMNS)
def test_a_table_has_the_columns_of_the_source_contract_in_types_a_reader_guesses(
    shop: ShopSummary, table: str
) -> None:
    """DuckDB reads every column as it is meant, but for decimals, which CSV cannot tell from floats."""
    guessed = {"DECIMAL(12,2)": "DOUBLE", "TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE", "INTEGER": "BIGINT"}
    described = duckdb.sql(f"DESCRIBE FROM '{shop.folder / table}.csv'").fetchall()
    expected = {name: guessed.get(kind, kind) for name, kind in COLUMNS[table].items()}
    assert expected == {name: kind for name, kind, *_ in described}
    assert shop.rows[table] == len(_rows(shop, table))


def test_equal_arguments_give_equal_files(shop: ShopSummary, tmp_path: Path) -> None:
    """Byte for byte; another seed gives other customers."""
    write_small_shop(tmp_path / "same", end=END)
    write_small_shop(tmp_path / "other", end=END, seed=8)
    for file in sorted(shop.folder.iterdir()):
        assert file.read_bytes() == (tmp_path / "same" / file.name).read_bytes()
    assert (shop.folder / "customers.csv").read_bytes() != (tmp_path / "other" / "customers.csv").read_bytes()


def test_it_needs_nothing_but_the_standard_library(tmp_path: Path) -> None:
    """The wheel without extras, even a Python without site-packages, writes it."""
    program = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2] / 'plugins')!r})\n"
        "from datetime import date; from pathlib import Path\n"
        "from tidings.demo.small_shop import write_small_shop\n"
        f"write_small_shop(Path({str(tmp_path)!r}), end=date(2026, 6, 30))"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True)
    assert sorted(f"{table}.csv" for table in COLUMNS) == sorted(path.name for path in tmp_path.iterdir())


def test_a_year_of_orders_ends_at_the_end(shop: ShopSummary) -> None:
    """Orders lie within 52 weeks before midnight of the last day, after their customer signed up."""
    since = {row["customer_id"]: row["created_at"] for row in _rows(shop, "customers")}
    orders = _rows(shop, "orders")
    times = [datetime.fromisoformat(row["ordered_at"]) for row in orders]
    assert CUT - timedelta(weeks=52) <= min(times)
    assert CUT - timedelta(days=1) < max(times) < CUT
    assert times == sorted(times)
    assert all(since[row["customer_id"]] < row["ordered_at"] for row in orders)


def test_totals_tie_to_lines_to_the_cent(shop: ShopSummary) -> None:
    """An order's total is the sum of quantity x unit price - discount, and something was paid."""
    lines: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in _rows(shop, "order_lines"):
        lines[line["order_id"]] += int(line["quantity"]) * Decimal(line["unit_price"]) - Decimal(line["discount"])
    totals = {row["order_id"]: Decimal(row["total"]) for row in _rows(shop, "orders")}
    assert totals == lines
    assert min(totals.values()) > 0


def test_there_are_30_products_in_9_categories(shop: ShopSummary) -> None:
    """Milk, coffee and cereal among them; each is bought, each costs less than its price."""
    products = _rows(shop, "products")
    categories = Counter(row["category"] for row in products)
    assert (30, 9) == (len(products), len(categories))
    assert {"Milk", "Coffee", "Cereal"} <= set(categories)
    assert all(Decimal(row["unit_cost"]) < Decimal(row["price"]) for row in products)
    assert set().union(*_baskets(shop).values()) == {name for name, *_ in PRODUCTS}


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit[0][0])
def test_what_was_planted_together_is_found_together(
    shop: ShopSummary, habit: tuple[tuple[str, ...], tuple[str, ...], float]
) -> None:
    """Of each habit, some pair stands in over 1 % of the baskets with a lift over 1.2."""
    baskets = list(_baskets(shop).values())

    def share(names: set[str]) -> float:
        return sum(names <= basket for basket in baskets) / len(baskets)

    pairs = [(first, then) for first in habit[0] for then in habit[1]]
    lifts = [share({a, b}) / (share({a}) * share({b})) for a, b in pairs if share({a, b}) > 0.01]
    assert max(lifts, default=0) > 1.2


def test_every_campaign_has_an_audience(shop: ShopSummary) -> None:
    """Lapsed milk buyers with money spent, first-time buyers, the never ordered and many regulars."""
    customers = len(_rows(shop, "customers"))
    expected = {"lapsed": 0.15, "first_time": 0.08, "registered": 0.03}
    assert {stage: round(share * customers) for stage, share in expected.items()} == {
        stage: count for stage, count in shop.states.items() if stage != "regular"
    }
    baskets = _baskets(shop)
    milk = {name for name, category, *_ in PRODUCTS if category == "Milk"}
    orders, spent = Counter(), Counter()
    last_milk: dict[str, str] = {}
    for order in _rows(shop, "orders"):
        orders[order["customer_id"]] += 1
        spent[order["customer_id"]] += Decimal(order["total"])
        if milk & baskets[order["order_id"]]:
            last_milk[order["customer_id"]] = order["ordered_at"]
    quiet = (CUT - timedelta(days=45)).isoformat()
    win_back = [who for who, at in last_milk.items() if at < quiet and orders[who] >= 3 and spent[who] >= 300]
    assert len(win_back) >= 8
    assert sum(count == 1 for count in orders.values()) >= round(0.08 * customers)


def test_customers_have_consents_complaints_and_flaws(shop: ShopSummary) -> None:
    """Enough of each for every gate of a plan to have something to say."""
    customers = _rows(shop, "customers")
    emails = Counter(row["email"].strip().lower() for row in customers)
    assert emails[""] == round(0.04 * 240)
    assert sum(count > 5 for email, count in emails.items() if email) == 1
    assert sum(count == 2 for count in emails.values()) == round(0.02 * 240)
    consents = Counter((row["channel"], row["state"]) for row in _rows(shop, "consents"))
    assert consents["email", "granted"] == round(0.84 * 240)
    assert consents["sms", "granted"] == round(0.60 * 240)
    assert consents["email", "withdrawn"] > 0
    assert sum(not row["closed_at"] for row in _rows(shop, "cases")) >= 5
    assert {"en", "vi", "zh", ""} == {row["locale"] for row in customers}


def test_the_number_of_customers_can_be_chosen(tmp_path: Path) -> None:
    """Shares hold at other sizes."""
    summary = write_small_shop(tmp_path, end=END, customers=1000)
    assert (1000, 150) == (summary.rows["customers"], summary.states["lapsed"])
