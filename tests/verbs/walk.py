"""Twenty days of win_back in the small shop: people are given parts, and each acts its part at its time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd
from sqlalchemy import select

from tests.workspace import DAY, NOW, Delivered, buy, delivered, shop
from tidings.ledger import consents
from tidings.ledger.database import Ledger
from tidings.ledger.tables import enrolments, messages
from tidings.model.counts import TickShape
from tidings.model.delivery import ProviderEvent
from tidings.project import Project, load_project
from tidings.tracking.record import unsubscribe_event
from tidings.verbs.approve import approve
from tidings.verbs.plan import plan
from tidings.verbs.tick import tick
from tidings.verbs.track import track

LAST = NOW + 20 * DAY
DAYS = (0, 1, 2, 3, 5, 6, 7, 8, 9, 12, 15, 16, 17, 20)  # the days on which something may happen, and some others

# part → does this person take SMS too, and what they do, by day
PARTS: Mapping[str, tuple[bool, Mapping[int, str]]] = {
    "silent": (True, {}),
    "clicks": (True, {1: "click"}),
    "buys milk": (True, {2: "milk"}),
    "buys tea": (True, {2: "tea"}),
    "leaves": (True, {1: "leave"}),
    "says stop": (True, {7: "stop"}),
    "buys milk later": (True, {8: "milk"}),
    "has no phone": (False, {}),
    "bounces": (False, {1: "bounce"}),
}


@dataclass(frozen=True)
class Walk:
    """The workspace after twenty days, who played what, and what each tick said."""

    project: Project
    cast: dict[str, str]
    ticks: tuple[TickShape, ...]
    planned: dict[str, str]

    def steps(self, customer: str) -> list[tuple[str, str]]:
        """(step, state) of a customer's messages, in order of their time."""
        with Ledger.open(self.project) as ledger, ledger.read() as connection:
            here = (messages.c.customer_id == customer) & (messages.c.campaign == "win_back")
            rows = connection.execute(select(messages).where(here).order_by(messages.c.not_before))
            return [(row.step, row.state) for row in rows]

    def ends(self) -> dict[str, tuple[str, str | None]]:
        """customer_id → state and reason of the enrolment."""
        with Ledger.open(self.project) as ledger, ledger.read() as connection:
            rows = connection.execute(select(enrolments).where(enrolments.c.campaign == "win_back"))
            return {row.customer_id: (row.state, row.reason) for row in rows}


@cache
def _walked() -> tuple[Path, dict[str, str], tuple[TickShape, ...], dict[str, str]]:
    project = shop(Path(mkdtemp(prefix="tidings-walk-")))
    approve(project, "win_back", NOW, who="lan")
    made = plan(project, "win_back", NOW, commit=True)
    parts = _cast(project, made.rows)
    ticks = []
    for day in DAYS:
        ticks += [tick(project, NOW + day * DAY), tick(project, NOW + (day + 0.5) * DAY)]
        for part, customer in parts.items():
            if act := PARTS.get(part, (True, {}))[1].get(day):
                _act(project, customer, act, NOW + day * DAY + timedelta(hours=13))
    rows = zip(made.rows["customer_id"], made.rows["decision"], made.rows["reason"], strict=True)
    return project.root, parts, tuple(ticks), {one: reason or decision for one, decision, reason in rows}


def walked(folder: Path | None = None) -> Walk:
    """The walk; a copy of its workspace where a folder is given, for tests that write."""
    root, parts, ticks, planned = _walked()
    return Walk(shop(folder, root) if folder else load_project(root), parts, ticks, planned)


def _cast(project: Project, rows: pd.DataFrame) -> dict[str, str]:
    """Part → customer: the first who fit, in order of their number; and people held out or without consent."""
    with Ledger.open(project) as ledger, ledger.read() as connection:
        texted = {person for person, channel in consents.granted(connection, "marketing", NOW) if channel == "sms"}
    addresses = pd.read_parquet(project.state / "snapshots" / "addresses.parquet").set_index("customer_id")
    texts, free = {}, {}
    for row in rows.sort_values("customer_id").itertuples():
        texts[row.customer_id] = row.person_key in texted and pd.isna(addresses["phone_problem"][row.customer_id])
        free.setdefault((row.reason or row.decision, texts[row.customer_id]), []).append(row.customer_id)
    parts = {part: free["planned", sms].pop(0) for part, (sms, _) in PARTS.items()}
    return parts | {"held out": free["holdout", True][0], "has no consent to e-mail": free["no_consent", True][0]}


def _act(project: Project, customer: str, act: str, now: datetime) -> None:
    if act in ("milk", "tea"):
        buy(project, customer, now, act.capitalize())
        return
    step = "nudge" if act == "stop" else "miss_you"
    letter = letters(project, customer)[step]
    if act == "leave":
        found = re.search(r"https://crm\.example\.com/u/(\S+)", letter.text)
        assert found is not None
        event = unsubscribe_event(project, found[1], now)
    else:
        kind = {"click": "clicked", "bounce": "bounced", "stop": "unsubscribed"}[act]
        fields = {
            "provider": "test",
            "event_id": f"{customer} {act}",
            "kind": kind,
            "occurred_at": now,
            "permanent": act == "bounce",
        }
        event = ProviderEvent.model_validate(fields | {"send_key": letter.key})
    assert 1 == track(project, [event], now).new


def letters(project: Project, customer: str) -> dict[str, Delivered]:
    """step → what left for a customer."""
    with Ledger.open(project) as ledger, ledger.read() as connection:
        rows = connection.execute(
            select(messages.c.send_key, messages.c.step).where(messages.c.customer_id == customer)
        )
        steps = {row.send_key: row.step for row in rows}
    return {steps[one.key]: one for one in delivered(project) if one.key in steps}
