"""Activity-based costing: pools of cost, a rate for each event of their driver, and what is left with nobody.

Kaplan and Cooper, *Cost & Effect* (1998), chapters 6 and 10: a pool's amount over the volume of its driver is the rate,
rate times a customer's own volume their cost; what sustains products or the business is caused by no customer and is
not spread.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tidings.insight.months import Period
from tidings.model.costing import Reason
from tidings.warehouse.contract import ASSIGNED_LEVELS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

NOBODY = -1
"""The place of who is in no table of customers."""

CONTACTS = "contacts"
MONTHS = 2**15
"""More than the number of any month that `month_of` gives."""


@dataclass(frozen=True)
class Pool:
    """What an activity cost in a period, in minor units."""

    period: Period
    activity: str
    driver: str | None
    cost_level: str
    amount: int


@dataclass(frozen=True)
class Spent:
    """What became of a pool: `assigned` to customers, the rest to nobody, for a reason; `volume` counts all events."""

    pool: Pool
    volume: int
    assigned: int
    reason: Reason | None

    @property
    def unassigned(self) -> int:
        """What no customer was given."""
        return self.pool.amount - self.assigned


def read_pools(rows: Iterable[Mapping[str, object]]) -> list[Pool]:
    """The pools of rows of `activity_costs` that fit the contract; rows of one pool are added up. In order."""
    amounts: dict[tuple[str, str, str, str], int] = {}
    for row in rows:
        key = (str(row["period"]), str(row["activity"]), str(row["driver"] or ""), str(row["cost_level"]))
        amounts[key] = amounts.get(key, 0) + int(str(row["amount"]))
    return [
        Pool(Period.read(period), activity, driver or None, level, amount)
        for (period, activity, driver, level), amount in sorted(amounts.items())
    ]


def spread(amount: int, volumes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The amount in whole parts, in proportion to `volumes` (not negative, one at least above zero); they add up to it.

    Largest remainders (Hamilton): each part is rounded down, and what is left goes one by one to the largest rests, of
    equal ones to the earlier.
    """
    import numpy as np

    total = int(volumes.sum())
    whole, rest = divmod(amount, total)
    # Beyond 64 bits Python's own integers, which are slow and never wrong.
    fits = max(rest, 1) * int(volumes.max()) < 2**63
    parts = volumes.astype("int64" if fits else "object") * rest
    shares: NDArray[np.int64] = whole * volumes + (parts // total).astype("int64")
    left = amount - int(shares.sum())
    largest = np.argsort(-(parts % total), kind="stable")[:left]
    shares[largest] += 1
    return shares


def assign(
    pools: Iterable[Pool], events: Mapping[str, pd.DataFrame], known: Collection[str]
) -> tuple[list[Spent], pd.DataFrame]:
    """What became of each pool, and what each customer cost in each month.

    `events` has for each driver the rows place, month and n, unique and in order; a place is a customer's, or NOBODY.
    `known` are the drivers there are. Returned are place, month, activity_cost and contact_cost, the part of it whose
    driver is CONTACTS.
    """
    import numpy as np
    import pandas as pd

    # Place and month as one number: a million customers in a year of months are sorted and found at once.
    keys = {name: (frame["place"] * MONTHS + frame["month"]).to_numpy() for name, frame in events.items()}
    rows = np.unique(np.concatenate([np.array([], dtype="int64"), *keys.values()]))
    costs = {name: np.zeros(len(rows), dtype="int64") for name in ("activity_cost", "contact_cost")}
    at = {name: np.searchsorted(rows, own) for name, own in keys.items()}
    spent = []
    for pool in pools:
        frame = events.get(pool.driver or "")
        if pool.cost_level not in ASSIGNED_LEVELS or pool.driver is None or frame is None:
            spent.append(Spent(pool, 0, 0, _why_not(pool, known)))
            continue
        within = frame["month"].isin(pool.period.months).to_numpy()
        volumes = frame["n"].to_numpy()[within]
        if not volumes.sum():
            spent.append(Spent(pool, 0, 0, "no_events"))
            continue
        shares = spread(pool.amount, volumes)
        there = frame["place"].to_numpy()[within] != NOBODY
        costs["activity_cost"][at[pool.driver][within]] += shares
        if pool.driver == CONTACTS:
            costs["contact_cost"][at[pool.driver][within]] += shares
        assigned = int(shares[there].sum())
        spent.append(Spent(pool, int(volumes.sum()), assigned, None if there.all() else "other_customers"))
    found = pd.DataFrame({"place": rows // MONTHS, "month": rows % MONTHS, **costs})
    return spent, found[found["place"] != NOBODY].reset_index(drop=True)


def _why_not(pool: Pool, known: Collection[str]) -> Reason:
    if pool.cost_level not in ASSIGNED_LEVELS:
        return "product" if pool.cost_level == "product" else "business"
    return "no_events" if pool.driver in known else "no_driver"
