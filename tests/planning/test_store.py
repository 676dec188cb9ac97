from __future__ import annotations

import json
from functools import partial
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import select, update

from tests.databases import dump
from tests.planning.campaigns import SEND, campaign
from tests.stage import DAY, NOW, Stage, key, person
from tidings.ledger import assignments, messages, plans
from tidings.ledger.tables import plans as table
from tidings.model.run import Run
from tidings.planning.plan import Plan, plan_occasion
from tidings.planning.store import ROWS, TEMPLATES, save_plan
from tidings.testing.racing import at_once
from tidings.verbs.plan import plan


def _made(stage: Stage) -> Plan:
    with stage.ledger.read() as connection:
        return plan_occasion(stage.project, stage.campaigns["letter"], connection, NOW)


def _crowd(stage: Stage, size: int = 20, **changes: Any) -> None:
    stage.add(campaign(**{"holdout": {"share": "50%"}, "approval": "none"} | changes))
    stage.people([person(number) for number in range(1, size + 1)] + [person(size + 1, segments=())])


def _record(stage: Stage, plan_id: str | None) -> Any:
    with stage.ledger.read() as connection:
        return plans.get_plan(connection, str(plan_id))


def test_a_plan_is_one_record(either: Stage) -> None:
    """Counts, hashes, who ran it, messages and arms are in the ledger; decisions and templates on disk (R01, R04)."""
    _crowd(either)
    run = Run(dag_id="campaign__letter", run_id="manual__1")
    made = either.plan(run=run)
    row = _record(either, made.plan_id)
    assert ("released", made.plan_hash, made.definition_hash) == (row.state, row.plan_hash, row.definition_hash)
    assert ("letter", "2026-11-22", NOW) == (row.campaign, row.occasion, row.created_at)
    assert ("campaign__letter", "manual__1") == (row.dag_id, row.run_id)
    assert made.counts.model_dump() == json.loads(row.counts)
    with either.ledger.read() as connection:
        states = messages.states(connection)
        logged = {one["person_key"]: one["arm"] for one in assignments.load(connection, "letter")}
    assert {"planned": made.counts.planned, "withheld": made.counts.withheld} == states
    arms = made.rows.set_index("person_key")["arm"].dropna().to_dict()
    assert arms == logged
    folder = either.project.root / ".tidings" / "plans" / str(made.plan_id)
    assert 21 == len(pd.read_parquet(folder / ROWS))
    assert ["hello"] == [entry["step"] for entry in json.loads((folder / TEMPLATES).read_text())]


def test_a_withheld_message_counts_when_it_would_have_been_sent(either: Stage) -> None:
    """It has the time, the address and the step of the other arm's, and the reason."""
    _crowd(either)
    either.plan()
    for row in either.rows():
        held = row["state"] == "withheld"
        assert ("holdout" if held else None, NOW if held else None) == (row["reason"], row["counted_at"])
        assert (NOW, "hello", "email", 32) == (row["not_before"], row["step"], row["channel"], len(row["address_key"]))


def test_planning_twice_writes_once(either: Stage) -> None:
    """The complete plan of the occasion comes back as it was decided: 0 new rows, the same hash (R01)."""
    _crowd(either, steps=[SEND | {"variants": [{"id": "a", "share": "50%"}, {"id": "b", "share": "50%"}]}])
    first = either.plan()
    before = dump(either.ledger)
    either.people([person(number) for number in range(1, 31)])
    after_refresh = dump(either.ledger)
    again = either.plan(now=NOW + DAY / 4)
    assert after_refresh == dump(either.ledger)
    assert before["messages"] == after_refresh["messages"]
    assert (first.plan_id, first.plan_hash, first.counts) == (again.plan_id, again.plan_hash, again.counts)
    assert first.shape(rows=True) == again.shape(rows=True)
    assert again.plan_hash == _record(either, first.plan_id).plan_hash


