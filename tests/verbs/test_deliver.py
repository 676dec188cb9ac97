"""`deliver` on the shop: what left is what was planned, once a person, and the ledger says where everybody is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import select

from tests.verbs.commands import answer
from tests.workspace import DAY, NOW, delivered, shop
from tidings.ledger import messages
from tidings.ledger.database import Ledger
from tidings.ledger.tables import messages as table
from tidings.model.counts import DeliverShape, LedgerShape, PlanCounts
from tidings.project import Project
from tidings.verbs.approve import approve
from tidings.verbs.deliver import deliver
from tidings.verbs.plan import plan

NAMES = ("newsletter", "cross_sell_weekly", "second_order")
STATES = ("planned", "sending", "accepted", "in_doubt", "refused", "skipped", "expired")


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, dict[str, PlanCounts], list[DeliverShape]]:
    """Three campaigns planned on one day and delivered over the next day and a half."""
    project = shop(tmp_path_factory.mktemp("sent"))
    counts = {}
    for name in NAMES:
        approve(project, name, NOW, who="lan")
        counts[name] = plan(project, name, NOW, commit=True).counts
    return project, counts, [deliver(project, NOW + step * DAY / 2) for step in (0, 1, 2, 3)]


def test_planned_is_the_sum_of_states(sent: tuple[Project, dict[str, PlanCounts], list[DeliverShape]]) -> None:
    """Of every campaign: nobody who was planned is lost, nobody who was withheld was sent to (R04)."""
    project, counts, _ = sent
    with Ledger.open(project) as ledger, ledger.read() as connection:
        for name in NAMES:
            states = messages.states(connection, name)
            assert counts[name].planned == sum(states.get(state, 0) for state in STATES)
            assert counts[name].withheld == states.get("withheld", 0)


def test_the_outbox_is_the_ledger(sent: tuple[Project, dict[str, PlanCounts], list[DeliverShape]]) -> None:
    """Every accepted message is a file under its key, every file an accepted message, to the planned address."""
    project, _, shapes = sent
    with Ledger.open(project) as ledger, ledger.read() as connection:
        rows = connection.execute(select(table).where(table.c.state == "accepted")).all()
    addresses = pd.read_parquet(project.state / "snapshots" / "addresses.parquet").set_index("customer_id")["email"]
    found = {one.key: one.to for one in delivered(project)}
    assert {row.send_key: addresses[row.customer_id] for row in rows} == found
    assert len(found) == sum(shape.accepted for shape in shapes) > 100


def test_nobody_gets_a_campaign_twice(sent: tuple[Project, dict[str, PlanCounts], list[DeliverShape]]) -> None:
    """One message for a person and for an address in each campaign; the cap of two a week holds (R01, R38)."""
    project, _, _ = sent
    with Ledger.open(project) as ledger, ledger.read() as connection:
        rows = connection.execute(select(table).where(table.c.state == "accepted")).all()
    for who in ("person_key", "address_key"):
        assert 1 == max(Counter((getattr(row, who), row.campaign) for row in rows).values())
    assert 2 == max(Counter(row.person_key for row in rows).values())


def test_delivering_again_sends_nothing(
    sent: tuple[Project, dict[str, PlanCounts], list[DeliverShape]], tmp_path: Path
) -> None:
    """Whatever the time, and with the plan named or not, a second run finds nothing to send (R01)."""
    project = shop(tmp_path, sent[0].root)
    before = {one.key for one in delivered(project)}
    for days in (0, 1, 1.5, 60):
        assert 0 == deliver(project, NOW + days * DAY).claimed
    assert before == {one.key for one in delivered(project)}


def test_every_run_is_counted(sent: tuple[Project, dict[str, PlanCounts], list[DeliverShape]]) -> None:
    """What a run claimed is what it says of the outcomes; what it skipped has a reason."""
    for shape in sent[2]:
        assert shape.claimed == shape.accepted + shape.refused + shape.later + shape.in_doubt
        assert set(shape.skipped) <= {"frequency_cap"}


def test_the_json_of_a_delivery(
    sent: tuple[Project, dict[str, PlanCounts], list[DeliverShape]], tmp_path: Path
) -> None:
    """`deliver --json` and `ledger --json` are their shapes, and agree."""
    project = shop(tmp_path)
    approve(project, "second_order", NOW, who="lan")
    made = plan(project, "second_order", NOW, commit=True)
    at = ("--at", (NOW + DAY).isoformat())
    halves = [answer(project, DeliverShape, "deliver", *at, "--shard", part) for part in ("1/2", "2/2")]
    shape = answer(project, LedgerShape, "ledger")
    assert sum(half.accepted for half in halves) == shape.messages["accepted"]
    assert made.counts.planned == sum(shape.messages.get(state, 0) for state in STATES)
    assert ("dev", 0, 235) == (shape.environment, shape.in_doubt, shape.persons)
