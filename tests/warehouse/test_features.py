from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.warehouse.workspaces import NOW, Row, Rows, ago, customer, order, workspace, write_table
from tidings.errors import TidingsError
from tidings.model.base import Noun
from tidings.model.seams import Condition
from tidings.project import Project
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.features import feature_columns, last_orders, save_features
from tidings.warehouse.tables import open_tables


def features(project: Project, now: datetime = NOW) -> dict[str, dict[str, Any]]:
    """The rows of stage 1 by customer."""
    path = project.root / "features.parquet"
    with open_warehouse(project) as warehouse:
        save_features(warehouse, open_tables(warehouse, now), [], now, path)
    return {row["customer_id"]: row for row in pq.read_table(path).to_pylist()}


def test_the_base_features_of_a_small_shop(tmp_path: Path) -> None:
    """By hand: counts, money in cents, whole days, the mean gap, the last 90 days, open cases."""
    tables: Rows = {
        "customers": [customer("1", created_at=ago(100.5)), customer("2")],
        "orders": [
            order("a", "1", ago(95), "10.10"),
            order("b", "1", ago(90), "20.20"),
            order("c", "1", ago(1.5), "0.05"),
        ],
        "cases": [
            {"case_id": "1", "customer_id": "1", "opened_at": ago(3), "closed_at": None},
            {"case_id": "2", "customer_id": "1", "opened_at": ago(3), "closed_at": ago(2)},
            {"case_id": "3", "customer_id": "1", "opened_at": ago(3), "closed_at": ago(-2)},
            {"case_id": "4", "customer_id": "1", "opened_at": ago(-1), "closed_at": None},
        ],
    }
    found = features(workspace(tmp_path, tables))
    one = found["1"]
    assert (one["orders"], one["total_spend"], one["average_order"]) == (3, 3035, 1011)
    assert (one["first_order_at"], one["last_order_at"]) == (ago(95), ago(1.5))
    assert (one["recency_days"], one["tenure_days"]) == (1, 100)
    assert one["average_gap_days"] == pytest.approx(93.5 / 2)
    assert (one["orders_90d"], one["spend_90d"]) == (2, 2025)
    assert one["open_cases"] == 2
    two = found["2"]
    assert (two["orders"], two["total_spend"], two["orders_90d"], two["spend_90d"], two["open_cases"]) == (
        0,
        0,
        0,
        0,
        0,
    )
    unknown = ("average_order", "first_order_at", "last_order_at", "recency_days", "average_gap_days")
    assert [two[name] for name in unknown] == [None] * 5


def test_without_a_table_of_cases_their_number_is_unknown(tmp_path: Path) -> None:
    """open_cases can always be asked about; where nobody keeps cases no condition on it holds."""
    assert features(workspace(tmp_path, {"customers": [customer("1")]}))["1"]["open_cases"] is None


def test_how_much_is_known_of_whom(tmp_path: Path) -> None:
    """Eighths of what should be known; a blank is not known, and where there is no such column nobody's is."""
    nothing = dict.fromkeys(("email", "phone", "first_name", "last_name", "locale", "timezone", "country"))
    rows = [
        customer("all", phone="1", last_name="Le", birth_date=date(1990, 5, 1)),
        customer("some", first_name=" ", country="", birth_date=None),
        customer("none", birth_date=None, **nothing),
    ]
    found = features(workspace(tmp_path, {"customers": rows}))
    assert {who: row["completeness"] for who, row in found.items()} == {"all": 1, "some": 3 / 8, "none": 0}
    found = features(workspace(tmp_path, {"customers": [customer("all", phone="1", last_name="Le")]}))
    assert found["all"]["completeness"] == 7 / 8


def test_no_customers_is_an_empty_table(tmp_path: Path) -> None:
    """A shop that has not opened yet refreshes too."""
    assert features(workspace(tmp_path)) == {}


def test_money_is_added_up_in_minor_units(tmp_path: Path) -> None:
    """A thousand times ten cents is a hundred dollars; floats would say 99.99999999999986."""
    orders = [order(str(n), "1", ago(5), "0.10") for n in range(1000)]
    found = features(workspace(tmp_path, {"customers": [customer("1")], "orders": orders}))
    assert found["1"]["total_spend"] == 10_000
    assert sum([0.1] * 1000) != 100


def test_a_sum_beyond_a_float_is_exact(tmp_path: Path) -> None:
    """Totals are whole in the file too, not numbers that Parquet rounds."""
    orders = [order(str(n), "1", ago(5), "9999999999.99") for n in range(10_001)]
    found = features(workspace(tmp_path, {"customers": [customer("1")], "orders": orders}))
    cents = sum(int(row["total"] * 100) for row in orders)
    assert found["1"]["total_spend"] == cents
    assert int(float(cents)) != cents


def test_contact_columns_are_in_no_snapshot(tmp_path: Path) -> None:
    """What says who somebody is stays in the one addresses file; attributes come along."""
    row = features(workspace(tmp_path, {"customers": [customer("1", tier="gold", birth_date=date(1990, 5, 1))]}))["1"]
    assert (row["tier"], row["birth_date"], row["country"]) == ("gold", date(1990, 5, 1), "US")
    assert {"email", "phone", "first_name", "last_name"} & set(row) == set()


