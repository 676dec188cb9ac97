"""A refresh says what each customer earned and cost; `profit` adds it up."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.databases import empty_postgres
from tests.verbs.commands import answer
from tests.warehouse.workspaces import NOW, Row, ago, cost, customer, event, line, order, product, workspace
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.snapshots import current_snapshot, summary
from tidings.model.costing import ProfitShape
from tidings.model.seams import CostDriver, Snapshot
from tidings.project import Project
from tidings.testing.ledger_rows import add_message, add_persons, add_plan, key
from tidings.verbs.profit import profit
from tidings.verbs.refresh import refresh

OCTOBER = ago(20)
COSTS = [
    cost("2026-10", "delivery", "10.00", "deliveries"), cost("2026-10", "picking", "3.00", "order_lines", "unit"),
    cost("2026-10", "calls", "2.00", "cases", "customer"), cost("2026-10", "rent", "40.00", None, "business"),
    cost("2026-11", "delivery", "99.00"), cost("2025-10", "delivery", "99.00"), cost("2026-14", "delivery", "99.00"),
    cost("2026-10", "delivery", "99.00", level="galaxy"),
]  # fmt: skip
TABLES: dict[str, list[Row]] = {
    "customers": [customer("a"), customer("b"), customer("c")],
    "orders": [
        order("1", "a", OCTOBER), order("2", "a", OCTOBER + timedelta(hours=1)), order("3", "b", OCTOBER),
        order("4", "gone", OCTOBER), order("5", "b", OCTOBER, status="returned"), order("6", "c", ago(40)),
    ],
    "order_lines": [
        line("1", "milk", quantity=3, discount=Decimal("0.50")), line("1", "gift"), line("2", "milk"),
        line("3", "milk", discount=None), line("4", "milk"), line("5", "milk", quantity=50), line("6", "milk"),
    ],
    "products": [product("milk"), product("gift", unit_cost=None)],
    "activity_costs": COSTS,
}  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Three customers in October: two orders on one day, one order, none; and an order of who is in no table."""
    segments = {"costly": ["profit < 0"], "dear": ["activity_cost > 5"]}
    project = workspace(tmp_path_factory.mktemp("profit"), TABLES, segments=segments)
    refresh(project, NOW)
    return project


def snapshot(project: Project) -> Snapshot:
    """The current one."""
    with Ledger.open(project, create=False) as ledger, ledger.read() as connection:
        return current_snapshot(connection, project.root)


def held(project: Project) -> dict[str, tuple[int, int, int]]:
    """margin, activity_cost and profit of each customer."""
    people = pd.read_parquet(snapshot(project).people, columns=["customer_id", "margin", "activity_cost", "profit"])
    return {row.customer_id: (row.margin, row.activity_cost, row.profit) for row in people.itertuples()}


def test_margins_less_what_was_done(project: Project) -> None:
    """The day's two orders are one delivery; what November and 2025 cost is not of this time; conditions ask for it."""
    with Ledger.open(project, create=False) as ledger, ledger.read() as connection:
        told = summary(connection, snapshot(project).snapshot_id)
    assert told["quarantined"] == {"activity_costs.period": 1, "activity_costs.cost_level": 1}
    # a: 3 × 1.25 − 0.50 + 1.25 and one of three deliveries, three of five lines; b: 1.25, one of each.
    assert held(project) == {"a": (450, 333 + 180, -63), "b": (125, 333 + 60, -268), "c": (0, 0, 0)}
    assert told["segments"] == {"costly": 2, "dear": 1}


