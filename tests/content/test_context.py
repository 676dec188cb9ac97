"""The names that templates may use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.content.samples import BRAND, OFFER, PRODUCTS, ROOT, context
from tidings.content.context import KNOWN_VARIABLES, contrast, readable_on, reason_sentence


def paths(value: Any, above: str = "") -> Iterator[str]:
    """The dotted paths of a context, through its first product."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, f"{above}.{key}" if above else key)
    elif isinstance(value, list):
        yield from paths(value[0], above)
    else:
        yield above


def test_every_name_is_documented_and_there() -> None:
    """KNOWN_VARIABLES, what a context holds and docs/templates.md agree."""
    listed = set(KNOWN_VARIABLES) - {"customer", "products", "offer"}
    assert listed | {"customer.orders"} == set(paths(context()))
    page = (ROOT / "docs/templates.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| (.*) \|$", page, re.MULTILINE))
    assert KNOWN_VARIABLES == {name: rows.get(name) for name in KNOWN_VARIABLES}


def test_what_libraries_call_missing_is_none() -> None:
    """NumPy's and pandas' values become Python's; NaN, NaT and NA become None."""
    row = {
        "a": np.int64(3),
        "b": np.float64("nan"),
        "c": pd.NaT,
        "d": pd.NA,
        "e": np.array(["x", "y"]),
        "f": pd.Timestamp("2026-01-02", tz="UTC"),
        "g": np.bool_(True),
        "h": float("nan"),
    }
    customer = context(customer=row)["customer"]
    assert [3, None, None, None, ["x", "y"], True, None] == [customer[key] for key in "abcdegh"]
    assert 2026 == customer["f"].year
    assert (int, bool) == (type(customer["a"]), type(customer["g"]))


def test_products_without_an_address_lead_to_the_shop() -> None:
    """Only http and https addresses are linked; a picture is shown only from one."""
    rows = [
        {**PRODUCTS[0], "url": url, "image_url": url}
        for url in (
            "https://shop.example/1",
            "javascript:alert(1)",
            "data:text/html,x",
            None,
            float("nan"),
            "//x",
            "https://",
        )
    ]
    products = context(products=rows)["products"]
    assert ["https://shop.example/1", *[BRAND["website"]] * 6] == [product["url"] for product in products]
    assert ["https://shop.example/1", *[None] * 6] == [product["image_url"] for product in products]


@pytest.mark.parametrize(
    ("locale", "because", "popular"),
    [
        ("en", "Because you buy milk", "Popular with our customers"),
        ("vi-VN", "Vì bạn hay mua milk", "Được nhiều khách hàng chọn mua"),
        ("zh", "因为您常买“milk”", "许多顾客的选择"),
        ("fr", "Because you buy milk", "Popular with our customers"),
    ],
)
def test_reasons_are_sentences_in_the_readers_language(locale: str, because: str, popular: str) -> None:
    """A reason without its product, and an unknown one, fall back to popularity."""
    assert because == reason_sentence("because_you_buy", "milk", locale)
    assert [popular] * 3 == [
        reason_sentence("because_you_buy", None, locale),
        reason_sentence("popular", "milk", locale),
        reason_sentence("new_model", "milk", locale),
    ]


def test_an_offer_has_a_sentence_in_the_readers_language() -> None:
    """Its share makes one where it has no text of its own; words may be given by language."""
    assert "20% off your next order" == context()["offer"]["text"]
    assert "Giảm 20% cho đơn hàng tiếp theo" == context("vi")["offer"]["text"]
    assert "下次订单优惠20%" == context("zh")["offer"]["text"]
    own = {**OFFER, "text": {"en": "A fifth off", "vi": "Bớt một phần năm"}, "title": {"en": "Home"}}
    assert ["A fifth off", "Home"] == [context(offer=own)["offer"][key] for key in ("text", "title")]
    assert "Bớt một phần năm" == context("vi", offer=own)["offer"]["text"]
    assert context(offer=None)["offer"] is None


def test_a_brand_may_speak_each_language() -> None:
    """A value by language is chosen for the reader, English or the first one otherwise."""
    brand = BRAND | {"name": {"vi": "Bình Minh", "en": "Sunrise"}, "address": {"vi": "Hà Nội"}}
    assert ["Bình Minh", "Sunrise", "Sunrise"] == [
        context(tag, brand=brand)["brand"]["name"] for tag in ("vi-VN", "en", "zh")
    ]
    assert "Hà Nội" == context("en", brand=brand)["brand"]["address"]


@pytest.mark.parametrize(("colour", "text"), [("#a8380f", "#ffffff"), ("#0b5d4e", "#ffffff"), ("#ffd54a", "#1f1a17")])
def test_text_on_the_accent_is_the_readable_one(colour: str, text: str) -> None:
    """Black or white by contrast, at least 4.5 to 1 on colours a brand would choose."""
    assert text == readable_on(colour) == context(brand=BRAND | {"colour": colour})["brand"]["on_colour"]
    assert contrast(text, colour) >= 4.5


def test_contrast_is_that_of_wcag() -> None:
    """Black on white is 21 to 1, a colour on itself 1 to 1, mid grey on white 4.48 to 1 (WCAG 2.2)."""
    assert 21 == pytest.approx(contrast("#000000", "#ffffff"))
    assert 1 == pytest.approx(contrast("#123456", "#123456"))
    assert 4.48 == pytest.approx(contrast("#777777", "#ffffff"), abs=0.005)