@pytest.mark.parametrize("name", ["orders", "Total_Spend", "represents", "in__x", "since"])
def test_an_attribute_may_not_take_a_features_name(tmp_path: Path, name: str) -> None:
    """Two columns of one name would make a condition mean two things."""
    project = workspace(tmp_path, {"customers": [customer("1", **{name: 5})]})
    with (
        open_warehouse(project) as warehouse,
        pytest.raises(TidingsError, match=f"customers.{name} has the name of a feature"),
    ):
        feature_columns(warehouse.table("customers"), {})


def test_nor_that_of_a_feature_that_comes_later(tmp_path: Path) -> None:
    """A column called like a quintile would be read in its place."""
    project = workspace(tmp_path, {"customers": [customer("1", Rfm_money=5)]})
    with open_warehouse(project) as warehouse:
        customers = warehouse.table("customers")
        with pytest.raises(TidingsError, match=r"customers\.Rfm_money has the name of a feature; rename it"):
            feature_columns(customers, {"rfm_money": "number"})


class Declares(Condition):
    """A condition of a plugin that declares what a test says."""

    name = "odd"
    Config = Noun

    def aggregates(self, tables: Any, now: datetime) -> Any:
        return self.config(tables)

    def sql(self, now: datetime) -> str:
        return "TRUE"


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (lambda _: 1 / 0, "fails: ZeroDivisionError: division by zero; mend the plugin that registers it"),
        (lambda tables: {"odd__x": tables["ordrs"].count()}, "fails: KeyError: 'ordrs'; mend the plugin"),
        (lambda _: {"odd__x": 3}, "fails: AttributeError"),
        (lambda tables: {"tier": tables["orders"].count()}, "declares 'tier'; let the name begin with odd__"),
        (
            lambda tables: {"odd__x": tables["products"].price.max()},
            "declares 'odd__x' over a table without customer_id; read one that has it",
        ),
    ],
)
def test_a_condition_that_declares_nonsense_is_named(tmp_path: Path, declared: Any, said: str) -> None:
    """Before anything is read: whatever a plugin raises, and a column that could be taken for another (R55)."""  # R55
    project = workspace(tmp_path, {"customers": [customer("1", tier="gold")]})
    with open_warehouse(project) as warehouse:
        tables = open_tables(warehouse, NOW)
        with pytest.raises(TidingsError) as caught:
            save_features(warehouse, tables, [Declares(declared)], NOW, tmp_path / "features.parquet")
    assert f"the condition 'odd' {said}" in str(caught.value)


def test_columns_know_what_they_hold(tmp_path: Path) -> None:
    """Kinds decide how a literal beside a column is read."""
    more = {
        "points": 3,
        "member": True,
        "joined": date(2026, 1, 1),
        "seen": ago(3),
        "tier": "gold",
        "rate": Decimal("1.5"),
    }
    project = workspace(tmp_path, {"customers": [customer("1", **more)]})
    with open_warehouse(project) as warehouse:
        kinds = feature_columns(warehouse.table("customers"), {})
    assert {name: kinds[name] for name in more} == {
        "points": "number", "member": "boolean", "joined": "date", "seen": "time", "tier": "text", "rate": "number",
    }  # fmt: skip
    assert (kinds["total_spend"], kinds["created_at"], kinds["birth_date"]) == ("money", "time", "date")
    assert "email" not in kinds


def test_the_last_orders_come_back_from_the_file(tmp_path: Path) -> None:
    """Who was active last speaks for a person; the file says when."""
    project = workspace(tmp_path, {"customers": [customer("1"), customer("2")], "orders": [order("a", "1", ago(3))]})
    features(project)
    frame = last_orders(tmp_path / "features.parquet").set_index("customer_id")
    assert frame.loc["1", "last_order_at"] == ago(3)
    assert frame["last_order_at"].isna().to_dict() == {"1": False, "2": True}


def naive(orders: list[Row]) -> dict[str, tuple[int, int, int, int]]:
    """Orders, cents, orders and cents in 90 days, by customer, the slow way."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in orders:
        if row["ordered_at"] < NOW and row["status"] == "completed" and row["total"] >= 0:
            found[row["customer_id"]].append(row)
    return {
        who: (
            len(rows), sum(int(row["total"] * 100) for row in rows),
            sum(row["ordered_at"] >= ago(90) for row in rows),
            sum(int(row["total"] * 100) for row in rows if row["ordered_at"] >= ago(90)),
        )
        for who, rows in found.items()
    }  # fmt: skip


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from("123"), st.integers(-3, 200), st.decimals(-2, 500, places=2),
            st.sampled_from(["completed", "returned"]),
        ),
        max_size=30,
    )
)  # fmt: skip
def test_features_equal_a_naive_count(tmp_path: Path, drawn: list[tuple[str, int, Decimal, str]]) -> None:
    """Random orders: late, undone and negative ones among them."""
    rows = [order(str(n), who, ago(days), total, status=status) for n, (who, days, total, status) in enumerate(drawn)]
    project = workspace(tmp_path, {"customers": [customer(who) for who in "123"]})
    write_table(tmp_path / "data", "orders", rows)
    expected = naive(rows)
    found = features(project)
    for who in "123":
        one = found[who]
        counted = (one["orders"], one["total_spend"], one["orders_90d"], one["spend_90d"])
        assert counted == expected.get(who, (0, 0, 0, 0))
