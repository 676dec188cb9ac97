"""Frequent itemsets and association rules with mlxtend; thresholds are compared in integers.

A confidence or support that is exactly the threshold counts; floats would lose some of those.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tidings.recommend.baskets import Baskets

if TYPE_CHECKING:
    import pandas as pd

FEW_ITEMS = 500
"""Up to so many frequent items H-Mine is the faster of mlxtend's exact miners, beyond it FP-Growth."""


def minimum_count(support: float, baskets: int) -> int:
    """ceil(support × baskets), at least 1, with the support read as the decimal it was written as."""
    return max(1, int((Decimal(str(support)) * baskets).to_integral_value(ROUND_CEILING)))


def frequent_itemsets(baskets: Baskets, min_support: float, max_length: int) -> pd.DataFrame:
    """mlxtend's frame: `support` and `itemsets` (frozensets of item names), every one in at least the minimum count."""
    import numpy as np
    import pandas as pd

    total = baskets.matrix.shape[0]
    least = minimum_count(min_support, total)
    counts = np.asarray(baskets.matrix.sum(axis=0)).ravel()
    kept = np.flatnonzero(counts >= least)
    if total == 0 or len(kept) == 0:
        return pd.DataFrame({"support": pd.Series(dtype=float), "itemsets": pd.Series(dtype=object)})
    sparse: Any = pd.DataFrame.sparse
    frame = sparse.from_spmatrix(baskets.matrix[:, kept], columns=[baskets.items[i] for i in kept])
    with _mlxtend() as patterns:
        mine = patterns.hmine if len(kept) <= FEW_ITEMS else patterns.fpgrowth
        # It takes ceil(min_support × total) of floats: from half a basket below, that is `least` for certain.
        found: pd.DataFrame = mine(frame, min_support=(least - 0.5) / total, use_colnames=True, max_len=max_length)
    return found


def association_rules(itemsets: pd.DataFrame, baskets: int, min_confidence: float) -> pd.DataFrame:
    """Rules with one item on the right, in mlxtend's columns, the most confident first.

    `baskets` is how many there were. antecedents and consequents are sorted tuples of item names.
    """
    threshold = Fraction(str(min_confidence))
    slightly_below = max(0.0, float(threshold) - 1e-9)
    found: pd.DataFrame
    with _mlxtend() as patterns:
        many = len(itemsets) > 0 and bool((itemsets["itemsets"].map(len) >= 2).any())
        pairs = itemsets if many else _one_pair()
        found = patterns.association_rules(
            pairs, num_itemsets=baskets, metric="confidence", min_threshold=slightly_below
        )
    found = found[(found["consequents"].map(len) == 1) & many]
    both = (found["support"] * baskets).round().astype("int64")
    left = (found["antecedent support"] * baskets).round().astype("int64")
    found = found[both * threshold.denominator >= left * threshold.numerator]
    sides = {side: found[side].map(lambda items: tuple(sorted(items))) for side in ("antecedents", "consequents")}
    order = ["confidence", "support", "antecedents", "consequents"]
    return found.assign(**sides).sort_values(order, ascending=[False, False, True, True], ignore_index=True)


def _one_pair() -> pd.DataFrame:
    """Itemsets that give mlxtend's columns where there are none to give them."""
    import pandas as pd

    return pd.DataFrame({"support": [1.0, 1.0, 1.0], "itemsets": [frozenset("a"), frozenset("b"), frozenset("ab")]})


@contextmanager
def _mlxtend() -> Iterator[Any]:
    """mlxtend's patterns. Importing it turns deprecation warnings on for everybody, and its metrics divide by zero
    where inf and NaN are meant: neither leaves this block.
    """
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        from mlxtend import frequent_patterns

        yield frequent_patterns
