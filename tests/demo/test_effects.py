"""What a campaign causes: only among the treated who were mailed and would not have bought, and as much as asked."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean

import duckdb
import pytest
from sqlalchemy import select, update

from tidings.demo.customers import write_baseline
from tidings.demo.effects import Purchase, caused_purchases
from tidings.ledger.database import Ledger
from tidings.ledger.snapshots import current_snapshot
from tidings.ledger.tables import assignments, messages
from tidings.project import Project, load_project
from tidings.verbs.approve import approve
from tidings.verbs.deliver import deliver
from tidings.verbs.plan import plan
from tidings.verbs.refresh import refresh

# The first Tuesday, when the newsletter is due; history has ended in the night before.
NIGHT, DUE, MORROW = (datetime(2026, 11, 3, tzinfo=UTC) + timedelta(hours=hours) for hours in (0, 13, 29))
WITHIN = timedelta(days=14)
GOAL = "goal: {event: order, where: {category: Tea}, within: 14d}"


@dataclass
class Sent:
    """The newsletter has been sent to the small shop. Persons by what the test itself reads of them."""

    project: Project
    ledger: Ledger
    anchored: dict[str, datetime] = field(default_factory=dict)
    arms: dict[str, str] = field(default_factory=dict)
    customers: dict[str, str] = field(default_factory=dict)
    would: set[str] = field(default_factory=set)
    missed: set[str] = field(default_factory=set)

    def caused(self, effect: float, seed: int = 1) -> list[Purchase]:
        """What the demo makes of it."""
        campaign = self.project.campaigns["newsletter"]
        return caused_purchases(self.project, self.ledger, campaign, effect, seed, NIGHT, MORROW)

    @property
    def treated(self) -> set[str]:
        """The persons who are not held out."""
        return {person for person, arm in self.arms.items() if arm == "treated"}


@pytest.fixture(scope="module")
def sent(small_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """The newsletter, planned and delivered; of the treated, 20 were skipped."""
    root = shutil.copytree(small_demo, tmp_path_factory.mktemp("sent") / "a demo")
    file = root / "config/campaigns/newsletter.yaml"
    lines = [GOAL if line.startswith("goal:") else line for line in file.read_text().splitlines()]
    file.write_text("\n".join(lines))
    write_baseline(root / "data", NIGHT, seed=1)
    project = load_project(root)
    keys = random.Random(1)
    refresh(project, NIGHT, new_key=lambda: f"{keys.getrandbits(128):032x}")
    approve(project, "newsletter", DUE, who="lan")
    made = plan(project, "newsletter", DUE, commit=True)
    deliver(project, DUE + timedelta(hours=15), plan_id=made.plan_id)
    with Ledger.open(project) as ledger:
        found = Sent(project, ledger)
        with ledger.read() as connection:
            for row in connection.execute(select(assignments)):
                found.anchored[row.person_key] = row.anchored_at
                found.arms[row.person_key] = row.arm
                found.customers[row.person_key] = row.customer_id
            snapshot = current_snapshot(connection, root)
        found.missed = set(sorted(found.treated)[:20])
        with ledger.write() as connection:
            skipped = update(messages).where(messages.c.person_key.in_(found.missed))
            connection.execute(skipped.values(state="skipped", reason="suppressed"))
        found.would = _would_buy(root / "data", snapshot.people, found.anchored)
        yield found


def _would_buy(data: Path, people: Path, anchored: dict[str, datetime]) -> set[str]:
    """Who buys tea within 14 days of being anchored, whatever is sent; read from the files by hand."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"""
            SELECT person_key, ordered_at AT TIME ZONE 'UTC'
            FROM '{data}/orders/*.parquet' AS orders JOIN '{data}/order_lines/*.parquet' USING (order_id)
            JOIN '{data}/products.parquet' USING (product_id) JOIN '{people}' USING (customer_id)
            WHERE category = 'Tea' AND orders.status = 'completed'
            """
        ).fetchall()
    return {
        person
        for person, at in rows
        if person in anchored and timedelta() <= at.replace(tzinfo=UTC) - anchored[person] < WITHIN
    }


def test_only_the_mailed_who_would_not_have_bought(sent: Sent) -> None:
    """With the largest effect everybody buys whom it can reach: nobody held out, missed or about to buy anyway."""
    assert len(sent.treated) > 200
    assert len(set(sent.arms) - sent.treated) > 50
    assert len(sent.would & sent.treated) > 20
    reached = sent.treated - sent.missed - sent.would
    bought = sent.caused(0.999)
    assert {sent.customers[person] for person in reached} == {one.customer_id for one in bought}
    assert len(bought) == len(reached)


def test_no_effect_causes_nothing(sent: Sent) -> None:
    """EFFECT=0 is a demo in which the campaign does not work."""
    assert sent.caused(0) == []


def test_the_rise_is_the_one_that_was_asked_for(sent: Sent) -> None:
    """Over many seeds, the share of the mailed who buy because of it comes close to the effect."""
    mailed = sent.treated - sent.missed
    rises = [len(sent.caused(0.08, seed)) / len(mailed) for seed in range(25)]
    assert mean(rises) == pytest.approx(0.08, abs=0.01)
    assert len(set(rises)) > 5


def test_what_they_buy_reaches_the_goal(sent: Sent) -> None:
    """One order a customer, of tea, after the day of the message and before the window closes; the same each time."""
    with duckdb.connect() as connection:
        file = sent.project.warehouse_folder / "products.parquet"
        tea = {
            row[0] for row in connection.execute(f"SELECT product_id FROM '{file}' WHERE category = 'Tea'").fetchall()
        }
    bought = sent.caused(0.3)
    since = {sent.customers[person]: at for person, at in sent.anchored.items()}
    assert {one.product["product_id"] for one in bought} <= tea
    assert all(timedelta(days=1) < one.ordered_at - since[one.customer_id] < WITHIN for one in bought)
    assert len({one.order_id for one in bought}) == len(bought)
    assert sent.caused(0.3) == bought
