"""The names that templates may use, and nothing else of a person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from math import isnan
from typing import Any

from tidings.content.formats import format_share, language

KNOWN_VARIABLES: dict[str, str] = {
    "customer": "the person's attributes and features, by column name; empty ones are None",
    "customer.customer_id": "their number in the company's own books",
    "customer.first_name": "given name, perhaps None",
    "customer.last_name": "family name, perhaps None",
    "products": "recommended products in order, perhaps none",
    "products.product_id": "its number in the company's own books",
    "products.name": "product name",
    "products.category": "category, perhaps an empty text",
    "products.price": "price in minor units: write {{ product.price | money }}",
    "products.url": "web address; the shop's own where the product has none",
    "products.image_url": "web address of a picture, perhaps None",
    "products.reason": "a sentence saying why it is shown",
    "products.reason_product": "what the person buys that led to it, perhaps None",
    "offer": "the step's offer, or None: ask with {% if offer %}",
    "offer.code": "the code to type",
    "offer.title": "its title",
    "offer.text": "its terms in one sentence",
    "offer.value": "the share taken off: write {{ offer.value | percent }}",
    "offer.expires": "last day: write {{ offer.expires | date }}",
    "brand.name": "the sender's name",
    "brand.address": "postal address on one line",
    "brand.website": "web address",
    "brand.support_email": "where answers go",
    "brand.colour": "the accent colour, such as #0b5d4e",
    "brand.on_colour": "black or white, whichever reads better on the accent",
    "campaign.id": "the campaign's name",
    "campaign.title": "its title",
    "unsubscribe_url": "the person's own link to leave in one click",
    "sender": "the address or number the message comes from",
    "locale": "the language of the message",
    "currency": "ISO 4217 code of prices",
    "today": "the date of sending",
}
"""Path → meaning; `products.…` speaks of one product, `customer` has every other column of the snapshot
too."""

_REASONS = {
    "en": {"because_you_buy": "Because you buy {}", "popular": "Popular with our customers"},
    "vi": {"because_you_buy": "Vì bạn hay mua {}", "popular": "Được nhiều khách hàng chọn mua"},
    "zh": {"because_you_buy": "因为您常买“{}”", "popular": "许多顾客的选择"},
}
_OFFERS = {"en": "{} off your next order", "vi": "Giảm {} cho đơn hàng tiếp theo", "zh": "下次订单优惠{}"}
_INK, _PAPER = "#1f1a17", "#ffffff"


def build_context(
    *,
    customer: Mapping[str, Any],
    brand: Mapping[str, Any],
    campaign: Mapping[str, Any],
    unsubscribe_url: str,
    sender: str,
    locale: str,
    currency: str,
    today: date,
    products: Sequence[Mapping[str, Any]] = (),
    offer: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What a template sees, all of it plain data.

    `customer` is a row of people and addresses. `products` are rows of the recommendations in order of rank,
    with price_minor and the reason as a code. `locale` is `CompiledTemplate.reader_locale` of the person's.
    `campaign` has id and title; `brand` name, address, website, support_email and colour; `offer` code,
    title, value (share of 1), expires (date) and perhaps text. A brand's values and an offer's title and text
    may be mappings of language → text. What is missing (NaN, NaT, NA) becomes None.
    """
    kit = {key: _localised(value, locale) for key, value in brand.items()}
    kit["on_colour"] = readable_on(str(kit["colour"]))
    return {
        "customer": {key: _plain(value) for key, value in customer.items()},
        "products": [_product(row, locale, str(kit["website"])) for row in products],
        "offer": None if offer is None else _offer(offer, locale),
        "brand": kit,
        "campaign": {"id": campaign["id"], "title": campaign["title"]},
        "unsubscribe_url": unsubscribe_url,
        "sender": sender,
        "locale": locale,
        "currency": currency,
        "today": today,
    }


def reason_sentence(code: str, product: str | None, locale: str) -> str:
    """Why a product is shown, in the reader's language; as a popular one where the code is unknown."""
    sentences = _REASONS.get(language(locale), _REASONS["en"])
    if code == "because_you_buy" and product:
        return sentences[code].format(product)
    return sentences["popular"]


def readable_on(colour: str) -> str:
    """Ink or paper, whichever has the higher contrast on `colour` (#rrggbb, WCAG 2 formula)."""
    return max((_PAPER, _INK), key=lambda text: contrast(text, colour))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours #rrggbb, 1 to 21 (WCAG 2.2, success criterion 1.4.3)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _product(row: Mapping[str, Any], locale: str, website: str) -> dict[str, Any]:
    reason_product = _plain(row.get("reason_product"))
    return {
        "product_id": row.get("product_id"),
        "name": _plain(row.get("name")) or "",
        "category": _plain(row.get("category")) or "",
        "price": _plain(row.get("price_minor")),
        "url": _web(row.get("url")) or website,
        "image_url": _web(row.get("image_url")),
        "reason": reason_sentence(str(row.get("reason")), reason_product, locale),
        "reason_product": reason_product,
    }


def _offer(offer: Mapping[str, Any], locale: str) -> dict[str, Any]:
    value = offer.get("value")
    text = _localised(offer.get("text"), locale)
    if not text and value is not None:
        text = _OFFERS.get(language(locale), _OFFERS["en"]).format(format_share(value, locale))
    return {
        "code": offer["code"],
        "title": _localised(offer.get("title"), locale) or text,
        "text": text,
        "value": value,
        "expires": offer.get("expires"),
    }


def _localised(value: Any, locale: str) -> Any:
    if not isinstance(value, Mapping):
        return value
    return next((value[tag] for tag in (locale, language(locale), "en") if tag in value), next(iter(value.values())))


def _plain(value: Any) -> Any:
    """A value without its library: NumPy's scalars as Python's, what is missing as None."""
    if isinstance(value, (str, bool, int)):
        return value
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if hasattr(value, "tolist"):
        value = value.tolist()
    return None if isinstance(value, float) and isnan(value) else value


def _web(url: Any) -> str | None:
    """The address if it is one that a link in a message may lead to."""
    text = _plain(url)
    return text if isinstance(text, str) and re.match(r"https?://[^\s/]", text) else None
