"""What a flow sends after the entry, and whose yes it needs (ADR 12)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workspace import DAY, NOW, shop
from tidings.airflow import tasks
from tidings.ledger import enrolments, messages, plans
from tidings.ledger.database import Ledger
from tidings.planning.plan import Plan
from tidings.project import Project, load_project
from tidings.verbs.approve import approve
from tidings.verbs.plan import plan
from tidings.verbs.refresh import refresh
from tidings.verbs.tick import tick

NAME = "win_back"
LATER = NOW + 6 * DAY  # after `five_days`, when who is silent gets the nudge


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The shop, whose win_back asks about every plan and takes in everybody who is inside already."""
    shop(tmp_path)
    path = tmp_path / "config" / "campaigns" / f"{NAME}.yaml"
    text = path.read_text().replace("approval: definition", "approval: plan").replace("backlog: none", "backlog: all")
    path.write_text(text)
    opened = load_project(tmp_path)
    refresh(opened, NOW)
    return opened


def _entered(project: Project) -> Plan:
    made = plan(project, NAME, NOW, commit=True)
    assert "ready" == made.state
    assert made.counts.planned > 3
    return made


def _states(project: Project) -> dict[str, int]:
    with Ledger.open(project) as ledger, ledger.read() as connection:
        return messages.states(connection, NAME)


def _inside(project: Project) -> int:
    with Ledger.open(project) as ledger, ledger.read() as connection:
        return len(enrolments.past(connection, NAME))


def test_nobody_moves_before_their_entry_is_approved(project: Project) -> None:
    """Whoever entered by a plan that waits stands still; the tick says how many messages wait."""
    made = _entered(project)
    assert made.counts.planned == tick(project, NOW).unapproved
    done = tick(project, LATER)
    assert (0, 0, made.counts.planned) == (done.advanced, done.planned, done.expired)
    approve(project, NAME, LATER, who="lan", hash_=made.plan_hash)
    done = tick(project, LATER)
    assert done.advanced > 0
    assert 0 == done.unapproved


def test_a_yes_to_the_entry_holds_for_what_follows(project: Project) -> None:
    """With `approval: plan` nobody is asked again at each step: the nudges leave by themselves."""
    made = _entered(project)
    approve(project, NAME, NOW, who="lan", hash_=made.plan_hash)
    tick(project, NOW)
    done = tick(project, LATER)
    assert 0 == done.unapproved
    assert done.planned >= done.delivered.accepted > 0  # for some it is night


def test_an_edit_asks_about_what_follows(project: Project) -> None:
    """Other words for those inside wait, are counted, and are asked about though nobody enters that day."""
    made = _entered(project)
    approve(project, NAME, NOW, who="lan", hash_=made.plan_hash)
    tick(project, NOW)
    path = project.root / "config" / "campaigns" / f"{NAME}.yaml"
    path.write_text(path.read_text().replace("title: ", "title: Now "))
    edited = load_project(project.root)
    done = tick(edited, LATER)
    assert done.planned == done.unapproved > 0
    assert 0 == done.delivered.claimed
    today = plan(edited, NAME, LATER, commit=True)
    assert 0 == today.counts.planned
    handed = {"plan_id": today.plan_id, "campaign": NAME, "definition_hash": today.definition_hash}
    handed |= {"hash": today.plan_hash, **today.counts.model_dump()}
    assert not tasks.released(str(project.root), handed)
    approve(edited, NAME, LATER, who="lan", hash_=today.plan_hash)
    done = tick(edited, LATER)
    assert 0 == done.unapproved
    assert done.delivered.accepted > 0
    assert tasks.released(str(project.root), handed)


def test_a_no_lets_nobody_in(project: Project) -> None:
    """Those whom a rejected plan would have let in are not inside, and enter by the next one."""
    made = _entered(project)
    assert _inside(project) > 0
    approve(project, NAME, NOW, who="lan", hash_=made.plan_hash, reject=True)
    assert ({}, 0) == (_states(project), _inside(project))
    again = plan(project, NAME, NOW, commit=True)
    assert (made.counts, "ready") == (again.counts, again.state)
    with Ledger.open(project) as ledger, ledger.read() as connection:
        assert [again.plan_id] == [one.plan_id for one in plans.list_plans(connection, NAME)]
