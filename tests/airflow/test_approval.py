"""Plans that need no question; the question itself is asked in test_standalone.py, by a real Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.airflow.conftest import NOW, rewrite
from tidings.airflow import tasks
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.tables import approvals, plans
from tidings.project import load_project
from tidings.verbs.approve import approve
from tidings.verbs.refresh import refresh


@pytest.fixture(autouse=True)
def _business_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDINGS_CLOCK__AT", NOW.isoformat())


def planned(root: Path) -> dict[str, Any]:
    """What the task `plan` hands on."""
    return tasks.plan(str(root), "newsletter")


def approved_hashes(root: Path) -> list[tuple[str, str, str]]:
    """kind, hash and who of every approval."""
    with Ledger.open(load_project(root)) as ledger, ledger.read() as connection:
        return [tuple(row) for row in connection.execute(select(approvals.c.kind, approvals.c.hash, approvals.c.who))]


def test_an_approved_definition_is_not_asked_about(workspace: Path) -> None:
    """`tidings approve` has named it before the plan was made: the task passes at once."""
    approve(load_project(workspace), "newsletter", NOW, who="lan")
    assert tasks.released(str(workspace), planned(workspace))


def test_a_plan_that_waits_is_asked_about_until_it_is_approved(workspace: Path) -> None:
    """`tidings approve` may also come while the question is open: tried again, the task passes."""
    made = planned(workspace)
    assert not tasks.released(str(workspace), made)
    approve(load_project(workspace), "newsletter", NOW, who="lan", hash_=made["hash"])
    assert tasks.released(str(workspace), made)


def test_an_empty_plan_is_not_asked_about(workspace: Path) -> None:
    """It writes to nobody and takes nobody in, so that a daily campaign asks nothing on a quiet day."""
    (workspace / "segments/nobody.yaml").write_text("segment: nobody\ntitle: Nobody\nwhere: ['orders >= 9_999']\n")
    rewrite(workspace, "newsletter", audience="{include: nobody}")
    refresh(load_project(workspace), NOW)
    made = planned(workspace)
    assert (made["planned"], made["withheld"]) == (0, 0)
    assert tasks.released(str(workspace), made)


def test_a_yes_approves_the_definition(workspace: Path) -> None:
    """Where the campaign asks for its definition, later runs of the same files are not asked about."""
    made = planned(workspace)
    done = tasks.approve(str(workspace), made, who="Lan")
    assert done == {"kind": "definition", "hash": made["definition_hash"], "released": [made["plan_id"]]}
    assert approved_hashes(workspace) == [("definition", made["definition_hash"], "Lan")]


def test_a_yes_approves_just_the_plan_that_was_looked_at(workspace: Path) -> None:
    """Where the campaign asks for each plan, the next one is asked about again."""
    rewrite(workspace, "newsletter", approval="plan", limits="{per_run: 9}")  # a draw for each occasion
    made = planned(workspace)
    assert tasks.approve(str(workspace), made, who="Lan")["kind"] == "plan"
    assert approved_hashes(workspace) == [("plan", made["hash"], "Lan")]
    assert not tasks.released(str(workspace), tasks.plan(str(workspace), "newsletter", params={"occasion": "next"}))


def test_files_changed_while_the_question_was_open_are_not_approved(workspace: Path) -> None:
    """The yes releases the plan that was shown, and says nothing of what the files say by now."""
    made = planned(workspace)
    rewrite(workspace, "newsletter", title="Quite another letter")
    assert tasks.approve(str(workspace), made, who="Lan")["released"] == [made["plan_id"]]
    assert approved_hashes(workspace) == [("plan", made["hash"], "Lan")]


def test_a_plan_that_is_not_there_cannot_be_approved(workspace: Path) -> None:
    """An unknown hash is refused by the verb."""
    made = planned(workspace) | {"definition_hash": "0" * 64, "hash": "f" * 64}
    with pytest.raises(TidingsError, match="neither the definition"):
        tasks.approve(str(workspace), made, who="Lan")
    with Ledger.open(load_project(workspace)) as ledger, ledger.read() as connection:
        assert list(connection.execute(select(plans.c.state)).scalars()) == ["ready"]
