"""Flows: who walks where and when, what a branch asks, and how arms and limits hold along the way."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from tests.planning.campaigns import SEND, campaign
from tests.stage import DAY, NOW, Stage, person
from tidings.demo.small_shop import write_small_shop
from tidings.errors import TidingsError
from tidings.ledger import assignments
from tidings.ledger.plans import Overtaken
from tidings.ledger.tables import enrolments, events, messages
from tidings.model.counts import TickShape
from tidings.planning.plan import plan_due
from tidings.planning.store import save_plan
from tidings.verbs.tick import tick

ENTER = {"include": "readers", "enter": "on_entry", "backlog": "all"}


def _send(name: str, **changes: Any) -> dict[str, Any]:
    return SEND | {"id": name} | changes


def _wait(name: str, span: str = "5d") -> dict[str, Any]:
    return {"id": name, "wait": span}


def _flow(stage: Stage, *steps: dict[str, Any], **changes: Any) -> None:
    fields = {"campaign": "flow", "audience": ENTER, "approval": "none", "steps": list(steps)}
    stage.add(campaign(**fields | changes))


def _tick(stage: Stage, now: datetime) -> TickShape:
    return tick(stage.project, now)


def _got(stage: Stage) -> dict[str, list[str]]:
    """customer_id → the steps of their messages, in order."""
    found: dict[str, list[str]] = {}
    for row in stage.rows():
        found.setdefault(row["customer_id"], []).append(row["step"])
    return found


def _stand(stage: Stage) -> dict[str, tuple[str, str, str | None]]:
    """customer_id → step, state and reason of the last enrolment."""
    with stage.ledger.read() as connection:
        rows = connection.execute(select(enrolments).order_by(enrolments.c.entered_at)).all()
    return {row.customer_id: (row.step, row.state, row.reason) for row in rows}


def _event(stage: Stage, customer: str, kind: str, at: datetime, *, machine: bool = False, step: str = "hello") -> None:
    with stage.ledger.write() as connection:
        here = (messages.c.customer_id == customer) & (messages.c.step == step)
        message = connection.execute(select(messages).where(here)).one()
        row = {"provider": "test", "event_id": f"{customer} {kind} {at} {machine}", "message_id": message.id}
        row |= {"send_key": message.send_key, "person_key": message.person_key, "kind": kind, "occurred_at": at}
        connection.execute(insert(events), row | {"received_at": at, "machine": machine, "detail": ""})


def test_a_wait_lasts_as_long_as_it_says(stage: Stage) -> None:
    """The next message comes when the wait is over, not before, once, however often the tick runs."""
    _flow(stage, _send("hello"), _wait("five"), _send("again"))
    stage.people([person(1)])
    stage.plan("flow")
    for now in (NOW, NOW + 5 * DAY - timedelta(seconds=1)):
        _tick(stage, now)
        assert {"C0001": ["hello"]} == _got(stage)
        assert ("five", "active", None) == _stand(stage)["C0001"]
    for now in (NOW + 5 * DAY, NOW + 5 * DAY, NOW + 6 * DAY):
        _tick(stage, now)
        assert {"C0001": ["hello", "again"]} == _got(stage)
        assert ("end", "finished", None) == _stand(stage)["C0001"]
    assert {"accepted": 2} == stage.states()


def test_who_is_stopped_at_a_send_walks_on(stage: Stage) -> None:
    """A closed gate keeps back the message, not the person; who cannot be reached first may be reached later."""
    _flow(stage, _send("hello"), _wait("five"), _send("again"))
    stage.people([person(1, consents=("sms",)), person(2)])
    stage.plan("flow")
    _tick(stage, NOW)
    stage.people([person(1), person(2)])
    _tick(stage, NOW + 5 * DAY)
    assert {"C0001": ["again"], "C0002": ["hello", "again"]} == _got(stage)


def test_a_person_enters_once_and_returns_after_the_time_set(stage: Stage) -> None:
    """Inside, and until `reentry` has passed since the exit, nobody enters again; then a new occasion begins."""
    _flow(stage, _send("hello"), _wait("five"), audience=ENTER | {"reentry": "10d"})
    stage.people([person(1)])
    reasons = []
    for day in (0, 1, 6, 14, 15, 16):
        _tick(stage, NOW + day * DAY)
        counts = stage.plan("flow", NOW + day * DAY).counts
        reasons.append(next(iter(counts.reasons), f"planned {counts.planned}"))
    # The wait ends on day five; the tick of day six sees it, and ten days later the person may return.
    assert ["planned 1", "already_inside", "reentry", "reentry", "reentry", "planned 1"] == reasons


def test_only_those_who_come_in_enter(stage: Stage) -> None:
    """Without a backlog, whoever was in the segment before the first run does not enter; who comes in later does."""
    _flow(stage, _send("hello"), audience=ENTER | {"backlog": "none"})
    stage.people([person(1), person(2, segments=())])
    assert {"backlog": 1, "not_in_audience": 1} == stage.plan("flow").counts.reasons
    stage.people([person(1), person(2)])
    found = stage.plan("flow", NOW + DAY)
    assert ({"backlog": 1}, 1) == (found.counts.reasons, found.counts.planned)
    assert {"backlog": 1, "reentry": 1} == stage.plan("flow", NOW + 2 * DAY).counts.reasons


@pytest.mark.parametrize("change", ["audience", "retention"])
def test_an_edit_is_no_entry(stage: Stage, change: str) -> None:
    """Where the last run's snapshot cannot say who was inside, nobody comes in by that; the day after they do."""
    once = ENTER | {"backlog": "none"}
    _flow(stage, _send("hello"), _wait("five"), audience=once)
    stage.people([person(1), person(2)])
    stage.plan("flow")
    if change == "retention":
        shutil.rmtree(next((stage.project.state / "snapshots").glob("*/people.parquet")).parent)
    else:
        stage.project.segments["newest"] = stage.project.segments["loyal"]
        _flow(stage, _send("hello"), _wait("five"), audience=once | {"include": "newest"})
    inside = {"segments": ("readers", "newest")}
    stage.people([person(1, **inside), person(2, **inside), person(3, segments=())], NOW + DAY)
    assert {"backlog": 2, "not_in_audience": 1} == stage.plan("flow", NOW + DAY).counts.reasons
    stage.people([person(number, **inside) for number in (1, 2, 3)], NOW + 2 * DAY)
    found = stage.plan("flow", NOW + 2 * DAY).counts
    assert ({"backlog": 2}, 1) == (found.reasons, found.planned)


