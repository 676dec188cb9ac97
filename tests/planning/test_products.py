from __future__ import annotations

import json
from typing import Any

import pandas as pd

from tests.planning.campaigns import SEND, campaign
from tests.stage import DAY, NOW, Stage, person
from tidings.planning.products import CONTENT, Picks


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


def test_what_was_shown_lately_is_not_shown_again(stage: Stage) -> None:
    """Within `not_again` the next ranks come; afterwards the best ones may come again."""
    _campaign(stage, not_again="10d")
    stage.people([person(1, products=("P1", "P2", "P3", "P4"))])
    found = [_shown(stage, stage.plan(now=NOW + day * DAY).plan_id) for day in (0, 1, 2, 10, 11)]
    assert [["P1", "P2"], ["P3", "P4"], [], ["P1", "P2"], ["P3", "P4"]] == [shown.get("C0001", []) for shown in found]


def test_what_another_campaign_showed_does_not_count(stage: Stage) -> None:
    """`not_again` is of this campaign's own messages."""
    _campaign(stage, not_again="10d")
    stage.add(campaign(campaign="other", approval="none", steps=stage.campaigns["letter"].steps))
    stage.people([person(1, products=("P1", "P2"))])
    assert ["P1", "P2"] == _shown(stage, stage.plan("other").plan_id)["C0001"]
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
