from __future__ import annotations

import pytest

from tidings.demo.category_names import category_name
from tidings.demo.product_names import product_name, size_name, type_name


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("FLUID MILK PRODUCTS", "Milk"),
        ("COLD CEREAL", "Cereal"),
        ("FRZN ICE", "Ice"),
        ("PAPER TOWELS", "Paper Towels"),
        ("FLOUR & MEALS", "Flour and Meals"),
        ("HOSIERY/SOCKS", "Hosiery and Socks"),
    ],
)
def test_a_category_has_a_readable_name(source: str, shown: str) -> None:
    """By the table where the code is no name, else the code's own words."""
    assert shown == category_name(source)


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("FLUID MILK WHITE ONLY", "White milk"),
        ("BREAD:TORTILLAS/PITA", "Bread, tortillas/pita"),
        ("FRZN PASTRY&COOKIES", "Frozen pastry and cookies"),
        ("DRY DOG FOOD PREMIUM (ALPO/PUR", "Dry dog food premium"),
        ("CARBONATED WATER - FLVRD UNSWE", "Carbonated water, flavored"),
        ("PREMIUM", "Milk, premium"),
        ("", "Milk"),
    ],
)
def test_a_type_code_becomes_words(code: str, shown: str) -> None:
    """Abbreviations are written out; brands in brackets, half words and bare adjectives do not stay."""
    assert shown == type_name("Milk", code)


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("1 GA", "1 gal"),
        ("12 OZ", "12 oz"),
        (".5 L", "0.5 L"),
        ("1.0 OZ", "1 oz"),
        ("L     8 OZ", "8 oz"),
        ("6 PK/4 OZ", "6 × 4 oz"),
        ("10/6.75 OZ", "10 × 6.75 oz"),
        ("1/2 GAL", "1/2 gal"),
        ("GAL", "1 gal"),
        ("974246  PK", ""),
        ("(600) 4 LB", ""),
        ("CTN", ""),
        ("", ""),
    ],
)
def test_a_size_is_shown_where_a_customer_would_read_it(code: str, shown: str) -> None:
    """Amount and unit as on the shelf, or nothing."""
    assert shown == size_name(code)


def test_a_product_name_has_type_brand_and_size() -> None:
    """The house brand is named; at the counters the size is that of the case and left out."""
    assert "White milk, own brand, 1 gal" == product_name("GROCERY", "Milk", "FLUID MILK WHITE ONLY", "Private", "1 GA")
    assert "Bananas" == product_name("PRODUCE", "Tropical Fruit", "BANANAS", "National", "40 LB")
    assert "Makeup, 0.13 oz" == product_name("COSMETICS", "Makeup", "COVERGIRL", "National", ".13 OZ")