@pytest.mark.parametrize("enter", [{}, {"enter": "every_run", "reentry": "30d"}])
def test_one_message_on_entering_is_one_message(stage: Stage, enter: dict[str, str]) -> None:
    """A single step on entry, or with a time to return, goes to a person once, not on every day they stay."""
    _flow(stage, _send("hello"), audience=ENTER | enter)
    stage.people([person(1), person(2)])
    found = [stage.plan("flow", NOW + day * DAY).counts for day in (0, 1, 2)]
    assert [2, 0, 0] == [counts.planned for counts in found]
    assert {"reentry": 2} == found[1].reasons
    assert ("end", "finished", None) == _stand(stage)["C0001"]


def test_a_branch_asks_about_clicks_since_entry(stage: Stage) -> None:
    """Who clicked goes one way, everybody else the other; what a scanner clicked is nobody's click (R37)."""
    branch = {"id": "keen", "if": {"clicked": "hello"}, "then": [_send("thanks")], "else": [_send("nudge")]}
    _flow(stage, _send("hello"), _wait("five"), branch)
    stage.people([person(1), person(2), person(3)])
    stage.plan("flow")
    _tick(stage, NOW)
    _event(stage, "C0001", "clicked", NOW + DAY)
    _event(stage, "C0002", "clicked", NOW + DAY, machine=True)
    _tick(stage, NOW + 5 * DAY)
    assert {"C0001": ["hello", "thanks"], "C0002": ["hello", "nudge"], "C0003": ["hello", "nudge"]} == _got(stage)


def test_a_machines_open_is_nobodys(stage: Stage) -> None:
    """Where a machine opened, nobody knows: it is neither `opened` nor `not opened` (R37)."""
    branch = [
        {"id": "read", "if": {"opened": "hello"}, "then": [_send("thanks")]},
        {"id": "unread", "if": {"not": {"opened": {"step": "hello"}}}, "then": [_send("nudge")]},
        {"id": "both", "if": {"not": {"any": [{"not": {"opened": {}}}, "angry"]}}, "then": [_send("calm")]},
    ]
    _flow(stage, _send("hello"), _wait("five"), *branch)
    stage.people([person(number) for number in (1, 2, 3)])
    stage.plan("flow")
    _tick(stage, NOW)
    _event(stage, "C0001", "opened", NOW + DAY)
    _event(stage, "C0002", "opened", NOW + DAY, machine=True)
    _tick(stage, NOW + 5 * DAY)
    assert {"C0001": {"hello", "thanks", "calm"}, "C0002": {"hello"}, "C0003": {"hello", "nudge"}} == {
        customer: set(steps) for customer, steps in _got(stage).items()
    }


