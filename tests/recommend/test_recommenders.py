from __future__ import annotations

import random
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from tests.warehouse.workspaces import NOW
from tidings.recommend import recommenders as module
from tidings.recommend.recommenders import BECAUSE, COLUMNS, POPULAR, RANKS, AssociationRules, Popular

Frames = dict[str, pd.DataFrame]


def tables(frames: Frames) -> dict[str, Any]:
    """The prepared tables as a recommender gets them."""
    return {name: ibis.memtable(pa.Table.from_pandas(frame, preserve_index=False)) for name, frame in frames.items()}


def purchases(*rows: tuple[str, str, bool]) -> pd.DataFrame:
    """customer, item, recent; the product bought is named after both."""
    frame = pd.DataFrame(rows, columns=["customer_id", "item", "recent"]).astype({"recent": bool})
    return frame.assign(product_id=frame["customer_id"] + "'s " + frame["item"], times=1)


def rules(*rows: tuple[str, str, float]) -> pd.DataFrame:
    """Letters on the left, one on the right, confidence; the most confident first."""
    frame = pd.DataFrame(
        [(list(left), [right], c) for left, right, c in rows], columns=["antecedents", "consequents", "confidence"]
    )
    return frame.sort_values("confidence", ascending=False, kind="stable")


def candidates(*rows: tuple[str, str, int, int]) -> pd.DataFrame:
    """item, category, margin, sold; the product is named after the item."""
    frame = pd.DataFrame(rows, columns=["item", "category", "margin", "sold"])
    return frame.assign(product_id="best " + frame["item"])


def people(*customers: str) -> pd.DataFrame:
    """Who is to get something."""
    return pd.DataFrame({"customer_id": list(customers)})


def found(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Customer, rank, product, and the product that is the reason."""
    columns = frame[["customer_id", "rank", "product_id", "reason_product"]].astype(object)
    return list(columns.where(columns.notna(), None).itertuples(index=False, name=None))


FRAMES: Frames = {
    "purchases": purchases(
        ("1", "a", False), ("1", "b", False), ("2", "a", False), ("2", "c", True), ("3", "d", False)
    ),
    "rules": rules(("a", "c", 0.6), ("b", "c", 0.7), ("ab", "e", 0.5), ("a", "e", 0.2), ("d", "z", 0.9)),
    "candidates": candidates(("c", "C", 100, 9), ("e", "E", 200, 5), ("a", "A", 50, 50)),
}


def test_the_best_rule_for_each_product_by_expected_margin() -> None:
    """Confidence × margin ranks; the most confident rule that fits is the reason; unknown offers are passed over."""
    frame = AssociationRules().recommend(tables(FRAMES), people("1", "2", "3"), NOW)
    assert tuple(frame.columns) == COLUMNS
    assert found(frame) == [("1", 1, "best e", "1's a"), ("1", 2, "best c", "1's b"), ("2", 1, "best e", "2's a")]
    assert list(frame["score"]) == pytest.approx([100.0, 70.0, 40.0])
    assert set(frame["reason"]) == {BECAUSE}


def test_what_was_bought_lately_is_not_offered() -> None:
    """Customer 2 has just bought c; customer 1 gets it."""
    frame = Popular().recommend(tables(FRAMES), people("1", "2"), NOW)
    assert found(frame) == [
        ("1", 1, "best a", None), ("1", 2, "best c", None), ("1", 3, "best e", None),
        ("2", 1, "best a", None), ("2", 2, "best e", None),
    ]  # fmt: skip
    assert set(frame["reason"]) == {POPULAR}


def test_one_product_a_category_and_no_more_than_the_ranks() -> None:
    """The best of each category, the twelve best of all."""
    offers = candidates(*((f"{n}", f"C{n // 2}", 10 + n, n) for n in range(40)))
    frames = FRAMES | {"candidates": offers, "rules": rules(*(("a", f"{n}", 0.5) for n in range(40)))}
    frame = AssociationRules().recommend(tables(frames), people("1"), NOW)
    assert list(frame["rank"]) == list(range(1, RANKS + 1))
    assert list(frame["product_id"]) == [f"best {n}" for n in range(39, 15, -2)]


@pytest.mark.parametrize("empty", ["purchases", "rules", "candidates"])
def test_nothing_to_go_by_is_an_empty_answer(empty: str) -> None:
    """No purchases, no rules or nothing to offer: no rows, the same columns."""
    frames = FRAMES | {empty: FRAMES[empty].head(0)}
    frame = AssociationRules().recommend(tables(frames), people("1"), NOW)
    assert frame.empty
    assert tuple(frame.columns) == COLUMNS
    assert AssociationRules().recommend(tables(FRAMES), people(), NOW).empty


def test_crowds_are_ranked_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by the piece; the answer is the same."""
    everybody = people(*"123")
    whole = [kind().recommend(tables(FRAMES), everybody, NOW) for kind in (AssociationRules, Popular)]
    monkeypatch.setattr(module, "CHUNK", 2)
    pieces = [kind().recommend(tables(FRAMES), everybody, NOW) for kind in (AssociationRules, Popular)]
    for one, other in zip(whole, pieces, strict=True):
        pd.testing.assert_frame_equal(one, other)


def naive(frames: Frames, customer: str) -> list[tuple[str, int, str, str]]:
    """The ranking of one customer, rule by rule."""
    mine = frames["purchases"][frames["purchases"]["customer_id"] == customer].set_index("item")
    offers = frames["candidates"].sort_values(["sold", "product_id"], ascending=[False, True]).to_dict("records")
    best: dict[str, tuple[float, int, str, str]] = {}
    for place, offer in enumerate(offers):
        if offer["item"] in mine.index and mine.loc[offer["item"], "recent"]:
            continue
        for rule in frames["rules"].to_dict("records"):
            if rule["consequents"][0] == offer["item"] and set(rule["antecedents"]) <= set(mine.index):
                score = rule["confidence"] * offer["margin"]
                reason = mine.loc[rule["antecedents"][0], "product_id"]
                if offer["category"] not in best or score > best[offer["category"]][0]:
                    best[offer["category"]] = (score, place, offer["product_id"], reason)
                break
    ranked = sorted(best.values(), key=lambda each: (-each[0], each[1]))[:RANKS]
    return [(customer, rank, product, reason) for rank, (_, _, product, reason) in enumerate(ranked, 1)]


def test_the_ranking_equals_a_naive_one() -> None:
    """200 customers, 120 random rules of one or two items, equal scores among them."""
    draw = random.Random(3)
    items = [chr(97 + n) for n in range(20)]
    customers = [f"{n}" for n in range(200)]
    bought = [(who, item, draw.random() < 0.2) for who in customers for item in draw.sample(items, draw.randint(0, 8))]
    drawn = {(tuple(sorted(draw.sample(items, draw.randint(1, 2)))), draw.choice(items)) for _ in range(120)}
    frames: Frames = {
        "purchases": purchases(*bought),
        "rules": rules(*(("".join(left), right, draw.randint(1, 5) / 10) for left, right in sorted(drawn))),
        "candidates": candidates(
            *((item, draw.choice("ABCDEF"), draw.randint(1, 4) * 10, draw.randint(1, 5)) for item in items)
        ),
    }
    frame = AssociationRules().recommend(tables(frames), people(*customers), NOW)
    expected = [row for who in customers for row in naive(frames, who)]
    assert found(frame) == expected
    assert len(expected) > 500
