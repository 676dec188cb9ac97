"""A small stage for planning and delivery: a snapshot written by hand, real templates, and a ledger of either kind.

No warehouse: what a plan and the dispatcher read of a refresh is laid out here, so that each test says who is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pytest
from sqlalchemy import func, select

from tests.databases import SQLITE, copy_sqlite
from tests.workspace import bare_project
from tidings.delivery.claim import Claimed, Scope, claim
from tidings.hookspecs import hookimpl
from tidings.ledger.consents import save_consents
from tidings.ledger.contacts import save_contacts
from tidings.ledger.database import Ledger
from tidings.ledger.keys import random_key
from tidings.ledger.persons import load_profiles, save_persons, save_profiles
from tidings.ledger.snapshots import current_snapshot, publish_snapshot
from tidings.ledger.tables import messages
from tidings.model.base import Noun
from tidings.model.campaign import Campaign, Segment
from tidings.model.delivery import Outcome, Outgoing
from tidings.model.seams import Provider
from tidings.planning.people import load_contacts
from tidings.planning.plan import Plan
from tidings.project import Project
from tidings.verbs.plan import plan

NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)  # ten in the morning in New York, ten in the evening in Hanoi
DAY = timedelta(days=1)
SEGMENTS = ("readers", "angry", "loyal")
MJML = """<mjml lang="{{ locale }}"><mj-body><mj-section><mj-column>
  <mj-text>{{ t.hello }}</mj-text>
  <mj-text>{% for product in products %}<p>{{ product.name }}</p>{% endfor %}</mj-text>
  <mj-text><p>{{ brand.address }}</p><a href="{{ unsubscribe_url }}">{{ t.leave }}</a></mj-text>
