"""How long one message takes, beside plain Jinja on the same sources and values, in one run on the largest e-mail.

What lies between the two is the sandbox with its limits, and the bounds on what comes out. Prints both medians and
their ratio; both must make the same page. `make bench`.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import jinja2

from tidings.content.compile import CompiledTemplate, compile_template
from tidings.content.context import build_context
from tidings.content.formats import filters
from tidings.content.render import render

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE, LOCALE, CURRENCY = "second_order/thanks", "en", "USD"
ROUNDS, MESSAGES = 21, 200


def values() -> Mapping[str, Any]:
    """What one person's message is made from: three products, no offer."""
    brand = {"name": "Sunrise", "address": "12 Orchard Lane", "website": "https://shop.example.com"}
    product = {"category": "milk", "price_minor": 349, "reason": "because_you_buy", "reason_product": "bread"}
    return build_context(
        customer={"customer_id": "7", "first_name": "Ana", "last_name": None},
        brand=brand | {"support_email": "hello@example.com", "colour": "#0b5d4e"},
        campaign={"id": "second_order", "title": "Second order"},
        unsubscribe_url="https://crm.example.com/u/0123456789abcdef",
        sender="hello@example.com",
        locale=LOCALE,
        currency=CURRENCY,
        today=date(2026, 11, 20),
        products=[product | {"product_id": str(n), "name": f"Whole milk, {n} l"} for n in (1, 2, 3)],
        offer=None,
    )


def plain(compiled: CompiledTemplate, given: Mapping[str, Any]) -> Callable[[], str]:
    """The same three sources in Jinja as it comes, with our formats; the call gives the HTML."""
    part = compiled.parts[LOCALE]
    sources = {"subject.txt": str(part.subject), "text.txt": part.text, "page.html": str(part.html)}
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(sources),
        autoescape=jinja2.select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters(LOCALE, CURRENCY)
    subject, text, html = (environment.get_template(name) for name in sources)

    def call() -> str:
        subject.render(given)
        text.render(given)
        return html.render(given)

    return call


def median(call: Callable[[], object]) -> float:
    """CPU seconds a call takes: the middle of the rounds."""
    seconds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(MESSAGES):
            call()
        seconds.append((time.process_time() - started) / MESSAGES)
    return statistics.median(seconds)


def main() -> None:
    """Time the two against each other."""
    compiled = compile_template(ROOT, TEMPLATE, channel="email", locales=[LOCALE], default_locale=LOCALE)
    given = values()
    by_jinja = plain(compiled, given)
    if render(compiled, LOCALE, given).html != by_jinja():
        raise SystemExit("the two make different pages")
    ours, theirs = median(lambda: render(compiled, LOCALE, given)), median(by_jinja)
    sys.stdout.write(f"a message of {TEMPLATE}  {ours * 1e6:6.0f} µs\n")
    sys.stdout.write(f"plain Jinja               {theirs * 1e6:6.0f} µs\n")
    sys.stdout.write(f"ratio                     {ours / theirs:6.2f}\n")


if __name__ == "__main__":
    main()
