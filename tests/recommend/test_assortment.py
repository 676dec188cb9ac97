from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.warehouse.workspaces import NOW, product, workspace
from tidings.recommend.assortment import Assortment, candidates, load_products
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.tables import open_tables

ITEMS = {"a": "Milk", "b": "Milk", "c": "Bread"}


def loaded(root: Path, *rows: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The products by id."""
    with open_warehouse(workspace(root, {"products": list(rows)})) as warehouse:
        frame = load_products(warehouse.backend, open_tables(warehouse, NOW))
    return frame.set_index("product_id").to_dict("index")


def test_the_margin_is_what_a_sale_leaves_over(tmp_path: Path) -> None:
    """Price less cost in cents; an unknown cost is the median share: half a price here."""
    found = loaded(
        tmp_path,
        product("a", price=Decimal("2.00"), unit_cost=Decimal("1.00")),
        product("b", price=Decimal("3.00"), unit_cost=Decimal("0.30")),
        product("c", price=Decimal("4.00"), unit_cost=Decimal("3.60")),
        product("d", price=Decimal("5.01"), unit_cost=None),
    )
    assert {name: row["margin"] for name, row in found.items()} == {"a": 100, "b": 270, "c": 40, "d": 250}
    assert found["d"]["price_minor"] == 501


def test_without_any_cost_the_margin_is_the_price(tmp_path: Path) -> None:
    """A shop that keeps no costs ranks by price."""
    found = loaded(tmp_path, product("a", price=Decimal("2.00"), unit_cost=None))
    assert found["a"]["margin"] == 200


@pytest.mark.parametrize(
    ("more", "sellable"),
    [
        ({}, True),
        ({"in_stock": None}, True),
        ({"in_stock": False}, False),
        ({"unit_cost": Decimal("2.50")}, False),
        ({"price": Decimal(0), "unit_cost": None}, False),
    ],
)
def test_what_can_be_sold(tmp_path: Path, more: dict[str, Any], sellable: bool) -> None:
    """In stock, as far as is known, and not at a loss."""
    assert loaded(tmp_path, product("x", **more))["x"]["sellable"] == sellable


def test_the_best_seller_stands_for_its_item() -> None:
    """Among what can be sold; of equals the first by id; what has no item stands for none."""
    products = pd.DataFrame(
        {
            "product_id": list("abcdx"),
            "category": ["Milk", "Milk", "Bread", "Milk", None],
            "margin": 5,
            "sellable": True,
        }
    )
    products.loc[3, "sellable"] = False
    sold = pd.DataFrame({"product_id": list("xdcba"), "sold": [9, 8, 1, 3, 3]})
    found = candidates(sold, products, ITEMS | {"d": "Milk"})
    assert list(found[["item", "product_id", "sold"]].itertuples(index=False, name=None)) == [
        ("Milk", "a", 3), ("Bread", "c", 1),
    ]  # fmt: skip


def test_nothing_gets_past_the_assortment() -> None:
    """Unsellable products, and items the customer has just bought, whatever a strategy says."""
    recent = pd.DataFrame({"customer_id": ["1"], "item": ["Milk"]})
    ranked = pd.DataFrame({"customer_id": ["1", "1", "2", "2", "2"], "product_id": ["a", "c", "b", "z", "c"]})
    kept = Assortment({"a", "b", "c"}, ITEMS, recent).keep(ranked)
    assert list(kept.itertuples(index=False, name=None)) == [("1", "c"), ("2", "b"), ("2", "c")]
