"""`plan` on the shop: looking changes nothing, doing it twice is doing it once, and everybody is accounted for."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from tests.databases import dump
from tests.verbs.commands import answer
from tests.workspace import NOW, shop
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.model.counts import PlanShape
from tidings.project import Project
from tidings.verbs.plan import plan

CAMPAIGNS = ["cross_sell_weekly", "newsletter", "second_order", "win_back"]


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A shop that nothing here writes to."""
    return shop(tmp_path_factory.mktemp("looked"))


def _files(root: Path) -> dict[str, str]:
    """Every file of the workspace by the hash of its bytes; the ledger's by its rows."""
    paths = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.name.startswith("ledger.db")]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_looking_writes_nothing(looked: Project, name: str) -> None:
    """Neither a file nor a row of the ledger changes, whichever campaign is looked at."""
    with Ledger.open(looked) as ledger:
        before = (_files(looked.root), dump(ledger))
        assert plan(looked, name, NOW).plan_id is None
        assert before == (_files(looked.root), dump(ledger))


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_everybody_is_accounted_for(looked: Project, name: str) -> None:
    """considered = planned + withheld + Σ reasons = the persons of the shop, and the rows say the same (R04)."""
    shape = plan(looked, name, NOW).shape(rows=True)
    counts = shape.counts
    assert 235 == counts.considered == counts.planned + counts.withheld + sum(counts.reasons.values())
    assert counts.considered == len({row.person for row in shape.rows})
    decided = Counter(row.decision for row in shape.rows)
    assert (counts.planned, counts.withheld) == (decided["planned"], decided["withheld"])
    assert counts.reasons == Counter(row.reason for row in shape.rows if row.decision == "no")
    assert all(row.channel and row.send_at and row.arm for row in shape.rows if row.decision != "no")
    assert all(row.reason and not row.channel for row in shape.rows if row.decision == "no")


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_the_hash_is_the_same_all_day(looked: Project, name: str) -> None:
    """Within an occasion the plan's hash does not change with the clock."""
    early, late = (plan(looked, name, NOW + timedelta(hours=hours)) for hours in (0, 7))
    assert early.occasion == late.occasion
    assert early.plan_hash == late.plan_hash


def test_planning_twice_adds_nothing(tmp_path: Path) -> None:
    """The second run of an occasion returns the first one's plan and writes no row (R01)."""
    project = shop(tmp_path)
    first = plan(project, "newsletter", NOW, commit=True)
    with Ledger.open(project) as ledger:
        before = dump(ledger)
        again = plan(project, "newsletter", NOW + timedelta(hours=5), commit=True)
        assert before == dump(ledger)
    assert first.shape(rows=True) == again.shape(rows=True)
    assert first.plan_id == again.plan_id
    assert 1 == len(list((project.state / "plans").iterdir()))


@pytest.mark.parametrize("rows", [[], ["--rows"]])
def test_the_json_of_a_plan(looked: Project, rows: list[str]) -> None:
    """`plan --json` is the shape, with everybody only where asked."""
    shape = answer(looked, PlanShape, "plan", "win_back", "--at", NOW.isoformat(), *rows)
    assert plan(looked, "win_back", NOW).shape(bool(rows)) == shape
    assert ("win_back", "entry:2026-11-22") == (shape.campaign, shape.occasion)


def test_an_unknown_campaign(looked: Project) -> None:
    """The nearest name is offered."""
    with pytest.raises(TidingsError, match="there is no campaign 'winback'; did you mean 'win_back'"):
        plan(looked, "winback", NOW)
