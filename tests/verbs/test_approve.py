from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from tests.verbs.commands import answer
from tests.workspace import DAY, NOW, shop
from tidings.errors import TidingsError
from tidings.ledger import assignments, messages
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


def _states(project: Project) -> dict[str, int]:
    with Ledger.open(project) as ledger, ledger.read() as connection:
        return messages.states(connection)


def _anchored(project: Project) -> int:
    with Ledger.open(project) as ledger, ledger.read() as connection:
        return len(assignments.load(connection, NAME))


def test_a_no_is_not_undone_by_the_next_yes(project: Project) -> None:
    """Monday's plan is rejected, Tuesday's approved: nothing of Monday's is sent, and its people are free again."""
    monday = plan(project, NAME, NOW, commit=True, occasion="monday")
    done = approve(project, NAME, NOW, who="lan", hash_=monday.plan_hash, reject=True)
    assert ("rejected", [], [monday.plan_id]) == (done.kind, done.released, done.rejected)
    assert {} == _states(project)
    tuesday = plan(project, NAME, NOW, commit=True, occasion="tuesday")
    assert tuesday.counts.planned == monday.counts.planned
    assert [tuesday.plan_id] == approve(project, NAME, NOW, who="lan").released
    again = plan(project, NAME, NOW, commit=True, occasion="monday")
    assert again.plan_id != monday.plan_id
    planned = _states(project)["planned"]
    assert planned == tuesday.counts.planned + again.counts.planned


def test_only_a_plan_that_waits_can_be_rejected(project: Project) -> None:
    """A hash must be given; what is released already is not undone, and says so."""
    with pytest.raises(TidingsError, match="it is a plan that is rejected"):
        approve(project, NAME, NOW, who="lan", reject=True)
    with pytest.raises(TidingsError, match="neither the definition"):
        approve(project, NAME, NOW, who="lan", hash_="0" * 64, reject=True)
    made = plan(project, NAME, NOW, commit=True)
    approve(project, NAME, NOW, who="lan")
    assert [] == approve(project, NAME, NOW, who="lan", hash_=made.plan_hash, reject=True).rejected
    assert made.counts.planned == _states(project)["planned"]


def test_arms_count_from_the_release_on(project: Project) -> None:
    """A plan that nobody said yes to anchors nobody: nothing was sent, and nothing can be measured from it."""
    made = plan(project, NAME, NOW, commit=True)
    assert 0 == _anchored(project)
    approve(project, NAME, NOW + DAY, who="lan")
    assert made.counts.planned + made.counts.withheld == _anchored(project)


def test_a_yes_to_an_audience_is_none_to_the_next(project: Project) -> None:
    """With `approval: plan` the same people on another occasion are another plan, and are asked about again."""
    project = _edit(project, "approval: definition", "approval: plan")
    first = plan(project, NAME, NOW, commit=True, occasion="first")
    approve(project, NAME, NOW, who="lan", hash_=first.plan_hash)
    second = plan(project, NAME, NOW, commit=True, occasion="second")
    assert [row.person for row in first.shape(rows=True).rows or []] == [
        row.person for row in second.shape(rows=True).rows or []
    ]
    assert "ready" == second.state
    assert first.plan_hash != second.plan_hash
