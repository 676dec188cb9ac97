"""The curve of cumulative profit."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tidings.insight.whale import TENTHS, whale


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=60))
def test_the_tenths_are_everybody(profits: list[int]) -> None:
    """Their customers and profits add up; the curve ends at the total, and the peak is the highest point of it."""
    ordered = np.array(sorted(profits, reverse=True))
    found = whale(ordered)
    assert sum(each.customers for each in found.deciles) == found.customers == len(profits)
    assert sum(each.profit for each in found.deciles) == found.total == sum(profits)
    assert found.deciles[-1].cumulative == found.total
    assert found.peak == max(0, int(np.cumsum(ordered).max()))
    sizes = [each.customers for each in found.deciles]
    assert len(sizes) == TENTHS
    assert max(sizes) - min(sizes) <= 1
