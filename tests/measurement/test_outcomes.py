"""What people did from their anchor to the end of the goal window: planted orders come out as they were put in."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from tests.workspace import DAY, NOW, buy, shop
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.persons import merge_persons
from tidings.ledger.tables import assignments, events, messages, profiles
from tidings.measurement.lift import mean_difference, proportion_difference, sample_ratio
from tidings.model.counts import ArmResult, MeasureShape
from tidings.project import Project, load_project
from tidings.verbs.approve import approve
from tidings.verbs.measure import measure
from tidings.verbs.plan import plan

WITHIN = 14 * DAY
CLOSED = NOW + WITHIN


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The newsletter released to the whole shop; its goal is an order of tea within fourteen days."""
    project = shop(tmp_path_factory.mktemp("planned"))
    path = project.root / "config" / "campaigns" / "newsletter.yaml"
    lines = path.read_text().splitlines()
    goal = "goal: {event: order, where: {category: Tea}, within: 14d}"
    path.write_text("\n".join(goal if line.startswith("goal:") else line for line in lines) + "\n")
    project = load_project(project.root)
    approve(project, "newsletter", NOW, who="lan")
    plan(project, "newsletter", NOW, commit=True)
    return project.root


class Experiment:
    """A copy of it, with the customers of both arms in order."""

    def __init__(self, project: Project) -> None:
        self.project = project
        with Ledger.open(project) as ledger, ledger.read() as connection:
            rows = connection.execute(select(assignments).order_by(assignments.c.customer_id)).all()
        self.treated = [row.customer_id for row in rows if row.arm == "treated"]
        self.control = [row.customer_id for row in rows if row.arm == "control"]
        self.persons = {row.customer_id: row.person_key for row in rows}

    def buy(self, customer: str, after: timedelta, category: str = "Tea", total: str = "10.00") -> None:
        buy(self.project, customer, NOW + after, category, total)

    def click(self, customer: str, after: timedelta, *, machine: bool = False) -> None:
        with Ledger.open(self.project) as ledger, ledger.write() as connection:
            message = connection.execute(select(messages).where(messages.c.customer_id == customer)).one()
            row = {"provider": "t", "event_id": f"{customer} {after} {machine}", "message_id": message.id}
            row |= {"send_key": message.send_key, "person_key": message.person_key, "kind": "clicked"}
            moment = NOW + after
            connection.execute(
                insert(events), row | {"occurred_at": moment, "received_at": moment, "machine": machine, "detail": ""}
            )

    def measure(self, now: datetime = CLOSED) -> MeasureShape:
        return measure(self.project, "newsletter", now)

    def arms(self, now: datetime = CLOSED) -> list[tuple[int, int, int]]:
        """(converted, orders, value) of treated and control."""
        return [(arm.converted, arm.orders, arm.value) for arm in self.measure(now).arms]


@pytest.fixture
def experiment(planned: Path, tmp_path: Path) -> Experiment:
    """One that a test may act in."""
    return Experiment(shop(tmp_path, planned))


