from __future__ import annotations

import csv
import gzip
import itertools
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.recommend import rules as module
from tidings.recommend.baskets import Baskets, to_baskets
from tidings.recommend.rules import association_rules, frequent_itemsets, minimum_count

Itemset = frozenset[str]
BASKETS = st.lists(st.sets(st.sampled_from("abcde"), min_size=1), min_size=1, max_size=24)
SHARES = st.sampled_from([0.01, 0.05, 0.1, 0.125, 0.2, 0.25, 0.3, 1 / 3, 0.5, 0.7, 1.0])


def encoded(baskets: Sequence[Iterable[str]]) -> Baskets:
    """Baskets of letters."""
    pairs = [(str(number), item) for number, basket in enumerate(baskets) for item in sorted(basket)]
    columns = list(zip(*pairs, strict=True)) or [[], []]
    return to_baskets(*(pa.chunked_array([pa.array(list(column), pa.string())]) for column in columns))


def count(baskets: Sequence[Iterable[str]], items: Itemset) -> int:
    """How many baskets hold all the items."""
    return sum(items <= set(basket) for basket in baskets)


def brute_itemsets(baskets: Sequence[set[str]], support: float, length: int) -> dict[Itemset, int]:
    """Every itemset of letters by counting, the threshold as an exact decimal."""
    letters = sorted({item for basket in baskets for item in basket})
    sets = (frozenset(c) for size in range(1, length + 1) for c in itertools.combinations(letters, size))
    counted = {items: count(baskets, items) for items in sets}
    return {items: n for items, n in counted.items() if n and n >= Decimal(str(support)) * len(baskets)}


@pytest.mark.parametrize(
    ("support", "baskets", "least"),
    [(0.01, 100, 1), (0.01, 101, 2), (0.07, 100, 7), (0.29, 100, 29), (0.001, 9835, 10), (0.0, 5, 1)],
)
def test_the_minimum_count_reads_the_support_as_it_was_written(support: float, baskets: int, least: int) -> None:
    """0.07 × 100 is 7, not the 7.000000000000001 that floats make of it; at least one basket always."""
    assert minimum_count(support, baskets) == least


@given(BASKETS, SHARES, st.integers(2, 4))
def test_itemsets_equal_counting(baskets: list[set[str]], support: float, length: int) -> None:
    """Every frequent itemset up to the length, with its exact count."""
    found = frequent_itemsets(encoded(baskets), support, length)
    counts = {
        items: round(share * len(baskets)) for items, share in zip(found["itemsets"], found["support"], strict=True)
    }
    assert counts == brute_itemsets(baskets, support, length)


@given(BASKETS, SHARES)
def test_both_miners_find_the_same(baskets: list[set[str]], support: float) -> None:
    """H-Mine for few items, FP-Growth for many: the choice is about speed only."""
    quick = frequent_itemsets(encoded(baskets), support, 3)
    few, module.FEW_ITEMS = module.FEW_ITEMS, 0
    try:
        other = frequent_itemsets(encoded(baskets), support, 3)
    finally:
        module.FEW_ITEMS = few
    assert dict(zip(quick["itemsets"], quick["support"], strict=True)) == dict(
        zip(other["itemsets"], other["support"], strict=True)
    )


@given(BASKETS, SHARES, SHARES)
def test_rules_equal_counting(baskets: list[set[str]], support: float, confidence: float) -> None:
    """One item on the right; a confidence that is exactly the threshold counts, whatever floats say."""
    rules = association_rules(frequent_itemsets(encoded(baskets), support, 3), len(baskets), confidence)
    found = {
        (frozenset(left), right[0]) for left, right in zip(rules["antecedents"], rules["consequents"], strict=True)
    }
    itemsets = brute_itemsets(baskets, support, 3)
    expected = {
        (items - {right}, right)
        for items, both in itemsets.items()
        for right in items
        if len(items) > 1 and both >= Decimal(str(confidence)) * count(baskets, items - {right})
    }
    assert found == expected
    assert rules["confidence"].is_monotonic_decreasing


def test_a_confidence_at_the_threshold_stays() -> None:
    """3 of 10 at 30 %: mlxtend's floats alone may lose it."""
    baskets = [{"a", "b"}] * 3 + [{"a"}] * 7
    rules = association_rules(frequent_itemsets(encoded(baskets), 0.1, 2), 10, 0.3)
    assert ("a",) in set(rules["antecedents"])


def test_without_pairs_there_are_no_rules_but_their_columns() -> None:
    """An empty shop writes a file that everybody can read."""
    for baskets in ([], [{"a"}], [{"a"}, {"b"}]):
        rules = association_rules(frequent_itemsets(encoded(baskets), 0.5, 2), len(baskets), 0.1)
        assert rules.empty
        assert {"antecedents", "consequents", "support", "confidence", "lift"} <= set(rules.columns)


def test_the_columns_are_mlxtend_s_and_unchanged() -> None:
    """Lift and the others come from mlxtend as they are."""
    baskets = [{"a", "b"}, {"a"}, {"b"}, {"a", "b", "c"}]
    rules = association_rules(frequent_itemsets(encoded(baskets), 0.25, 2), 4, 0.1)
    row = rules[(rules["antecedents"] == ("a",)) & (rules["consequents"] == ("b",))].iloc[0]
    assert (row["support"], row["confidence"], row["lift"]) == (0.5, 2 / 3, (2 / 3) / 0.75)
    assert {"leverage", "conviction", "zhangs_metric"} <= set(rules.columns)


@pytest.fixture(scope="module")
def groceries(reference: Path) -> Baskets:
    """9,835 baskets of 169 items."""
    with gzip.open(reference / "groceries/groceries_long.csv.gz", "rt") as file:
        rows = [(row["basket"], row["item"]) for row in csv.DictReader(file)]
    baskets, items = zip(*rows, strict=True)
    return to_baskets(pa.chunked_array([list(baskets)]), pa.chunked_array([list(items)]))


@pytest.mark.reference
def test_groceries_has_its_463_rules(groceries: Baskets, reference: Path) -> None:
    """The set of rules that R finds at support .006 and confidence .25."""
    listed = json.loads((reference / "groceries/rules_463.json").read_text())["rules"]
    rules = association_rules(frequent_itemsets(groceries, 0.006, 4), groceries.matrix.shape[0], 0.25)
    found = {
        (frozenset(left), right[0]) for left, right in zip(rules["antecedents"], rules["consequents"], strict=True)
    }
    assert len(rules) == 463
    assert found == {(frozenset(rule["lhs"]), rule["rhs"]) for rule in listed}


@pytest.mark.reference
def test_groceries_has_its_itemsets(groceries: Baskets) -> None:
    """13,492 at support .001."""
    found = frequent_itemsets(groceries, 0.001, 6)
    assert len(found) == 13_492
    assert groceries.matrix.shape == (9_835, 169)