def test_a_branch_may_look_back_a_shorter_time(stage: Stage) -> None:
    """`within` in a branch is since entry, and no longer ago than it says."""
    branch = {"id": "keen", "if": {"clicked": {"step": "hello", "within": "2d"}}, "then": [_send("thanks")]}
    _flow(stage, _send("hello"), _wait("five"), branch)
    stage.people([person(1), person(2)])
    stage.plan("flow")
    _tick(stage, NOW)
    _event(stage, "C0001", "clicked", NOW + DAY)
    _event(stage, "C0002", "clicked", NOW + 4 * DAY)
    _tick(stage, NOW + 5 * DAY)
    assert {"C0001": ["hello"], "C0002": ["hello", "thanks"]} == _got(stage)


def test_what_happened_before_entry_does_not_count(stage: Stage) -> None:
    """A click of an earlier round is not a click of this one."""
    branch = {"id": "keen", "if": {"clicked": "hello"}, "then": [_send("thanks")]}
    _flow(stage, _send("hello"), _wait("one", "1d"), branch, audience=ENTER | {"reentry": "1d"})
    stage.people([person(1)])
    stage.plan("flow")
    _tick(stage, NOW)
    _event(stage, "C0001", "clicked", NOW + timedelta(hours=1))
    _tick(stage, NOW + DAY)
    stage.plan("flow", NOW + 5 * DAY)
    _tick(stage, NOW + 6 * DAY)
    assert {"C0001": ["hello", "thanks", "hello"]} == _got(stage)


def test_a_branch_may_ask_a_segment(stage: Stage) -> None:
    """The current snapshot answers; one that cannot stops this flow by name and no other."""
    _flow(stage, _wait("one", "1d"), {"id": "if", "if": "loyal", "then": [_send("thanks")], "else": [_send("nudge")]})
    stage.add(
        campaign(campaign="other", audience=ENTER, approval="none", steps=[_send("hello"), _wait("w"), _send("b")])
    )
    stage.people([person(1, segments=("readers", "loyal")), person(2)])
    stage.plan("flow")
    stage.plan("other")
    good = stage.campaigns["flow"]
    stage.project.segments["newest"] = stage.project.segments["loyal"]
    _flow(stage, _wait("one", "1d"), {"id": "if", "if": "newest", "then": [_send("thanks")]})
    with pytest.raises(TidingsError, match="flow: the snapshot does not answer 'newest' yet; run `tidings refresh`"):
        _tick(stage, NOW + 5 * DAY)
    assert {"C0001": ["hello", "b"], "C0002": ["hello", "b"]} == _got(stage)
    stage.add(good)
    _tick(stage, NOW + 6 * DAY)
    assert {"C0001": ["hello", "b", "thanks"], "C0002": ["hello", "b", "nudge"]} == {
        customer: sorted(steps, key=["hello", "b", "thanks", "nudge"].index) for customer, steps in _got(stage).items()
    }


def test_a_step_that_was_removed_ends_the_flow(stage: Stage) -> None:
    """Who stands at a step that the file no longer has is finished, with the reason."""
    _flow(stage, _send("hello"), _wait("five"), _send("again"))
    stage.people([person(1)])
    stage.plan("flow")
    _flow(stage, _send("hello"), _wait("ten", "10d"), _send("again"))
    _tick(stage, NOW + 5 * DAY)
    assert ("five", "finished", "step_removed") == _stand(stage)["C0001"]
    assert {"C0001": ["hello"]} == _got(stage)


