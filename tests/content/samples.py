"""A brand, a person and small workspaces for the tests of the content room."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from tidings.content.compile import CompiledTemplate, compile_template
from tidings.content.context import build_context

ROOT = Path(__file__).parent.parent.parent
LOCALES = ("en", "vi", "zh")
BRAND = {
    "name": "Sunrise Dairy & Grocer",
    "address": "12 Meadow Lane, Springfield, OH 45501, USA",
    "website": "https://sunrise.example",
    "support_email": "hello@sunrise.example",
    "colour": "#0b5d4e",
}
UNSUBSCRIBE = "https://sunrise.example/u/0123456789abcdef0123456789abcdef"
PRODUCTS = [
    {"product_id": "1", "name": "Whole milk, 2 l", "category": "milk", "price_minor": 349,
     "reason": "because_you_buy", "reason_product": "breakfast cereal"},
    {"product_id": "2", "name": "Blueberry jam", "category": "jam & preserves", "price_minor": 525,
     "reason": "popular", "reason_product": None},
    {"product_id": "3", "name": "Oat bars", "category": "snacks", "price_minor": 450,
     "reason": "because_you_buy", "reason_product": "whole milk"},
]  # fmt: skip
OFFER = {"code": "COMEBACK20", "title": "Come back", "value": 0.2, "expires": date(2026, 11, 30)}
EMAIL = """<mjml lang="{{ locale }}">
  <mj-body>
    <mj-section><mj-column>
      <mj-text>{{ t.hello }}</mj-text>
      <mj-include path="partials/foot.mjml" />
    </mj-column></mj-section>
  </mj-body>
</mjml>
"""
FOOT = """<mj-text><p>{{ brand.address }}</p><a href="{{ unsubscribe_url }}">{{ t.leave }}</a></mj-text>
"""
TEXTS = 'subject: News\npreheader: Read on\nhello: Hello {{ customer.first_name or "you" }}\n'


def context(locale: str = "en", **changes: Any) -> dict[str, Any]:
    """What a template sees for one person; `changes` replace arguments of `build_context`."""
    arguments: dict[str, Any] = {
        "customer": {"customer_id": "7", "first_name": "Ana", "last_name": None, "orders": 12},
        "brand": BRAND,
        "campaign": {"id": "win_back", "title": "Bring them home"},
        "unsubscribe_url": UNSUBSCRIBE,
        "sender": "hello@sunrise.example",
        "locale": locale,
        "currency": "USD",
        "today": date(2026, 11, 20),
        "products": PRODUCTS,
        "offer": OFFER,
    }
    return build_context(**(arguments | changes))


def workspace(root: Path, files: Mapping[str, str] | None = None) -> Path:
    """A folder with one small e-mail `news/hello` in English; `files` of templates/ are added or replaced."""
    written = {
        "news/hello.mjml": EMAIL,
        "news/hello.en.yaml": TEXTS,
        "partials/foot.mjml": FOOT,
        "partials/strings.en.yaml": "leave: Unsubscribe\n",
    } | dict(files or {})
    for name, text in written.items():
        path = root / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def compiled(root: Path, name: str = "news/hello", channel: str = "email", **options: Any) -> CompiledTemplate:
    """The template compiled for English readers unless `options` say otherwise."""
    return compile_template(root, name, channel=channel, **({"locales": ["en"], "default_locale": "en"} | options))