@pytest.mark.parametrize(
    ("approval", "approved", "state"),
    [
        ("none", None, "released"),
        ("definition", None, "ready"),
        ("definition", "definition", "released"),
        ("definition", "plan", "released"),
        ("plan", None, "ready"),
        ("plan", "definition", "ready"),
        ("plan", "plan", "released"),
    ],
)
def test_what_is_approved_already_is_released(stage: Stage, approval: str, approved: str | None, state: str) -> None:
    """A plan waits until somebody has said yes to its definition, or to this very audience where that is asked."""
    _crowd(stage, approval=approval)
    made = _made(stage)
    if approved is not None:
        hash_ = made.definition_hash if approved == "definition" else made.plan_hash
        row = {"hash": hash_, "kind": approved, "campaign": "letter", "who": "lan", "at": NOW, "comment": ""}
        with stage.ledger.write() as connection:
            plans.approve(connection, row)
    assert state == stage.plan().state == _record(stage, stage.plan().plan_id).state


def test_a_crashed_plan_is_made_anew(either: Stage) -> None:
    """What a run that died had written is discarded whole; the next run plans everybody once (R01)."""
    _crowd(either)
    dead = save_plan(either.project, either.ledger, _made(either))
    with either.ledger.write() as connection:
        connection.execute(update(table).values(state="building", counts=None, plan_hash=None))
    made = either.plan()
    assert dead.plan_id != made.plan_id
    assert {made.plan_id} == {row["plan_id"] for row in either.rows()}
    assert 20 == len(either.rows())
    with either.ledger.read() as connection:
        assert [made.plan_id] == [row.plan_id for row in connection.execute(select(table))]
        assert 20 == len(assignments.load(connection, "letter"))


def test_workers_that_plan_at_once_make_one_plan(either: Stage) -> None:
    """Four workers, one occasion: one plan, each person once, and every worker gets that plan or is told (R11)."""
    _crowd(either)
    mades = [_made(either) for _ in range(4)]
    ends: list[str] = []

    def work(made: Plan) -> None:
        try:
            ends.append(str(save_plan(either.project, either.ledger, made).plan_id))
        except Exception as error:  # noqa: BLE001 - what goes wrong in a thread is shown by the test
            ends.append(str(error))

    at_once(*(partial(work, made) for made in mades))
    final = either.plan()
    told = "another run planned letter at the same time; run it again; nothing was written twice"
    assert {final.plan_id} <= set(ends) <= {final.plan_id, told}
    assert {final.plan_id} == {row["plan_id"] for row in either.rows()}
    assert 20 == len({row["person_key"] for row in either.rows()}) == len(either.rows())
    assert [str(final.plan_id)] == [path.name for path in (either.project.root / ".tidings" / "plans").iterdir()]


def test_a_merge_between_planning_and_saving_is_seen_by_the_claim(stage: Stage) -> None:
    """A person who was merged away after the plan was decided is still in it; the ledger takes the row."""
    _crowd(stage, size=2, holdout=None)
    made = _made(stage)
    with stage.ledger.write() as connection:
        from tidings.ledger.persons import merge_persons

        merge_persons(connection, [(key(2 * 2**108), key(2**108))], NOW)
    save_plan(stage.project, stage.ledger, made)
    assert 2 == len(stage.rows())


def test_the_git_revision_is_recorded(stage: Stage) -> None:
    """The revision of the workspace is kept with the plan; outside git there is none."""
    import subprocess

    _crowd(stage)
    assert _record(stage, stage.plan().plan_id).commit is None
    git = ["git", "-C", str(stage.project.root), "-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    assert 40 == len(_record(stage, stage.plan(now=NOW + DAY).plan_id).commit)


def test_looking_at_a_saved_plan(stage: Stage) -> None:
    """A look at the occasion shows the saved plan, not what would be planned now."""
    _crowd(stage)
    saved = stage.plan()
    stage.people([person(1)])
    assert saved.shape(rows=True) == plan(stage.project, "letter", NOW).shape(rows=True)