def test_a_planted_effect_comes_out(experiment: Experiment) -> None:
    """Of the treated 40 % buy and of the held out 10 %: both arms, the lift and what was caused are exactly that."""
    treated, control = experiment.treated, experiment.control
    buyers = treated[: len(treated) * 4 // 10], control[: len(control) // 10]
    for customer in (*buyers[0], *buyers[1]):
        experiment.buy(customer, 3 * DAY, total="12.50")
    shape = experiment.measure()
    sizes = len(treated), len(control)
    assert sum(sizes) == shape.matured
    found = len(buyers[0]), len(buyers[1])
    expected = [
        ArmResult(arm=arm, persons=size, converted=number, orders=number, value=1250 * number)
        for arm, size, number in zip(("treated", "control"), sizes, found, strict=True)
    ]
    assert expected == shape.arms
    assert proportion_difference(found[0], sizes[0], found[1], sizes[1]) == shape.conversion_lift
    values = [[1250] * number + [0] * (size - number) for number, size in zip(found, sizes, strict=True)]
    assert mean_difference(*values) == shape.value_lift
    assert shape.conversion_lift.low > 0
    assert shape.conversion_lift.value * sizes[0] == pytest.approx(shape.caused_buyers.value)
    assert shape.caused_buyers.value == pytest.approx(shape.caused_orders.value)
    assert shape.value_lift.value * sizes[0] == pytest.approx(shape.caused_value.value)
    assert (14.0, 0.95, CLOSED) == (shape.window_days, shape.confidence, shape.as_of)


def test_the_window_is_from_the_anchor(experiment: Experiment) -> None:
    """An order counts from the anchor on and before the window has closed, to the second."""
    second = timedelta(seconds=1)
    for customer, after in zip(experiment.treated, [-second, timedelta(), WITHIN - second, WITHIN], strict=False):
        experiment.buy(customer, after)
    assert [(2, 2, 2000), (0, 0, 0)] == experiment.arms(CLOSED + 10 * DAY)


def test_a_person_converts_once_and_counts_every_order(experiment: Experiment) -> None:
    """Two orders of one person are one conversion, two orders, and both values."""
    for after, total in ((DAY, "10.00"), (2 * DAY, "5.55")):
        experiment.buy(experiment.control[0], after, total=total)
    assert [(0, 0, 0), (1, 2, 1555)] == experiment.arms()


def test_only_the_goals_category_counts(experiment: Experiment) -> None:
    """An order without a line of the category is no goal; where there is one the whole order counts."""
    experiment.buy(experiment.treated[0], DAY, "Milk")
    experiment.buy(experiment.treated[1], DAY, "Tea", "7.00")
    assert [(1, 1, 700), (0, 0, 0)] == experiment.arms()


def test_any_profile_of_a_person_may_buy(experiment: Experiment) -> None:
    """What the second profile orders is the person's."""
    with Ledger.open(experiment.project) as ledger, ledger.read() as connection:
        known = dict(connection.execute(select(profiles.c.customer_id, profiles.c.person_key)).all())
    chosen = {person: customer for customer, person in experiment.persons.items()}
    arms = dict.fromkeys(experiment.treated, 0) | dict.fromkeys(experiment.control, 1)
    other, person = next(
        (customer, person) for customer, person in known.items() if chosen.get(person, customer) != customer
    )
    experiment.buy(other, DAY)
    assert (1, 1, 1000) == experiment.arms()[arms[chosen[person]]]


def test_who_has_time_left_does_not_count(experiment: Experiment) -> None:
    """Before a window has closed nobody counts, and there is no figure without its interval."""
    experiment.buy(experiment.treated[0], DAY)
    shape = experiment.measure(CLOSED - timedelta(seconds=1))
    assert (0, [], 0, None) == (shape.matured, shape.arms, shape.strata, shape.split)
    assert {None} == {shape.conversion_lift, shape.value_lift}
    assert {None} == {shape.caused_buyers, shape.caused_orders, shape.caused_value}
    assert (0, 0) == (shape.claimed_orders, shape.claimed_value)


def test_some_are_matured_and_some_are_not(experiment: Experiment) -> None:
    """Each person counts from their own anchor."""
    late = experiment.treated[:5]
    with Ledger.open(experiment.project) as ledger, ledger.write() as connection:
        here = assignments.c.customer_id.in_(late)
        connection.execute(update(assignments).where(here).values(anchored_at=NOW + DAY))
    experiment.buy(late[0], 14 * DAY + timedelta(hours=1))
    everybody = len(experiment.treated) + len(experiment.control)
    assert everybody - 5 == experiment.measure().matured
    assert everybody == experiment.measure(CLOSED + DAY).matured
    assert [(1, 1, 1000), (0, 0, 0)] == experiment.arms(CLOSED + DAY)


def test_the_first_anchor_counts(experiment: Experiment) -> None:
    """A later draw of another epoch neither moves a person to the other arm nor counts them twice."""
    customer = experiment.control[0]
    row = {"campaign": "newsletter", "person_key": experiment.persons[customer], "customer_id": customer}
    row |= {"epoch": "1:0.25", "arm": "treated", "probability": 0.75, "anchored_at": NOW + DAY}
    with Ledger.open(experiment.project) as ledger, ledger.write() as connection:
        connection.execute(insert(assignments), row)
    experiment.buy(customer, 2 * DAY)
    assert [(0, 0, 0), (1, 1, 1000)] == experiment.arms()
    assert len(experiment.treated) + len(experiment.control) == experiment.measure().matured


def test_a_merged_person_counts_once(experiment: Experiment) -> None:
    """Of two keys that are one person the older stays in its arm, and the younger is nobody."""
    older, younger = experiment.treated[0], experiment.control[0]
    before = len(experiment.control)
    with Ledger.open(experiment.project) as ledger, ledger.write() as connection:
        merge_persons(connection, [(experiment.persons[younger], experiment.persons[older])], NOW)
    arms = experiment.measure().arms
    assert [len(experiment.treated), before - 1] == [arm.persons for arm in arms]


CLICKS: dict[str, tuple[list[Any], list[Any], int]] = {
    "after a click": ([DAY], [2 * DAY], 1),
    "before the click": ([2 * DAY], [DAY], 0),
    "at the click": ([DAY], [DAY], 1),
    "two orders after one click": ([DAY], [2 * DAY, 3 * DAY], 2),
    "one order after two clicks": ([DAY, 2 * DAY], [3 * DAY], 1),
    "no click": ([], [DAY], 0),
    "no order": ([DAY], [], 0),
}


@pytest.mark.parametrize("case", list(CLICKS))
def test_what_the_campaign_may_claim(experiment: Experiment, case: str) -> None:
    """Goal orders after a click of that person, each once; beside what was caused, not in its place."""
    clicks, orders, claimed = CLICKS[case]
    for after in clicks:
        experiment.click(experiment.treated[0], after)
    for after in orders:
        experiment.buy(experiment.treated[0], after)
    experiment.buy(experiment.treated[1], 5 * DAY)
    shape = experiment.measure()
    assert (claimed, 1000 * claimed) == (shape.claimed_orders, shape.claimed_value)
    assert len(orders) + 1 == shape.arms[0].orders


def test_a_scanners_click_claims_nothing(experiment: Experiment) -> None:
    """What a machine clicked is nobody's click (R37)."""
    experiment.click(experiment.treated[0], DAY, machine=True)
    experiment.buy(experiment.treated[0], 2 * DAY)
    assert 0 == experiment.measure().claimed_orders


def test_a_campaign_without_a_goal(experiment: Experiment) -> None:
    """There is nothing to measure, and the error says what to write."""
    project = experiment.project
    project.campaigns["newsletter"] = project.campaigns["newsletter"].model_copy(update={"goal": None})
    with pytest.raises(TidingsError, match="newsletter has no goal; write `goal:`"):
        experiment.measure()


def test_nobody_was_held_out(experiment: Experiment) -> None:
    """Without a control group there is a count and no lift: nothing is called caused."""
    with Ledger.open(experiment.project) as ledger, ledger.write() as connection:
        connection.execute(update(assignments).values(arm="treated"))
    experiment.buy(experiment.treated[0], DAY)
    shape = experiment.measure()
    assert (1, 0) == (shape.arms[0].converted, shape.arms[1].persons)
    assert {None} == {shape.conversion_lift, shape.value_lift}
    assert {None} == {shape.caused_buyers, shape.caused_orders, shape.caused_value}


def test_who_was_never_written_to_does_not_count(tmp_path: Path) -> None:
    """A plan that nobody approved anchors nobody; the next one that somebody did approve does, from its own time."""
    project = shop(tmp_path)
    plan(project, "newsletter", NOW, commit=True, occasion="first")
    assert 0 == measure(project, "newsletter", NOW + 60 * DAY).matured
    made = plan(project, "newsletter", NOW + 7 * DAY, commit=True, occasion="second")
    approve(project, "newsletter", NOW + 7 * DAY, who="lan", hash_=made.plan_hash)
    within = project.campaigns["newsletter"].goal.within
    assert 0 == measure(project, "newsletter", NOW + 7 * DAY + within - timedelta(seconds=1)).matured
    shape = measure(project, "newsletter", NOW + 7 * DAY + within)
    assert (made.counts.planned + made.counts.withheld, 2) == (shape.matured, len(shape.arms))


def redraw(experiment: Experiment, customers: list[str], epoch: str, share: float) -> None:
    """Let these people have been drawn in another epoch, in which another share was held out."""
    with Ledger.open(experiment.project) as ledger, ledger.write() as connection:
        here = assignments.c.customer_id.in_(customers)
        for arm, probability in (("treated", 1 - share), ("control", share)):
            change = update(assignments).where(here, assignments.c.arm == arm)
            connection.execute(change.values(epoch=epoch, probability=probability))


def test_people_are_compared_within_their_draw(experiment: Experiment) -> None:
    """The share was a half in a season in which all bought, and changed: no effect is found where none is."""
    treated, control = experiment.treated, experiment.control
    some = [*treated[: len(control) // 2], *control[: len(control) // 2]]
    redraw(experiment, some, "9:0.5", 0.5)
    for customer in some:
        experiment.buy(customer, DAY)
    shape = experiment.measure()
    assert 2 == shape.strata
    assert (0, 0, 0) == (shape.conversion_lift.value, shape.caused_orders.value, shape.value_lift.value)
    assert shape.arms[1].converted / shape.arms[1].persons > 1.5 * shape.arms[0].converted / shape.arms[0].persons


def test_the_same_epoch_with_another_probability_is_another_draw(experiment: Experiment) -> None:
    """What was logged counts, whatever the epoch is called."""
    epochs = len(experiment.treated) // 2
    redraw(experiment, experiment.treated[:epochs], "0:0.25", 0.5)
    assert 2 == experiment.measure().strata


def test_the_split_is_held_to_what_was_logged(experiment: Experiment) -> None:
    """The campaign may ask for another share today; people lost from one arm are noticed all the same."""
    project, sizes = experiment.project, (len(experiment.treated), len(experiment.control))
    drawn = project.campaigns["newsletter"].holdout.share
    today = project.campaigns["newsletter"].holdout.model_copy(update={"share": 0.01})
    project.campaigns["newsletter"] = project.campaigns["newsletter"].model_copy(update={"holdout": today})
    split = experiment.measure().split
    assert sum(sizes) * drawn == pytest.approx(split.expected)
    assert sample_ratio(*sizes, drawn) == pytest.approx(split.p_value)
    assert split.p_value > 0.001
    with Ledger.open(project) as ledger, ledger.write() as connection:
        lost = assignments.c.customer_id.in_(experiment.treated[: sizes[0] * 3 // 4])
        connection.execute(delete(assignments).where(lost))
    assert experiment.measure().split.p_value < 0.001


def test_without_a_holdout_there_is_no_split(experiment: Experiment) -> None:
    """Nobody was to be held out, and nobody is missing."""
    redraw(experiment, [*experiment.treated, *experiment.control], "0", 0)
    assert (1, None) == (experiment.measure().strata, experiment.measure().split)
