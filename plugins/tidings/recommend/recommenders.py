"""The built-in strategies. Each ranks for everybody in one vectorised pass over prepared tables.

`tables` holds, beside the source tables, what engine.py prepares under the mining settings:
`purchases` (customer_id, item, product_id, times, recent), `rules` (mlxtend's columns) and
`candidates` (item, product_id, category, margin in minor units, sold): one offer an item, sound and in stock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from tidings.model.seams import Recommender

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pandas as pd

RANKS = 12
"""Enough that a plan can leave out what was shown lately and still fill a message."""

BECAUSE, POPULAR = "because_you_buy", "popular"
CHUNK = 50_000
COLUMNS = ("customer_id", "rank", "product_id", "reason", "reason_product", "score")
TEXTS = ("customer_id", "product_id", "reason", "reason_product")


class AssociationRules(Recommender):
    """What goes with what the person buys, by expected margin = confidence × margin."""

    name: ClassVar[str] = "association_rules"

    def recommend(self, tables: Mapping[str, ir.Table], people: pd.DataFrame, now: datetime) -> pd.DataFrame:
        rules, offers = _frame(tables["rules"]), _offers(tables)
        purchases = _frame(tables["purchases"])
        return _in_chunks(purchases, people, offers, lambda bought: _by_rules(bought, rules, offers))


class Popular(Recommender):
    """What most baskets hold and the person has not bought lately."""

    name: ClassVar[str] = "popular"

    def recommend(self, tables: Mapping[str, ir.Table], people: pd.DataFrame, now: datetime) -> pd.DataFrame:
        offers = _offers(tables)
        lately = tables["purchases"].filter(tables["purchases"].recent)
        return _in_chunks(_frame(lately), people, offers, lambda bought: _by_sales(bought, offers))


class Bought:
    """What a chunk of customers bought, as arrays of one row an item and one column a customer."""

    def __init__(self, customers: pd.Series[str], purchases: pd.DataFrame, items: pd.Index[str]) -> None:
        import numpy as np
        import pandas as pd

        who = pd.Index(customers).get_indexer(pd.Index(purchases["customer_id"]))
        what = items.get_indexer(pd.Index(purchases["item"]))
        here = (who >= 0) & (what >= 0)
        rows, columns = what[here], who[here]
        self.customers = customers.to_numpy()
        self.items = items
        self.row = np.full((len(items), len(customers)), -1, dtype=np.int32)
        self.row[rows, columns] = np.flatnonzero(here)
        self.products = purchases["product_id"].to_numpy()
        self.recent = np.zeros_like(self.row, dtype=bool)
        self.recent[rows, columns] = purchases["recent"].to_numpy()[here]
        self.held = self.row >= 0


def _by_rules(bought: Bought, rules: pd.DataFrame, offers: pd.DataFrame) -> pd.DataFrame:
    import numpy as np

    best = np.full((len(offers), len(bought.customers)), -1, dtype=np.int32)
    score = np.full(best.shape, -np.inf)
    offer_of = {item: index for index, item in enumerate(offers["item"])}
    place_of = {item: index for index, item in enumerate(bought.items)}
    margin, confidence = offers["margin"].to_numpy(), rules["confidence"].to_numpy()
    because = np.full(len(rules), -1, dtype=np.int64)
    # Rules stand in order of confidence, so the first that fits an offer is the best for it.
    for index, (left, right) in enumerate(zip(rules["antecedents"], rules["consequents"], strict=True)):
        places = [place_of[item] for item in left if item in place_of]
        if right[0] not in offer_of or len(places) < len(left):
            continue
        because[index] = places[0]
        row = offer_of[right[0]]
        fits = (best[row] < 0) & bought.held[places].all(axis=0)
        best[row, fits] = index
        score[row, fits] = confidence[index] * margin[row]
    score[bought.recent[[place_of[item] for item in offers["item"]]]] = -np.inf
    offer, person = _top(score, offers["category"].to_numpy())
    reason = bought.products[bought.row[because[best[offer, person]], person]]
    return _rows(bought, offers, offer, person, score[offer, person], BECAUSE, reason)


def _by_sales(bought: Bought, offers: pd.DataFrame) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    share = offers["sold"].to_numpy() / max(1, offers["sold"].max() if len(offers) else 1)
    score = np.repeat(share[:, None], len(bought.customers), axis=1)
    score[bought.recent[bought.items.get_indexer(pd.Index(offers["item"]))]] = -np.inf
    offer, person = _top(score, offers["category"].to_numpy())
    return _rows(bought, offers, offer, person, score[offer, person], POPULAR, None)


def _top(score: np.ndarray, category: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(offer, person) of the RANKS best finite scores of each person, one a category; person by person, best first.

    Of equal scores the earlier offer wins.
    """
    import numpy as np
    import pandas as pd

    codes, kinds = pd.factorize(category)
    if len(kinds) < len(category):
        for code in np.flatnonzero(np.bincount(codes) > 1):
            same = np.flatnonzero(codes == code)
            losers = np.ones((len(same), score.shape[1]), dtype=bool)
            losers[np.argmax(score[same], axis=0), np.arange(score.shape[1])] = False
            block = score[same]
            block[losers] = -np.inf
            score[same] = block
    order = np.argsort(-score, axis=0, kind="stable")[:RANKS].T
    person = np.repeat(np.arange(score.shape[1]), order.shape[1])
    offer = order.ravel()
    finite = np.isfinite(score[offer, person])
    return offer[finite], person[finite]


def _rows(
    bought: Bought, offers: pd.DataFrame, offer: Any, person: Any, score: Any, reason: str, because: Any
) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    rank = np.arange(len(person)) - np.searchsorted(person, person) + 1
    return pd.DataFrame({
        "customer_id": bought.customers[person],
        "rank": rank,
        "product_id": offers["product_id"].to_numpy()[offer],
        "reason": reason,
        "reason_product": because,
        "score": score,
    })  # fmt: skip


def _in_chunks(purchases: pd.DataFrame, people: pd.DataFrame, offers: pd.DataFrame, rank: Any) -> pd.DataFrame:
    import pandas as pd

    items = pd.Index(pd.unique(pd.concat([purchases["item"], offers["item"]])))
    done = []
    for start in range(0, len(people), CHUNK):
        customers = people["customer_id"].iloc[start : start + CHUNK]
        mine = purchases if len(people) <= CHUNK else purchases[purchases["customer_id"].isin(set(customers))]
        done.append(rank(Bought(customers, mine.reset_index(drop=True), items)))
    ranked = pd.concat(done, ignore_index=True) if done else pd.DataFrame(columns=list(COLUMNS))
    return ranked.astype({**dict.fromkeys(TEXTS, "str"), "rank": "int64", "score": "float64"})


def _offers(tables: Mapping[str, ir.Table]) -> pd.DataFrame:
    return _frame(tables["candidates"]).sort_values(["sold", "product_id"], ascending=[False, True], ignore_index=True)


def _frame(table: ir.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pyarrow().to_pandas()
    return frame