def test_what_it_adds_up_to(project: Project) -> None:
    """Pool by pool, with what is left, and why; the lines without a cost; the curve."""
    shape = answer(project, ProfitShape, "profit")
    assert (str(shape.since), str(shape.until)) == ("2026-10-01", "2026-11-01")
    assert (shape.lines, shape.revenue, shape.lines_without_cost, shape.revenue_without_cost) == (5, 1700, 1, 250)
    assert (shape.margin, shape.margin_of_others) == (575, 125)
    pools = {each.activity: each for each in shape.pools}
    assert {name: (each.volume, each.assigned, each.unassigned, each.reason) for name, each in pools.items()} == {
        "calls": (0, 0, 200, "no_events"), "delivery": (3, 666, 334, "other_customers"),
        "picking": (5, 240, 60, "other_customers"), "rent": (0, 0, 4000, "business"),
    }  # fmt: skip
    assert (pools["picking"].rate, pools["rent"].rate) == (60, None)
    assert (shape.costs, shape.assigned, shape.unassigned) == (5500, 906, 4594)
    assert shape.profit is not None
    assert (shape.profit, shape.result) == (575 - 906, 575 + 125 - 5500)
    assert shape.whale is not None
    assert (shape.whale.customers, shape.whale.losing, shape.whale.total) == (2, 2, shape.profit)


def test_months_are_kept(project: Project) -> None:
    """Whoever earned or cost something in a month has a row; they add up to the features."""
    months = pd.read_parquet(snapshot(project).months)
    assert list(months.columns) == ["customer_id", "month", "margin", "activity_cost", "contact_cost"]
    assert months["month"].dt.strftime("%Y-%m-%d").unique().tolist() == ["2026-10-01"]
    assert dict(zip(months["customer_id"], months["activity_cost"], strict=True)) == {"a": 513, "b": 393}


def test_without_costs_there_are_margins(tmp_path: Path) -> None:
    """Of the months that ended within the time that counts; profit is not known, and nothing is drawn."""
    tables = {name: rows for name, rows in TABLES.items() if name != "activity_costs"}
    project = workspace(tmp_path, tables, segments={"known": ["profit is not null"]})
    assert refresh(project, NOW).segments == {"known": 0}
    assert {who: margin for who, (margin, _, _) in held(project).items()} == {"a": 450, "b": 125, "c": 125}
    shape = profit(project)
    assert (str(shape.since), shape.profit, shape.result, shape.whale, shape.pools) == (
        "2025-11-01",
        None,
        None,
        None,
        [],
    )
    with pytest.raises(TidingsError, match="no profit to draw"):
        profit(project, picture=tmp_path / "whale.png")


def test_no_month_has_ended(tmp_path: Path) -> None:
    """Nothing is known, and nothing fails."""
    project = workspace(tmp_path, TABLES, profit={"within": "10d"}, segments={})
    refresh(project, NOW + timedelta(days=20))
    assert all(pd.isna(each) for values in held(project).values() for each in values)
    assert profit(project).since is None
    snapshot(project).costing.unlink()  # as of a release before profit
    with pytest.raises(TidingsError, match="knows nothing of profit"):
        profit(project)


def test_lines_in_another_currency_are_converted(tmp_path: Path) -> None:
    """By the rate of their order: 2 × 2.50 EUR at 1.20 less 2 × 1.25 USD."""
    tables = {
        "customers": [customer("a")], "orders": [order("1", "a", OCTOBER, currency="EUR")],
        "order_lines": [line("1", "milk", quantity=2)], "products": [product("milk")],
        "fx": [{"date": ago(30).date(), "currency": "EUR", "rate": Decimal("1.20")}],
    }  # fmt: skip
    project = workspace(tmp_path, tables)
    refresh(project, NOW)
    assert held(project)["a"][0] == 600 - 250


