"""`plan` on the shop: looking changes nothing, doing it twice is doing it once, and everybody is accounted for."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.databases import dump
from tests.verbs.commands import answer
from tests.workspace import NOW, shop
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.model.campaign import Campaign
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


def _with(project: Project, **changes: Any) -> Project:
    """The newsletter changed in memory."""
    fields = project.campaigns["newsletter"].model_dump(by_alias=True) | changes
    return replace(project, campaigns=project.campaigns | {"newsletter": Campaign.model_validate(fields)})


@pytest.mark.parametrize("status", ["draft", "paused", "retired"])
def test_only_a_live_campaign_is_committed(looked: Project, status: str) -> None:
    """Whoever writes a campaign looks at its plan first; nothing of it is written before it is live, nor afterwards."""
    project = _with(looked, status=status)
    assert plan(project, "newsletter", NOW).counts.planned
    with Ledger.open(looked) as ledger:
        before = (_files(looked.root), dump(ledger))
        with pytest.raises(TidingsError) as caught:
            plan(project, "newsletter", NOW, commit=True)
        assert before == (_files(looked.root), dump(ledger))
    fix = "write `status: live` in config/campaigns/newsletter.yaml, or look at the plan without --commit"
    assert f"newsletter is {status}, not live; {fix}" == str(caught.value)


def test_once_is_not_committed_before_its_time(tmp_path: Path) -> None:
    """The only occasion is not used up by a run that comes early; looking at it says when it is due."""
    project = _with(shop(tmp_path), schedule={"once": "2027-12-24T09:00"}, approval="none")
    due = datetime(2027, 12, 24, 14, tzinfo=UTC)  # nine in New York
    early = plan(project, "newsletter", NOW)
    assert ("once", due) == (early.occasion, early.due_at)
    with Ledger.open(project) as ledger:
        before = dump(ledger)
        with pytest.raises(TidingsError) as caught:
            plan(project, "newsletter", due - timedelta(seconds=1), commit=True)
        assert before == dump(ledger)
    fix = "run it then, or send it now with --occasion once"
    assert f"newsletter is not due before 2027-12-24T14:00:00+00:00; {fix}" == str(caught.value)
    made = plan(project, "newsletter", due, commit=True)
    assert ("released", due, due) == (made.state, made.now, made.due_at)
    assert plan(project, "newsletter", due, commit=True).plan_id == made.plan_id


def test_a_typed_occasion_is_due(tmp_path: Path) -> None:
    """Who names the occasion means now."""
    project = _with(shop(tmp_path), schedule={"once": "2027-12-24T09:00"})
    made = plan(project, "newsletter", NOW, commit=True, occasion="once")
    assert ("once", NOW) == (made.occasion, made.now)
