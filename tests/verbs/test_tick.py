"""`tick` walks win_back for twenty days: each person gets what the flow says of what they did, and nothing twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.databases import dump
from tests.verbs.commands import answer
from tests.verbs.walk import DAY, LAST, NOW, PARTS, Walk, letters, walked
from tests.workspace import bare_project, delivered, shop
from tidings.errors import TidingsError
from tidings.ledger import messages, plans
from tidings.ledger.database import Ledger
from tidings.ledger.tables import attempts, enrolments
from tidings.ledger.tables import messages as table
from tidings.model.counts import TickShape
from tidings.model.run import Run
from tidings.verbs.approve import approve
from tidings.verbs.plan import plan
from tidings.verbs.tick import tick

# part → the steps they got, and how their round ended
TABLE = {
    "silent": (["miss_you", "nudge", "goodbye"], ("finished", None)),
    "clicks": (["miss_you", "goodbye"], ("finished", None)),
    "buys milk": (["miss_you"], ("exited", "goal")),
    "buys tea": (["miss_you"], ("finished", None)),
    "leaves": (["miss_you", "nudge"], ("finished", None)),
    "says stop": (["miss_you", "nudge", "goodbye"], ("finished", None)),
    "buys milk later": (["miss_you", "nudge"], ("exited", "goal")),
    "has no phone": (["miss_you", "goodbye"], ("finished", None)),
    "bounces": (["miss_you"], ("finished", None)),
    "has no consent to e-mail": (["nudge"], ("finished", None)),
    "held out": (["miss_you", "nudge", "goodbye"], ("finished", None)),
}
CHANNELS = {"miss_you": "email", "nudge": "sms", "goodbye": "email"}


@pytest.fixture(scope="module")
def walk() -> Walk:
    """The walk, to be read only."""
    return walked()


@pytest.mark.parametrize("part", list(TABLE))
def test_the_table_of_cases(walk: Walk, part: str) -> None:
    """What each part got, on paper where they are held out, and where the flow left them."""
    customer = walk.cast[part]
    steps, end = TABLE[part]
    state = "withheld" if part == "held out" else "accepted"
    assert [(step, state) for step in steps] == walk.steps(customer)
    assert end == walk.ends()[customer]
    sent = {} if part == "held out" else {step: CHANNELS[step] for step in steps}
    assert sent == {step: letter.channel for step, letter in letters(walk.project, customer).items()}


def test_every_part_is_in_the_table(walk: Walk) -> None:
    """Nobody plays a part that is not asked about."""
    assert set(TABLE) == set(walk.cast)
    assert set(PARTS) < set(TABLE)
    assert len(TABLE) == len(set(walk.cast.values()))


def test_nobody_gets_a_step_twice(walk: Walk) -> None:
    """Each person at most one message a step, each file in the outbox one message, twenty days long (R01)."""
    with Ledger.open(walk.project) as ledger, ledger.read() as connection:
        rows = connection.execute(select(table)).all()
        tries = Counter(connection.execute(select(attempts.c.message_id)).scalars())
    assert 1 == max(Counter((row.person_key, row.step) for row in rows).values())
    assert {row.send_key for row in rows if row.state == "accepted"} == {one.key for one in delivered(walk.project)}
    assert {row.id for row in rows if row.state == "accepted"} == set(tries)
    assert {1} == set(tries.values())


def test_everybody_comes_to_an_end(walk: Walk) -> None:
    """After twenty days nobody waits, and everybody who entered has ended one way."""
    ends = walk.ends()
    assert {"enrolled"} != set(walk.planned.values())
    assert set(ends) == {customer for customer, what in walk.planned.items() if what != "not_in_audience"}
    assert {("finished", None), ("exited", "goal")} == set(ends.values())
    assert len(ends) == sum(one.finished for one in walk.ticks)


def test_every_plan_adds_up(walk: Walk) -> None:
    """Of the first plan and of each tick's: planned and withheld are the messages it has (R04)."""
    with Ledger.open(walk.project) as ledger, ledger.read() as connection:
        found = [
            (plans.counts_of(row), messages.states(connection, plan_id=row.plan_id))
            for row in plans.list_plans(connection, "win_back")
        ]
    assert len(found) >= 3
    for counts, states in found:
        assert counts["withheld"] == states.pop("withheld", 0)
        assert counts["planned"] == sum(states.values())
        assert counts["considered"] == counts["planned"] + counts["withheld"] + sum(counts["reasons"].values())
    assert sum(counts["planned"] for counts, _ in found[1:]) == sum(one.planned for one in walk.ticks)


def test_a_step_comes_when_its_wait_is_over(walk: Walk) -> None:
    """The nudge is planned five days after the first message, the goodbye ten days later."""
    with Ledger.open(walk.project) as ledger, ledger.read() as connection:
        rows = connection.execute(select(table.c.step, table.c.counted_at).where(table.c.state == "accepted")).all()
    days = {step: {(row.counted_at - NOW) // DAY for row in rows if row.step == step} for step in CHANNELS}
    assert days["miss_you"] <= {0, 1}
    assert days["nudge"] <= {5, 6}
    assert days["goodbye"] <= {15, 16}


def test_a_tick_with_nothing_to_do(tmp_path: Path) -> None:
    """Another round on the last day writes nothing at all."""
    project = walked(tmp_path).project
    with Ledger.open(project) as ledger:
        before = dump(ledger)
        shape = answer(project, TickShape, "tick", "--at", LAST.isoformat())
        assert before == dump(ledger)
    assert {0} == {shape.advanced, shape.finished, shape.planned, shape.settled, shape.expired, shape.delivered.claimed}


def test_a_flow_that_is_not_live_stands_still(tmp_path: Path) -> None:
    """A paused campaign's people wait where they are."""
    project = shop(tmp_path)
    plan(project, "win_back", NOW, commit=True)
    paused = project.campaigns["win_back"].model_copy(update={"status": "paused"})
    project.campaigns["win_back"] = paused
    assert 0 == tick(project, NOW + 6 * DAY).advanced
    with Ledger.open(project) as ledger, ledger.read() as connection:
        assert {"five_days"} == set(connection.execute(select(enrolments.c.step)).scalars())


def test_a_tick_names_its_run(tmp_path: Path) -> None:
    """Plans and attempts of a tick carry the Dag run that made them."""
    project = shop(tmp_path)
    plan(project, "win_back", NOW, commit=True)
    approve(project, "win_back", NOW, who="lan")
    tick(project, NOW + 5 * DAY, run=Run(dag_id="tidings__tick", run_id="scheduled__5"))
    with Ledger.open(project) as ledger, ledger.read() as connection:
        last = plans.list_plans(connection, "win_back")[-1]
    assert ("tidings__tick", "scheduled__5") == (last.dag_id, last.run_id)


def test_before_the_first_refresh(tmp_path: Path) -> None:
    """Without a ledger the error says what to run; with one and no snapshot nothing is done."""
    project = bare_project(tmp_path)
    with pytest.raises(TidingsError, match="there is no ledger yet; run `tidings refresh` first"):
        tick(project, NOW)
    Ledger.open(project).close()
    assert 0 == tick(project, NOW).advanced
