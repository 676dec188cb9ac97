"""The whale curve: what profit adds up to when customers stand in the order of theirs.

Kaplan and Narayanan, "Measuring and Managing Customer Profitability", *Journal of Cost Management* 15(5), 2001.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tidings.model.costing import Decile, Whale
from tidings.warehouse.scratch import scratch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tidings.model.seams import Snapshot

TENTHS = 10


def profits(snapshot: Snapshot) -> NDArray[np.int64]:
    """The profit of each person who earned or cost anything, in minor units, the highest first; of nobody before it is
    known.
    """
    import numpy as np

    with scratch() as connection:
        connection.read_parquet(str(snapshot.people)).create_view("people")
        rows = connection.execute(
            "SELECT sum(profit)::BIGINT AS profit FROM people WHERE profit IS NOT NULL GROUP BY person_key "
            "HAVING bool_or(margin <> 0 OR activity_cost <> 0) ORDER BY profit DESC"
        )
        return np.asarray(rows.fetchnumpy()["profit"], dtype="int64")


def whale(ordered: NDArray[np.int64]) -> Whale:
    """The figures of the curve over profits in falling order, at least one."""
    peak, lost = int(ordered[ordered > 0].sum()), int(ordered[ordered < 0].sum())
    ends = [len(ordered) * tenth // TENTHS for tenth in range(TENTHS + 1)]
    deciles, cumulative = [], 0
    for start, end in pairwise(ends):
        profit = int(ordered[start:end].sum())
        cumulative += profit
        deciles.append(Decile(customers=end - start, profit=profit, cumulative=cumulative))
    return Whale(
        customers=len(ordered),
        profitable=int((ordered > 0).sum()),
        losing=int((ordered < 0).sum()),
        peak=peak,
        lost=lost,
        total=peak + lost,
        deciles=deciles,
    )
