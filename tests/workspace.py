"""Workspaces for tests: one without files, and one as a clone has it, with the small shop in it."""

from __future__ import annotations

import csv
import random
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, cast

from tidings.demo.small_shop import write_small_shop
from tidings.plugins import Plugins
from tidings.project import Project, load_project
from tidings.settings import Settings
from tidings.verbs.refresh import refresh

NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)  # the shop's last day, ten in the morning where most of it lives
DAY = timedelta(days=1)
_numbers = count(1)

SETTINGS: dict[str, Any] = {
    "workspace": "test",
    "salt": "test-0123456789abcdef",
    "brand": {
        "name": "Sunrise",
        "address": "12 Orchard Lane, Springfield",
        "website": "https://shop.example.com",
        "support_email": "hello@example.com",
    },
    "sender": {"email": "news@example.com", "name": "Sunrise"},
    "public_url": "https://crm.example.com",
    "channels": {"email": {"providers": ["outbox"]}, "sms": {"providers": ["outbox"]}},
}


def bare_project(root: Path, *, environment: str = "dev", **changes: Any) -> Project:
    """A workspace that has settings and the built-in plugins, and nothing else."""
    return Project(
        root=root,
        environment=environment,
        settings=Settings(**SETTINGS | changes),
        plugins=Plugins(),
        campaigns={},
        segments={},
        offers={},
        documents={},
    )


@cache
def _shop() -> Path:
    """The workspace of the repository with the small shop in it, refreshed once; to be copied."""
    root, here = Path(tempfile.mkdtemp(prefix="tidings-shop-")), Path(__file__).parent.parent
    for name in ("config", "segments", "templates"):
        shutil.copytree(here / name, root / name)
    (root / "plugins").mkdir()
    for path in (here / "plugins").glob("*.py"):
        shutil.copy(path, root / "plugins")
    (root / "config" / "local.yaml").write_text("channels: {email: {providers: [outbox]}}\n")
    write_small_shop(root / "data", end=date(2026, 11, 22))
    rng = random.Random(11)
    refresh(load_project(root), NOW, new_key=lambda: f"{rng.getrandbits(128):032x}")
    return root


def shop(folder: Path, source: Path | None = None) -> Project:
    """A copy of the refreshed shop, or of another one, in a folder of its own."""
    shutil.copytree(source or _shop(), folder, dirs_exist_ok=True)
    return load_project(folder)


def buy(project: Project, customer: str, at: datetime, category: str = "Milk", total: str = "12.50") -> str:
    """One more order of a customer, of one product of a category; its id."""
    order = f"T{next(_numbers):05}"
    data = project.root / "data"
    with (data / "products.csv").open(newline="") as file:
        product = next(row["product_id"] for row in csv.DictReader(file) if row["category"] == category)
    when = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = {
        "orders": [order, customer, when, total, "USD", "completed", "web"],
        "order_lines": [order, product, "1", total, "0.00"],
    }
    for name, cells in lines.items():
        with (data / f"{name}.csv").open("a", newline="") as file:
            csv.writer(file).writerow(cells)
    return order


@dataclass(frozen=True)
class Delivered:
    """One message in the outbox: its key, whom it went to, what it said."""

    key: str
    channel: str
    to: str
    text: str
    subject: str = ""
    html: str = ""


def delivered(project: Project) -> list[Delivered]:
    """Everything that has left, as the outbox has it."""
    return sorted(_read(project.state / "outbox"), key=lambda one: (one.channel, one.to, one.subject))


def _read(folder: Path) -> Iterator[Delivered]:
    for path in folder.glob("*/*"):
        if path.suffix == ".eml":
            letter = cast("EmailMessage", message_from_bytes(path.read_bytes(), policy=default))
            parts = [letter.get_body((kind,)) for kind in ("plain", "html")]
            text, html = (part.get_content() if part else "" for part in parts)
            yield Delivered(
                str(letter["X-Tidings-Key"]), "email", str(letter["To"]), text, str(letter["Subject"]), html
            )
        else:
            head, _, text = path.read_text().partition("\n\n")
            fields = dict(line.split(": ", 1) for line in head.splitlines())
            yield Delivered(fields["X-Tidings-Key"], path.parent.name, fields["To"], text)
