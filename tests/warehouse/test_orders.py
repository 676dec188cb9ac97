from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from tests.warehouse.workspaces import NOW, Row, ago, customer, line, order, product, workspace
from tidings.project import Project
from tidings.warehouse.orders import COLUMNS, orders_since


def asked(**since: object) -> pd.DataFrame:
    """customer_id and since."""
    return pd.DataFrame({"customer_id": list(since), "since": pd.to_datetime(list(since.values()), utc=True)})


def shop(root: Path) -> Project:
    """Two customers, four orders, milk and bread."""
    return workspace(
        root,
        {
            "customers": [customer("a"), customer("b")],
            "orders": [
                order("1", "a", ago(10), "12.34"),
                order("2", "a", ago(5), "5.00"),
                order("3", "b", ago(5), "7.00"),
                order("4", "a", ago(2), "9.00", status="returned"),
            ],
            "order_lines": [
                line("1", "milk"),
                line("1", "bread"),
                line("2", "bread"),
                line("3", "milk"),
                line("4", "milk"),
            ],
            "products": [product("milk", "Milk"), product("bread", "Bread")],
        },
    )


def ids(frame: pd.DataFrame) -> list[str]:
    """The orders found, in order."""
    return list(frame["order_id"])


def test_orders_count_from_since_and_before_now(tmp_path: Path) -> None:
    """The interval is half open: an order at `since` counts, one at `now` does not."""
    project, second = shop(tmp_path), timedelta(seconds=1)
    assert ids(orders_since(project, asked(a=ago(10), b=ago(10)), NOW)) == ["1", "2", "3"]
    assert ids(orders_since(project, asked(a=ago(10) + second), NOW)) == ["2"]
    assert ids(orders_since(project, asked(a=ago(10)), ago(5))) == ["1"]
    assert ids(orders_since(project, asked(a=ago(10)), ago(5) + second)) == ["1", "2"]


def test_each_customer_has_a_moment_of_their_own(tmp_path: Path) -> None:
    """The earliest `since` of all lets nobody else's older orders in."""
    assert ids(orders_since(shop(tmp_path), asked(a=ago(6), b=ago(100)), NOW)) == ["2", "3"]


def test_a_goal_may_ask_for_a_line(tmp_path: Path) -> None:
    """`where` picks orders that hold the category or product; the value stays that of the whole order."""
    project, everybody = shop(tmp_path), asked(a=ago(99), b=ago(99))
    milk = orders_since(project, everybody, NOW, {"category": "Milk"})
    assert ids(milk) == ["1", "3"]
    assert list(milk["value"]) == [1234, 700]
    assert ids(orders_since(project, everybody, NOW, {"product": "bread"})) == ["1", "2"]
    assert ids(orders_since(project, everybody, NOW, {"category": "Fish"})) == []


def test_nobody_asked_and_nobody_found_have_the_same_columns(tmp_path: Path) -> None:
    """An empty answer can be joined like a full one."""
    project = shop(tmp_path)
    for frame in (orders_since(project, asked(), NOW), orders_since(project, asked(nobody=ago(99)), NOW)):
        assert set(frame.columns) == set(COLUMNS)
        assert frame.empty
        assert str(frame["ordered_at"].dtype) == "datetime64[us, UTC]"
        assert str(frame["value"].dtype) == "int64"


def test_broken_and_repeated_rows_do_not_count(tmp_path: Path) -> None:
    """The latest sound row of an order is the order, here as in the refresh."""
    orders = [
        order("1", "a", ago(9), "10"), order("1", "a", ago(4), "20"), order("2", "a", ago(3), "-1"),
        order("3", "a", ago(3), currency="EUR"), order(None, "a", ago(3)),
    ]  # fmt: skip
    project = workspace(tmp_path, {"customers": [customer("a")], "orders": orders})
    found = orders_since(project, asked(a=ago(10)), NOW)
    assert list(zip(found["order_id"], found["value"], strict=True)) == [("1", 2000)]


@pytest.mark.parametrize("where", [{}, {"category": "Milk"}, {"product": "p1"}])
def test_orders_since_equals_a_naive_search(tmp_path: Path, where: dict[str, str]) -> None:
    """300 random orders of 40 customers, each with a moment of their own."""
    draw = random.Random(5)
    products = {f"p{n}": draw.choice(["Milk", "Bread"]) for n in range(6)}
    orders = [
        order(str(n), f"c{draw.randrange(40)}", ago(draw.uniform(-2, 60)), draw.randrange(90)) for n in range(300)
    ]
    lines = [line(row["order_id"], name) for row in orders for name in draw.sample(sorted(products), 2)]
    since = {f"c{n}": ago(draw.uniform(0, 60)) for n in range(40)}
    tables: dict[str, list[Row]] = {
        "customers": [customer(who) for who in since], "orders": orders, "order_lines": lines,
        "products": [product(name, category) for name, category in products.items()],
    }  # fmt: skip
    held = {
        row["order_id"]
        for row in lines
        if where.items() <= {"product": row["product_id"], "category": products[row["product_id"]]}.items()
    }
    expected = {
        (row["customer_id"], row["order_id"], int(row["total"] * 100)) for row in orders
        if since[row["customer_id"]] <= row["ordered_at"] < NOW and row["order_id"] in held
    }  # fmt: skip
    found = orders_since(workspace(tmp_path, tables), asked(**since), NOW, where)
    assert set(zip(found["customer_id"], found["order_id"], found["value"], strict=True)) == expected
    assert found["ordered_at"].is_monotonic_increasing