</mj-column></mj-section></mj-body></mjml>
"""
TEXTS = """subject: News for {{ customer.first_name or "you" }}
preheader: Read on
hello: Hello {{ customer.first_name or "you" }}
leave: Leave
"""
SMS = "{{ brand.name }}: hello {{ customer.first_name or 'you' }}. Reply STOP to opt out\n"


def key(number: int) -> str:
    """A key that sorts as its number does."""
    return f"{number:032x}"


def person(number: int, **changes: Any) -> dict[str, Any]:
    """A reader who can be reached in every way; `segments`, `consents`, `zone`… as asked."""
    row = {
        "number": number,
        "customer_id": f"C{number:04}",
        "person_key": key(number * 2**108),
        "represents": True,
        "segments": ("readers",),
        "consents": ("email", "sms"),
        "products": ("P1", "P2", "P3"),
        "first_name": f"Name{number}",
        "email": f"c{number}@example.com",
        "phone": f"+1202555{number:04}",
        "timezone": "America/New_York",
        "email_problem": None,
        "phone_problem": None,
        "open_cases": 0,
    }
    return row | changes


@dataclass
class Stage:
    """A workspace whose snapshots are written by the test."""

    project: Project
    ledger: Ledger
    campaigns: dict[str, Campaign] = field(default_factory=dict)

    @classmethod
    def lay(cls, project: Project, ledger: Ledger) -> Stage:
        """Write the templates and name the segments."""
        folder = project.root / "templates" / "letter"
        folder.mkdir(parents=True)
        (folder / "hello.mjml").write_text(MJML)
        (folder / "hello.en.yaml").write_text(TEXTS)
        (folder / "hello.en.txt").write_text(SMS)
        segments = {name: Segment(segment=name, title=name, where=["orders >= 1"]) for name in SEGMENTS}
        return cls(replace(project, segments=segments), ledger)

    def settings(self, **changes: Any) -> Stage:
        """Other settings from now on."""
        values = type(self.project.settings).model_validate(self.project.settings.model_dump() | changes)
        self.project = replace(self.project, settings=values)
        return self

    def add(self, campaign: Campaign) -> Campaign:
        """A campaign of the workspace."""
        self.campaigns[campaign.campaign] = campaign
        self.project = replace(self.project, campaigns=dict(self.campaigns))
        return campaign

    def people(self, people: Iterable[Mapping[str, Any]], as_of: datetime = NOW) -> str:
        """A refresh: these profiles, their addresses and what they agreed to; the snapshot's id."""
        rows = [dict(one) for one in people]
        snapshot_id = random_key()
        folder = Path(".tidings") / "snapshots" / snapshot_id
        (self.project.root / folder).mkdir(parents=True)
        _people(rows).to_parquet(self.project.root / folder / "people.parquet", index=False)
        _addresses(rows).to_parquet(self.project.root / folder.parent / "addresses.parquet", index=False)
        _recommendations(rows).to_parquet(self.project.root / folder / "recommendations.parquet", index=False)
        with self.ledger.write() as connection:
            known = load_profiles(connection)
            keys = dict.fromkeys(row["person_key"] for row in rows)
            save_persons(connection, [one for one in keys if one not in known.values()])
            save_profiles(connection, {row["customer_id"]: row["person_key"] for row in rows}, known)
            save_contacts(connection, _contacts(rows))
            save_consents(connection, _consents(rows))
            publish_snapshot(connection, snapshot_id, as_of, folder, {})
        return snapshot_id

    def plan(self, name: str = "letter", now: datetime = NOW, **options: Any) -> Plan:
        """The committed plan of the campaign."""
        return plan(self.project, name, now, commit=True, **options)

    def claim(self, size: int = 100, now: datetime = NOW, **scope: Any) -> Claimed:
        """One claim, committed, as the dispatcher makes it."""
        with self.ledger.read() as connection:
            addresses = load_contacts(current_snapshot(connection, self.project.root))
        with self.ledger.write() as connection:
            return claim(connection, self.project, addresses, now, Scope(**scope), size, None)

    def states(self) -> dict[str, int]:
        """Messages by state, and by reason where there is one."""
        columns = (messages.c.state, func.coalesce(messages.c.reason, ""))
        with self.ledger.read() as connection:
            found = connection.execute(select(*columns, func.count()).group_by(*columns)).all()
        return {f"{state}: {reason}" if reason else state: count for state, reason, count in found}

    def rows(self) -> list[dict[str, Any]]:
        """Every message, in the order of its person."""
        with self.ledger.read() as connection:
            query = select(messages).order_by(messages.c.person_key, messages.c.id)
            return [dict(row) for row in connection.execute(query).mappings()]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A workspace with templates and three segments, whose ledger is SQLite."""
    copy_sqlite(tmp_path)
    made = bare_project(tmp_path, ledger={"url": SQLITE})
    with Ledger.open(made) as opened:
        yield Stage.lay(made, opened)


@pytest.fixture
def either(project: Project, ledger: Ledger) -> Stage:
    """The same on both databases, one after the other."""
    return Stage.lay(project, ledger)


def _people(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    kept = ("person_key", "customer_id", "represents", "open_cases")
    asked = {*SEGMENTS, *(name for row in rows for name in row["segments"])}
    found = [
        {name: row[name] for name in kept} | {f"in__{name}": name in row["segments"] for name in sorted(asked)}
        for row in rows
    ]
    return pd.DataFrame(found)


def _addresses(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    kept = ("customer_id", "person_key", "email", "phone", "first_name", "timezone", "email_problem", "phone_problem")
    found = [
        {name: row[name] for name in kept}
        | {"last_name": None, "locale": "en", "country": "US"}
        | {"email_key": _address_key(row, "email"), "phone_key": _address_key(row, "phone")}
        for row in rows
    ]
    texts = dict.fromkeys(found[0], "str") if found else {}
    return pd.DataFrame(found).astype(texts)


def _address_key(row: Mapping[str, Any], kind: str) -> str | None:
    address = row[kind]
    return None if address is None else blake2b(address.encode(), digest_size=16).hexdigest()


def _recommendations(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    found = [
        {"person_key": row["person_key"], "rank": rank, "product_id": product, "name": f"Product {product}"}
        | {"category": "Milk", "price_minor": 100, "url": None, "image_url": None, "reason": "popular"}
        | {"reason_product": None, "score": 1.0 / rank, "strategy": "association_rules"}
        for row in rows
        if row["represents"]
        for rank, product in enumerate(row["products"], start=1)
    ]
    columns = ["person_key", "rank", "product_id", "name", "category", "price_minor", "url", "image_url"]
    return pd.DataFrame(found, columns=[*columns, "reason", "reason_product", "score", "strategy"])


def _contacts(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [
        {"channel": channel, "address_key": str(_address_key(row, kind)), "person_key": row["person_key"]}
        for row in rows
        for channel, kind in (("email", "email"), ("sms", "phone"))
        if row[f"{kind}_problem"] is None
    ]


def _consents(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    same = {
        "purpose": "marketing",
        "state": "granted",
        "recorded_at": NOW - 30 * DAY,
        "expires_at": None,
        "source": "form",
    }
    return [same | {"person_key": row["person_key"], "channel": channel} for row in rows for channel in row["consents"]]


class _Empty(Noun):
    """No settings."""


Answer = Callable[[Sequence[Outgoing]], list[Outcome]]


class Scripted(Provider):
    """A provider that answers as a test says, and remembers what it was given."""

    Config: ClassVar[type[Noun]] = _Empty
    answer: ClassVar[Answer]
    given: ClassVar[list[Outgoing]]
    found: ClassVar[list[Outcome]]

    async def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        self.given.extend(batch)
        return type(self).answer(batch)


def accept(batch: Sequence[Outgoing]) -> list[Outcome]:
    """Everything is accepted."""
    return [Outcome(send_key=one.send_key, status="accepted", provider_id=f"id-{one.send_key}") for one in batch]


def register(
    stage: Stage, answer: Answer = accept, *, name: str = "scripted", channel: str = "email", **attributes: Any
) -> type[Scripted]:
    """Bring a scripted provider in by the hook that plugins use, and let it carry the channel."""
    members = {"name": name, "channel": channel, "answer": staticmethod(answer), "given": [], "loopback": True}
    kind: type[Scripted] = type("ScriptedProvider", (Scripted,), members | attributes)

    class Plugin:
        @hookimpl
        def register_providers(self) -> list[type[Provider]]:
            """The one provider of this test."""
            return [kind]

    stage.project.plugins.manager.register(Plugin(), name=f"test:{name}")
    stage.project.plugins.__dict__.pop("providers", None)
    channels = {each: {"providers": list(how.providers)} for each, how in stage.project.settings.channels.items()}
    stage.settings(channels=channels | {channel: {"providers": [name]}})
    return kind