def test_who_has_left_the_warehouse_leaves(stage: Stage) -> None:
    """A customer whom the company does not have any more ends the flow, due or waiting for the goal; others go on."""
    goal = {"event": "order", "within": "14d"}
    _flow(stage, _send("hello"), {"id": "goal", "wait": {"until": "goal", "timeout": "5d"}}, _send("again"), goal=goal)
    write_small_shop(stage.project.root / "data", end=NOW.date())
    stage.people([person(1), person(2)])
    stage.plan("flow")
    stage.people([person(2)], NOW + DAY)
    done = _tick(stage, NOW + DAY)
    assert (1, 1) == (done.advanced, done.finished)
    assert {"C0001": ("goal", "exited", "left_warehouse"), "C0002": ("goal", "active", None)} == _stand(stage)
    stage.people([person(3)], NOW + 5 * DAY)
    done = _tick(stage, NOW + 5 * DAY)
    assert (1, 1, 0) == (done.advanced, done.finished, done.planned)
    assert ("goal", "exited", "left_warehouse") == _stand(stage)["C0002"]
    assert 0 == _tick(stage, NOW + 6 * DAY).advanced
    assert {"C0001": ["hello"], "C0002": ["hello"]} == _got(stage)


def test_the_goal_is_looked_up_once_a_snapshot(stage: Stage) -> None:
    """Between two refreshes a tick asks the warehouse nothing for those who wait for the goal: it may be gone."""
    goal = {"event": "order", "within": "14d"}
    _flow(stage, _send("hello"), {"id": "goal", "wait": {"until": "goal", "timeout": "5d"}}, _send("again"), goal=goal)
    data = stage.project.root / "data"
    write_small_shop(data, end=NOW.date())
    stage.people([person(1)])
    stage.plan("flow")
    _tick(stage, NOW)
    shutil.move(data, stage.project.root / "elsewhere")
    assert 0 == _tick(stage, NOW + timedelta(minutes=5)).advanced
    stage.people([person(1)], NOW + DAY)
    with pytest.raises(TidingsError, match="has no table"):
        _tick(stage, NOW + DAY)
    shutil.move(stage.project.root / "elsewhere", data)
    assert 0 == _tick(stage, NOW + DAY).advanced
    assert ("goal", "active", None) == _stand(stage)["C0001"]


def test_who_is_excluded_leaves(stage: Stage) -> None:
    """The exclusion is asked again before every step; whoever it meets leaves, unless the flow says otherwise."""
    for name, exits in (("flow", ["goal", "excluded"]), ("stay", ["goal"])):
        audience = ENTER | {"exclude": ["angry"]}
        steps = (_send("hello"), _wait("five"), _send("again"), _wait("ten"), _send("late"))
        _flow(stage, *steps, campaign=name, audience=audience, exit=exits)
    stage.people([person(1)])
    for name in ("flow", "stay"):
        stage.plan(name)
    stage.people([person(1, segments=("readers", "angry"))])
    _tick(stage, NOW + 5 * DAY)
    stage.people([person(1)])
    _tick(stage, NOW + 10 * DAY)
    with stage.ledger.read() as connection:
        rows = connection.execute(select(enrolments).order_by(enrolments.c.campaign)).all()
        sent = connection.execute(select(messages.c.campaign, messages.c.step).order_by(messages.c.id)).all()
    assert [("exited", "excluded"), ("finished", None)] == [(row.state, row.reason) for row in rows]
    assert [("flow", "hello"), ("stay", "hello"), ("stay", "late")] == [tuple(row) for row in sent]


def test_held_out_people_walk_the_same_steps(stage: Stage) -> None:
    """Both arms get each step at the same time, one of them on paper; the arm is drawn once, at the first step."""
    _flow(stage, _send("hello"), _wait("five"), _send("again"), holdout={"share": "50%"})
    stage.people([person(number) for number in range(1, 31)])
    stage.plan("flow")
    _tick(stage, NOW)
    _tick(stage, NOW + 5 * DAY)
    states: dict[str, set[tuple[str, str]]] = {}
    for row in stage.rows():
        states.setdefault(row["customer_id"], set()).add((row["step"], row["state"]))
    arms = {frozenset(found) for found in states.values()}
    assert {
        frozenset({("hello", "accepted"), ("again", "accepted")}),
        frozenset({("hello", "withheld"), ("again", "withheld")}),
    } == arms
    with stage.ledger.read() as connection:
        assert 30 == len(assignments.load(connection, "flow"))