def test_it_is_what_a_naive_count_says(tmp_path: Path) -> None:
    """Two hundred orders at odd prices, in a zone where months begin elsewhere, against plain Python."""
    rng = random.Random(4)
    names = [str(number) for number in range(12)]
    prices = {name: Decimal(rng.randint(1, 9999)) / 100 for name in names}
    zone_hours = timedelta(hours=7)
    orders = [order(str(n), rng.choice(names), ago(rng.uniform(0, 70))) for n in range(200)]
    lines = [
        line(each["order_id"], name, quantity=rng.randint(1, 4), unit_price=prices[rng.choice(names)])
        for each in orders for name in rng.sample(names, rng.randint(1, 3))
    ]  # fmt: skip
    tables = {
        "customers": [customer(name) for name in names], "orders": orders, "order_lines": lines,
        "products": [product(name, unit_cost=price / 3) for name, price in prices.items()],
        "activity_costs": [cost("2026-09", "x", "77.77"), cost("2026-10", "x", "88.88", "customers", "customer")],
    }  # fmt: skip
    for each in tables["products"]:
        each["unit_cost"] = each["unit_cost"].quantize(Decimal("0.01"), ROUND_HALF_UP)
    project = workspace(tmp_path, tables, timezone="Asia/Ho_Chi_Minh", segments={})
    refresh(project, NOW)

    def month(each: Row) -> str:
        return f"{each['ordered_at'] + zone_hours:%Y-%m}"

    by_id = {each["order_id"]: each for each in orders if month(each) in ("2026-09", "2026-10")}
    costs = {each["product_id"]: each["unit_cost"] for each in tables["products"]}
    margins: Counter[str] = Counter()
    for each in lines:
        if each["order_id"] in by_id:
            gain = (each["unit_price"] - costs[each["product_id"]]) * each["quantity"]
            margins[by_id[each["order_id"]]["customer_id"]] += int(gain * 100)
    assert {who: margin for who, (margin, _, _) in held(project).items()} == {name: margins[name] for name in names}
    september = Counter(each["customer_id"] for each in by_id.values() if month(each) == "2026-09")
    october = {each["customer_id"] for each in by_id.values() if month(each) == "2026-10"}
    for who, (_, spent, _) in held(project).items():
        exact = Decimal(7777 * september[who]) / september.total() + Decimal(8888 * (who in october)) / len(october)
        assert abs(spent - exact) < 2
    assert sum(spent for _, spent, _ in held(project).values()) == 7777 + 8888


def test_postgresql_says_the_same(project: Project, tmp_path: Path) -> None:
    """Margins, months and drivers, to the last cent, from the same tables there."""
    url = empty_postgres()
    connection = ibis.connect(url)
    for path in project.warehouse_folder.glob("*.parquet"):
        connection.create_table(path.stem, pq.read_table(path))
    connection.disconnect()
    other = workspace(tmp_path, warehouse={"url": url}, segments={})
    refresh(other, NOW)
    assert held(other) == held(project)
    told = {"snapshot": "", "as_of": NOW}
    assert profit(other).model_copy(update=told) == profit(project).model_copy(update=told)


class Visits(CostDriver):
    """Times somebody came in, as the events table has them."""

    name = "visits"

    def events(self, tables: Mapping[str, ir.Table]) -> ir.Table:
        """One for each."""
        events = tables["events"]
        return events.select("customer_id", at=events.occurred_at)


def test_a_driver_of_a_plugin_and_messages(tmp_path: Path) -> None:
    """A company's own driver is one like the built-in ones; messages are those that were sent, not those held back."""
    tables = {
        "customers": [customer("a"), customer("b")],
        "events": [event(str(number), who, "came", OCTOBER) for number, who in enumerate("abb")],
        "activity_costs": [
            cost("2026-10", "welcome", "0.90", "visits"), cost("2026-10", "letters", "0.40", "contacts"),
        ],
    }  # fmt: skip
    project = workspace(tmp_path, tables, segments={})
    project.plugins.drivers["visits"] = Visits
    with Ledger.open(project) as ledger, ledger.write() as connection:
        add_persons(connection, key(1), key(2))
        add_plan(connection)
        add_message(connection, key(1), customer_id="a", state="accepted", counted_at=OCTOBER)
        add_message(connection, key(2), customer_id="b", state="withheld", counted_at=OCTOBER)
    refresh(project, NOW)
    assert {who: spent for who, (_, spent, _) in held(project).items()} == {"a": 30 + 40, "b": 60}
