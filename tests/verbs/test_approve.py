from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from tests.verbs.commands import answer
from tests.workspace import DAY, NOW, shop
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.tables import approvals
from tidings.model.counts import ApproveShape
from tidings.project import Project, load_project
from tidings.verbs.approve import approve
from tidings.verbs.deliver import deliver
from tidings.verbs.plan import plan

NAME = "newsletter"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The shop."""
    return shop(tmp_path)


def _edit(project: Project, old: str, new: str) -> Project:
    """The campaign's file changed, and the workspace read again."""
    path = project.root / "config" / "campaigns" / f"{NAME}.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return load_project(project.root)


def test_a_plan_waits_for_a_yes(project: Project) -> None:
    """Until somebody approves, nothing leaves; the definition's approval releases the plan that waits."""
    made = plan(project, NAME, NOW, commit=True)
    assert "ready" == made.state
    assert 0 == deliver(project, NOW).claimed
    shape = approve(project, NAME, NOW, who="lan", comment="looks good")
    assert ("definition", made.definition_hash, [made.plan_id]) == (shape.kind, shape.hash, shape.released)
    assert 0 < deliver(project, NOW).accepted <= made.counts.planned
    with Ledger.open(project) as ledger, ledger.read() as connection:
        [row] = connection.execute(select(approvals)).all()
    assert ("lan", NOW, "looks good", NAME, "definition") == (row.who, row.at, row.comment, row.campaign, row.kind)


def test_a_definition_is_approved_once(project: Project) -> None:
    """While the files say the same, the next occasions need no new yes."""
    assert [] == approve(project, NAME, NOW, who="lan").released
    for days in (0, 30):
        assert "released" == plan(project, NAME, NOW + days * DAY, commit=True).state


@pytest.mark.parametrize("file", ["campaign", "template"])
def test_an_edit_asks_again(project: Project, file: str) -> None:
    """What was approved is what was looked at: another word in the campaign or a template waits for another yes."""
    approve(project, NAME, NOW, who="lan")
    if file == "campaign":
        project = _edit(project, "title: The breakfast letter", "title: The supper letter")
    else:
        path = project.root / "templates" / "newsletter" / "weekly.en.yaml"
        path.write_text(path.read_text().replace("headline: ", "headline: Now - ", 1))
    assert "ready" == plan(project, NAME, NOW, commit=True).state


def test_one_plan_alone(project: Project) -> None:
    """Naming a plan's hash releases that plan."""
    made = plan(project, NAME, NOW, commit=True)
    shape = approve(project, NAME, NOW, hash_=made.plan_hash, who="lan")
    assert ("plan", made.plan_hash, [made.plan_id]) == (shape.kind, shape.hash, shape.released)
    again = approve(project, NAME, NOW, hash_=made.plan_hash, who="lan")
    assert [] == again.released


@pytest.mark.parametrize("hash_", ["0" * 64, "", "d"])
def test_a_hash_that_nothing_has(project: Project, hash_: str) -> None:
    """A hash that is neither the definition's nor a plan's is refused: what was looked at has changed."""
    plan(project, NAME, NOW, commit=True)
    if not hash_:
        made = plan(project, NAME, NOW)
        project = _edit(project, "share: 25%", "share: 20%")
        hash_ = made.definition_hash
    with pytest.raises(TidingsError, match="is neither the definition of newsletter nor a plan that waits"):
        approve(project, NAME, NOW, hash_=hash_, who="lan")


def test_where_every_plan_is_asked_about(project: Project) -> None:
    """With `approval: plan` a definition cannot be approved in place of the audience; the plan's hash can."""
    project = _edit(project, "approval: definition", "approval: plan")
    made = plan(project, NAME, NOW, commit=True)
    for hash_ in (None, made.definition_hash):
        with pytest.raises(TidingsError, match="newsletter asks for the approval of every single plan"):
            approve(project, NAME, NOW, hash_=hash_, who="lan")
    assert "ready" == plan(project, NAME, NOW).state
    assert [made.plan_id] == approve(project, NAME, NOW, hash_=made.plan_hash, who="lan").released


def test_the_json_of_an_approval(project: Project) -> None:
    """`approve --json` is the shape."""
    made = plan(project, NAME, NOW, commit=True)
    shape = answer(project, ApproveShape, "approve", NAME, "--who", "lan", "--at", NOW.isoformat())
    assert (NAME, made.definition_hash, "lan", [made.plan_id]) == (
        shape.campaign,
        shape.hash,
        shape.who,
        shape.released,
    )
