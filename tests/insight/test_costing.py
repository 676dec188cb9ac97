"""Pools become parts of customers and a rest, and nothing is lost on the way."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidings.insight.costing import NOBODY, Pool, assign, read_pools, spread
from tidings.insight.months import Period

OCTOBER = Period.read("2026-10")
DRIVERS = ("orders", "cases")


def pool(amount: int, driver: str | None = "orders", level: str = "batch", period: Period = OCTOBER) -> Pool:
    """What something cost."""
    return Pool(period, "something", driver, level, amount)


def happened(*rows: tuple[int, int, int]) -> pd.DataFrame:
    """place, month and how often."""
    return pd.DataFrame(rows, columns=["place", "month", "n"], dtype="int64")


@given(
    st.integers(0, 10**15),
    st.lists(st.integers(0, 10**9), min_size=1, max_size=40).filter(any),
)
def test_parts_add_up_and_are_fair(amount: int, volumes: list[int]) -> None:
    """Whole parts whose sum is the amount, none further than one from its exact share; more volume never costs less."""
    parts = [int(part) for part in spread(amount, np.array(volumes))]
    total = sum(volumes)
    assert sum(parts) == amount
    assert all(abs(part * total - amount * volume) < total for part, volume in zip(parts, volumes, strict=True))
    pairs = sorted(zip(volumes, parts, strict=True))
    assert all(low[1] <= high[1] for low, high in pairwise(pairs) if low[0] < high[0])


def test_what_is_left_goes_to_the_largest_rest_then_to_the_first() -> None:
    """100 among 3, 3 and 1: 42.86, 42.86 and 14.29."""
    assert list(spread(100, np.array([3, 1, 3]))) == [43, 14, 43]
    assert list(spread(2, np.array([1, 1, 1]))) == [1, 1, 0]


def test_beyond_64_bits() -> None:
    """Where a product would not fit into an integer of the engine's, the parts are still exact."""
    volumes = [3_000_000_019, 2_999_999_929, 7]
    parts = [int(part) for part in spread(10**15 - 1, np.array(volumes))]
    exact = [(10**15 - 1) * volume // sum(volumes) for volume in volumes]
    assert sum(parts) == 10**15 - 1
    assert all(part - floor in (0, 1) for part, floor in zip(parts, exact, strict=True))


@settings(max_examples=40)
@given(st.data())
def test_assigned_and_unassigned_are_the_total(data: st.DataObject) -> None:
    """Whatever pools and events there are, to the last minor unit: by pool, and by customer and month."""
    rows = st.dictionaries(
        st.tuples(st.integers(NOBODY, 4), st.integers(OCTOBER.first - 2, OCTOBER.first + 1)), st.integers(1, 99)
    )
    events = {
        name: happened(*((*key, n) for key, n in sorted(data.draw(rows).items()))) for name in ("orders", "contacts")
    }
    pools = data.draw(
        st.lists(
            st.builds(
                pool,
                st.integers(0, 10**9),
                st.sampled_from([None, "orders", "contacts", "cases", "shoes"]),
                st.sampled_from(["unit", "batch", "customer", "product", "business"]),
                st.sampled_from([OCTOBER, Period.read("2026-Q3"), Period.read("2026")]),
            ),
            max_size=6,
        )
    )
    spent, costs = assign(pools, events, (*DRIVERS, "contacts"))
    assert all(each.assigned + each.unassigned == each.pool.amount and each.unassigned >= 0 for each in spent)
    assert [each.reason for each in spent if each.unassigned and each.reason is None] == []
    assert costs["activity_cost"].sum() == sum(each.assigned for each in spent)
    ours = [each.assigned for each in spent if each.pool.driver == "contacts"]
    assert costs["contact_cost"].sum() == sum(ours)
    assert NOBODY not in set(costs["place"])


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (pool(10, None, "business"), "business"),
        (pool(10, "orders", "product"), "product"),
        (pool(10, "shoes"), "no_driver"),
        (pool(10, None), "no_driver"),
        (pool(10, "cases"), "no_events"),
        (pool(10, period=Period.read("2026-09")), "no_events"),
    ],
)
def test_why_nobody_is_given_it(asked: Pool, reason: str) -> None:
    """What no customer caused, what cannot be spread, and what nothing was done for."""
    [spent], costs = assign([asked], {"orders": happened((0, OCTOBER.first, 1))}, DRIVERS)
    assert (spent.assigned, spent.unassigned, spent.reason) == (0, 10, reason)
    assert not costs["activity_cost"].any()


def test_who_is_in_no_table_takes_their_part() -> None:
    """It is not put on the others: it stays with nobody."""
    [spent], costs = assign(
        [pool(90)], {"orders": happened((NOBODY, OCTOBER.first, 1), (3, OCTOBER.first, 2))}, DRIVERS
    )
    assert (spent.volume, spent.assigned, spent.unassigned, spent.reason) == (3, 60, 30, "other_customers")
    assert costs.to_dict("list") == {
        "place": [3], "month": [OCTOBER.first], "activity_cost": [60], "contact_cost": [0]
    }  # fmt: skip


def test_rows_of_one_pool_are_one() -> None:
    """Two invoices of one activity, period, driver and level."""
    row = {"period": "2026-Q4", "activity": "picking", "driver": None, "cost_level": "unit"}
    [found] = read_pools([{**row, "amount": 5}, {**row, "amount": 7}])
    assert (found.amount, found.driver, list(found.period.months)) == (12, None, [OCTOBER.first + n for n in range(3)])
