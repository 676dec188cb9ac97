from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa

from tests.warehouse.workspaces import NOW, Rows, ago, customer, line, order, product, workspace
from tidings.recommend.baskets import Baskets, load_baskets, load_bought, purchases, sales, sold_lines, to_baskets
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.reading import fetch
from tidings.warehouse.tables import open_tables

SHOP: Rows = {
    "customers": [customer("1"), customer("2")],
    "products": [product("m1", "Milk"), product("m2", "Milk"), product("b", "Bread"), product("x", None)],
    "orders": [
        order("a", "1", ago(50)), order("b", "1", ago(20)), order("c", "2", ago(5)), order("old", "1", ago(181)),
    ],
    "order_lines": [
        line("a", "m1"), line("a", "b"), line("b", "m2"), line("b", "m2"), line("b", "x"), line("c", "b"),
        line("c", "m1", quantity=0), line("c", "m2", unit_price=Decimal(0)), line("old", "b"),
    ],
}  # fmt: skip


def held(baskets: Baskets) -> list[list[str]]:
    """The items of each basket, baskets in alphabetical order."""
    rows = baskets.matrix.toarray()
    return sorted([item for item, there in zip(baskets.items, row, strict=True) if there] for row in rows)


def loaded(root: Path, level: str) -> tuple[Baskets, pa.Table, list[str]]:
    """Baskets and what was bought, at a level; and the items of every line."""
    project = workspace(root, SHOP, mining={"level": level, "window": "180d"})
    with open_warehouse(project) as warehouse:
        lines = sold_lines(open_tables(warehouse, NOW), project.settings.mining, NOW)
        items = fetch(warehouse.backend, lines.select("item"), "lines")["item"].to_pylist()
        return load_baskets(warehouse.backend, lines), load_bought(warehouse.backend, lines), items


def test_a_basket_is_an_order_of_the_window(tmp_path: Path) -> None:
    """Categories or products, once each; what was free, given back or has no category is not in it."""
    assert held(loaded(tmp_path / "c", "category")[0]) == [["Bread"], ["Bread", "Milk"], ["Milk"]]
    assert held(loaded(tmp_path / "p", "product")[0]) == [["b"], ["b", "m1"], ["m2", "x"]]


def test_every_line_counts_where_presence_does_not(tmp_path: Path) -> None:
    """Times are lines: what somebody bought most often is what they are reminded of."""
    _, bought, items = loaded(tmp_path, "category")
    assert sorted(items) == ["Bread", "Bread", "Milk", "Milk", "Milk"]
    rows = sorted((row["customer_id"], row["product_id"], row["times"]) for row in bought.to_pylist())
    assert rows == [("1", "b", 1), ("1", "m1", 1), ("1", "m2", 2), ("2", "b", 1)]
    assert sales(bought).set_index("product_id")["sold"].to_dict() == {"b": 2, "m1": 1, "m2": 2}


def test_baskets_from_columns() -> None:
    """Items in alphabetical order, repeated pairs once, nothing from nothing."""
    found = to_baskets(pa.chunked_array([["x", "y", "x"], ["x"]]), pa.chunked_array([["sữa", "a", "a"], ["sữa"]]))
    assert found.items == ["a", "sữa"]
    assert held(found) == [["a"], ["a", "sữa"]]
    empty = to_baskets(pa.chunked_array([[]], pa.string()), pa.chunked_array([[]], pa.string()))
    assert empty.matrix.shape == (0, 0)


def test_what_all_profiles_of_a_person_bought_is_the_person_s() -> None:
    """Under the profile that speaks; the product bought most often, then last, then the first by id.

    Strangers and products without an item are left out.
    """
    bought = pa.table({
        "customer_id": ["1", "2", "1", "1", "3", "3", "4", "3"],
        "product_id": ["m1", "m2", "m2", "b", "m3", "m1", "m1", "odd"], "times": [3, 3, 1, 1, 2, 2, 9, 9],
        "last": [ago(9), ago(20), ago(30), ago(40), ago(8), ago(8), ago(8), ago(8)],
    })  # fmt: skip
    persons = pd.DataFrame(
        {"customer_id": ["1", "2", "3"], "person_key": ["p", "p", "q"], "represents": [False, True, True]}
    )
    items = {"m1": "Milk", "m2": "Milk", "m3": "Milk", "b": "Bread"}
    found = purchases(bought, items, persons, ago(10))
    assert list(found.itertuples(index=False, name=None)) == [
        ("2", "Bread", "b", 1, False), ("2", "Milk", "m2", 7, True), ("3", "Milk", "m1", 4, True),
    ]  # fmt: skip