def test_an_arm_is_kept_through_a_flow(stage: Stage) -> None:
    """Neither the turn of an epoch nor a new share moves a person to the other arm between two steps of one round."""
    steps = (_send("hello"), _wait("five"), _send("again"))
    _flow(stage, *steps, holdout={"share": "50%", "rotate": "1d"})
    stage.people([person(number) for number in range(1, 31)])
    stage.plan("flow")
    _flow(stage, *steps, holdout={"share": "90%", "rotate": "1d"})
    _tick(stage, NOW + 5 * DAY)
    states: dict[str, set[str]] = {}
    for row in stage.rows():
        states.setdefault(row["customer_id"], set()).add("withheld" if row["state"] == "withheld" else "sent")
    assert {1} == {len(found) for found in states.values()}
    with stage.ledger.read() as connection:
        assert {0.5} == {row["probability"] for row in assignments.load(connection, "flow")}


def test_people_of_different_days_reach_a_step_together(stage: Stage) -> None:
    """Each keeps the occasion of entry and their own recommendations, and the limit counts them as one run."""
    shown = _send("again", recommend={"strategy": "association_rules", "count": 1})
    _flow(stage, _wait("gap", "1d"), {"id": "if", "if": "loyal", "then": [shown]}, limits={"per_run": 5})
    everybody = [person(number, products=(f"P{number}",)) for number in range(1, 7)]
    stage.people(everybody[:3])
    stage.plan("flow", NOW)
    stage.people(everybody)
    stage.plan("flow", NOW + DAY)
    stage.people([one | {"segments": ("readers", "loyal")} for one in everybody])
    with stage.ledger.write() as connection:
        connection.execute(update(enrolments).values(due_at=NOW + DAY))
    done = _tick(stage, NOW + 2 * DAY)
    assert (6, 6, 5) == (done.advanced, done.finished, done.planned)
    assert {"entry:2026-11-22", "entry:2026-11-23"} == {row["occasion"] for row in stage.rows()}
    for row in stage.rows():
        path = stage.project.root / ".tidings" / "outbox" / "email" / f"{row['send_key']}.eml"
        letter = message_from_bytes(path.read_bytes(), policy=default)
        text = letter.get_body(("plain",)).get_content()
        assert [int(row["customer_id"][1:])] == [number for number in range(1, 7) if f"Product P{number}" in text]


def test_two_ticks_at_once_move_everybody_once(stage: Stage) -> None:
    """A tick whose people were moved by another in the meantime writes nothing at all, and says so."""
    _flow(stage, _send("hello"), _wait("five"), _send("again"), _wait("ten"), _send("late"))
    stage.people([person(1), person(2)])
    stage.plan("flow")
    flow = stage.campaigns["flow"]
    with stage.ledger.read() as connection:
        slow = plan_due(stage.project, flow, connection, NOW + 5 * DAY)
    _tick(stage, NOW + 5 * DAY + timedelta(seconds=1))
    before = (stage.rows(), _stand(stage))
    with pytest.raises(TidingsError, match="another run planned flow at the same time") as caught:
        save_plan(stage.project, stage.ledger, slow)
    assert isinstance(caught.value.__cause__, Exception)
    assert before == (stage.rows(), _stand(stage))
    assert [] == list((stage.project.root / ".tidings/plans").glob(slow.plan_id))


def test_a_stale_move_is_refused(stage: Stage) -> None:
    """Where only waits are moved, no unique key would notice; the step where the person stood does."""
    _flow(stage, _wait("one", "1d"), _wait("two", "1d"), _wait("three", "1d"))
    stage.people([person(1)])
    stage.plan("flow")
    with stage.ledger.read() as connection:
        slow = plan_due(stage.project, stage.campaigns["flow"], connection, NOW + DAY)
    _tick(stage, NOW + DAY + timedelta(seconds=1))
    _tick(stage, NOW + 3 * DAY)
    assert "three" == _stand(stage)["C0001"][0]
    with pytest.raises(TidingsError) as caught:
        save_plan(stage.project, stage.ledger, slow)
    assert isinstance(caught.value.__cause__, Overtaken)
    assert "three" == _stand(stage)["C0001"][0]


def test_nothing_due_writes_nothing(stage: Stage) -> None:
    """A tick with nothing to do leaves no plan behind."""
    _flow(stage, _send("hello"), _wait("five"), _send("again"))
    stage.people([person(1)])
    assert 0 == _tick(stage, NOW).advanced
    assert not (stage.project.root / ".tidings/plans").exists()
    stage.plan("flow")
    _tick(stage, NOW)
    plans = list((stage.project.root / ".tidings/plans").iterdir())
    assert 0 == _tick(stage, NOW + DAY).advanced
    assert plans == list((stage.project.root / ".tidings/plans").iterdir())
