"""How many requests SendGrid gets for 1,000 messages, and how long they take, joined and sharing requests.

The emulator is on the same machine, so the time is ours and its own, without a network. People are of two kinds, with
three products and with two, and come in batches of 100 as the dispatcher hands them over. `make bench`.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from pydantic import SecretStr

from tidings.content.compile import compile_template
from tidings.content.context import build_context
from tidings.content.skeleton import Splitter
from tidings.model.delivery import Outgoing
from tidings.providers.sendgrid import SendGrid, SendGridConfig
from tidings.testing.sendgrid_emulator import SendGridEmulator

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE, LOCALE, CURRENCY = "second_order/thanks", "en", "USD"
MESSAGES, BATCH = 1_000, 100


def messages() -> list[Outgoing]:
    """One e-mail for each person, whole and as skeleton and holes."""
    compiled = compile_template(ROOT, TEMPLATE, channel="email", locales=[LOCALE], default_locale=LOCALE)
    splitter = Splitter()
    brand = {"name": "Sunrise", "address": "12 Orchard Lane", "website": "https://shop.example.com"}
    product = {"category": "milk", "price_minor": 349, "reason": "because_you_buy", "reason_product": "bread"}
    made = []
    for number in range(MESSAGES):
        context = build_context(
            customer={"customer_id": str(number), "first_name": f"Ana {number}", "last_name": None},
            brand=brand | {"support_email": "hello@example.com", "colour": "#0b5d4e"},
            campaign={"id": "second_order", "title": "Second order"},
            unsubscribe_url=f"https://crm.example.com/u/{number:032x}",
            sender="hello@example.com",
            locale=LOCALE,
            currency=CURRENCY,
            today=date(2026, 11, 20),
            products=[product | {"product_id": str(n), "name": f"Whole milk, {n} l"} for n in range(2 + number % 2)],
            offer=None,
        )
        rendered, skeleton, holes = splitter.render(compiled, LOCALE, context)
        outgoing = Outgoing(
            send_key=f"{number:032x}",
            channel="email",
            to=f"c{number}@example.com",
            sender="hello@example.com",
            subject=rendered.subject,
            html=rendered.html,
            text=rendered.text,
            skeleton=skeleton,
            holes=holes,
        )
        made.append(outgoing)
    return made


def measure(batch: list[Outgoing], name: str) -> None:
    """Send and print."""

    async def scenario(provider: SendGrid) -> None:
        for start in range(0, len(batch), BATCH):
            await provider.send(batch[start : start + BATCH])
        await provider.close()

    with SendGridEmulator() as emulator, tempfile.TemporaryDirectory() as folder:
        provider = SendGrid(SendGridConfig(api_key=SecretStr("SG.emulator"), host=emulator.url), root=Path(folder))
        started = time.perf_counter()
        asyncio.run(scenario(provider))
        seconds = time.perf_counter() - started
        if len(emulator.accepted) != len(batch):
            raise SystemExit("not every message was taken")
        size = sum(len(exchange.body) for exchange in emulator.exchanges) / 2**20
        sys.stdout.write(f"{name}  {emulator.calls:5} requests  {size:6.1f} MB  {seconds:6.2f} s\n")


def main() -> None:
    """Both ways."""
    shared = messages()
    measure([one.model_copy(update={"skeleton": None, "holes": {}}) for one in shared], "joined")
    measure(shared, "shared")


if __name__ == "__main__":
    main()
