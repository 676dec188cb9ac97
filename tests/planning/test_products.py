from __future__ import annotations

import json
from typing import Any

import pandas as pd

from tests.planning.campaigns import SEND, campaign
from tests.stage import DAY, NOW, Stage, person
from tidings.model.campaign import Holdout
from tidings.planning.products import CONTENT, Picks
from tidings.verbs.deliver import deliver

PRODUCTS = ("P1", "P2", "P3", "P4")


def _shown(stage: Stage, plan_id: str | None) -> dict[str, list[str]]:
    """customer_id → the products that a plan shows."""
    frame = pd.read_parquet(stage.project.root / ".tidings" / "plans" / str(plan_id) / CONTENT)
    pairs = zip(frame["customer_id"], frame["products"], strict=True)
    return {customer: [one["product_id"] for one in json.loads(text)] for customer, text in pairs}


def _campaign(stage: Stage, **recommend: Any) -> None:
    recommend = {"strategy": "association_rules", "count": 2, "at_least": 2} | recommend
    stage.add(campaign(steps=[SEND | {"recommend": recommend}], approval="none"))


def test_the_best_ranks_are_shown(stage: Stage) -> None:
    """As many as asked, the best first, in the order of rank."""
    _campaign(stage)
    stage.people([person(1, products=("P9", "P3", "P5")), person(2, products=("P1",))])
    made = stage.plan()
    assert {"C0001": ["P9", "P3"]} == _shown(stage, made.plan_id)
    assert {"too_few_recommendations": 1} == made.counts.reasons


def _send(stage: Stage, day: int) -> dict[str, list[str]]:
    """customer_id → what the plan of a day showed, all of which is delivered."""
    made = stage.plan(now=NOW + day * DAY)
    deliver(stage.project, NOW + day * DAY)
    return _shown(stage, made.plan_id)


def test_what_was_shown_lately_is_not_shown_again(stage: Stage) -> None:
    """Within `not_again` the next ranks come; afterwards the best ones may come again."""
    _campaign(stage, not_again="10d")
    stage.people([person(1, products=PRODUCTS)])
    found = [_send(stage, day) for day in (0, 1, 2, 10, 11)]
    assert [["P1", "P2"], ["P3", "P4"], [], ["P1", "P2"], ["P3", "P4"]] == [shown.get("C0001", []) for shown in found]


def test_what_was_not_sent_was_not_shown(either: Stage) -> None:
    """A plan that nobody released uses up nothing, in either arm, nor does a message that did not leave in time."""
    _campaign(either, not_again="60d")
    released = either.campaigns["letter"]
    either.add(released.model_copy(update={"approval": "plan", "holdout": Holdout(share=0.5)}))
    either.people([person(number, products=PRODUCTS) for number in range(1, 21)])
    for day in (0, 7, 14, 21):
        counts = either.plan(now=NOW + day * DAY).counts
        assert (20, True) == (counts.planned + counts.withheld, 0 < counts.withheld < 20)
    either.add(released)
    either.plan(now=NOW + 28 * DAY)
    deliver(either.project, NOW + 36 * DAY)
    assert {"expired", "withheld"} == {row["state"] for row in either.rows()}
    assert {("P1", "P2")} == {tuple(shown) for shown in _send(either, 37).values()}


def test_both_arms_see_their_products_pass(either: Stage) -> None:
    """What a held-out person would have been shown is not picked again either: both arms meet the same gate."""
    _campaign(either, not_again="10d")
    either.add(either.campaigns["letter"].model_copy(update={"holdout": Holdout(share=0.5)}))
    either.people([person(number, products=PRODUCTS[:3]) for number in range(1, 21)])
    first = _send(either, 0)
    assert (20, {("P1", "P2")}) == (len(first), {tuple(shown) for shown in first.values()})
    assert {"accepted", "withheld"} == {row["state"] for row in either.rows()}
    assert {"too_few_recommendations": 20} == either.plan(now=NOW + DAY).counts.reasons


def test_what_another_campaign_showed_does_not_count(stage: Stage) -> None:
    """`not_again` is of this campaign's own messages."""
    _campaign(stage, not_again="10d")
    stage.add(campaign(campaign="other", approval="none", steps=stage.campaigns["letter"].steps))
    stage.people([person(1, products=("P1", "P2"))])
    assert ["P1", "P2"] == _shown(stage, stage.plan("other").plan_id)["C0001"]
    deliver(stage.project, NOW)
    assert ["P1", "P2"] == _shown(stage, stage.plan().plan_id)["C0001"]


def test_another_strategy_has_its_own_products(stage: Stage) -> None:
    """Rows of other strategies are not this step's."""
    _campaign(stage, strategy="popular", at_least=1)
    stage.people([person(1)])
    assert {"too_few_recommendations": 1} == stage.plan().counts.reasons


def test_picks_of_two_groups_join() -> None:
    """What was picked for others before is kept."""
    first, second = Picks({"a": []}, frozenset({"a"})), Picks({"b": []}, frozenset())
    assert Picks({"a": [], "b": []}, frozenset({"a"})) == second.joined(first)
    assert second is second.joined(None)
