"""What each customer of the warehouse will buy and spend, from the file of stage 1."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from tidings.insight.figures import figures
from tidings.insight.subscribers import fit_retention, score_subscribers
from tidings.insight.value import fit_value, score
from tidings.model.money import exponent
from tidings.model.value import SbgParameters, SubscriberFit, ValueFit
from tidings.warehouse.rhythm import FIRST_DAY, LAST_DAY, REPEAT_SPEND, REPEATS
from tidings.warehouse.scratch import scratch
from tidings.warehouse.subscribers import BEGUN, ENDED, ENDLESS, OPEN, ORDERS, PRICE, RESUMES, SPEND

UNIT = 7
"""Days of a unit of time in the parameters: weeks, as `tidings value` has them."""

BOUGHT = f"""
SELECT customer_id, {REPEATS} AS repeats, {LAST_DAY} - {FIRST_DAY} AS recency, $today - {FIRST_DAY} AS age,
    total_spend / $scale AS spend, coalesce({REPEAT_SPEND}, 0) / $scale AS repeat_spend
FROM read_parquet($features) WHERE orders > 0 AND NOT coalesce({OPEN}, false) ORDER BY customer_id
"""
"""In one order, whatever the file's: sums of floats depend on it."""

SUBSCRIBED = f"""
SELECT customer_id, {BEGUN} AS begun, coalesce({ENDED}, $today) AS ended, {OPEN} AS open, {ENDLESS} AS endless,
    coalesce({RESUMES}, $today) AS resumes, coalesce({PRICE}, 0) AS price, coalesce({ORDERS}, 0) AS orders,
    coalesce({SPEND}, 0) AS spend
FROM read_parquet($features) WHERE {BEGUN} IS NOT NULL ORDER BY customer_id
"""


@dataclass(frozen=True)
class Valued:
    """`rows`: customer_id and the columns of `warehouse.features.VALUE`, a row for who ever ordered or subscribes now.

    Money is whole minor units. `fit` is what is told of it.
    """

    rows: pa.Table
    fit: ValueFit


def value_customers(features: Path, today: int, currency: str) -> Valued:
    """Fit the models to who ever ordered, and score them; `today` is the last day watched, in days since 1970.

    `features` is the file of stage 1. Subscribers are scored by how long subscriptions last and are no part of the
    models of buying without one. Money is in major units of `currency` while those are fitted, so that the parameters
    are those of `tidings value`.
    """
    scale = 10 ** exponent(currency)
    with scratch() as connection:
        named = {"features": str(features), "today": today}
        rows = connection.execute(BOUGHT, {**named, "scale": scale}).df()
        subscribed = connection.execute(SUBSCRIBED, named).df()
    history = (rows["repeats"].to_numpy(), rows["recency"].to_numpy(), rows["age"].to_numpy())
    model = fit_value(*history, rows["repeat_spend"].to_numpy(), UNIT)
    scored = score(model, rows)
    told = figures(model, rows, scored)
    money = list(scored.filter(like="predicted_value").columns)
    scored[money] *= scale
    by_contract, fit = _subscribers(subscribed, today)
    found = pd.concat([scored.assign(customer_id=rows["customer_id"], value_model=model.name), by_contract])
    # NULL, not NaN: SQL takes NaN for greater than every number.
    found[money] = found[money].round().astype("Int64")
    found = found.astype(dict.fromkeys(scored.columns.drop(money), "Float64"))
    value = round(told.pop("predicted_value_12m") * scale)
    return Valued(
        pa.Table.from_pandas(found, preserve_index=False),
        ValueFit(**told, unit="weeks", predicted_value_12m=value, subscribers=fit),
    )


def _subscribers(rows: pd.DataFrame, today: int) -> tuple[pd.DataFrame, SubscriberFit | None]:
    """The scores of open subscriptions, and what is told of all; None where nobody ever had one."""
    still = rows["open"].to_numpy(dtype=bool)
    begun, ended = (rows[name].to_numpy(dtype=np.int64) for name in ("begun", "ended"))
    retention = fit_retention(begun, ended, still, today)
    now = rows[still]
    scored = score_subscribers(retention, now, today)
    scored = scored.assign(customer_id=now["customer_id"], value_model=retention.name)
    if rows.empty:
        return scored, None
    sbg = retention.model
    return scored, SubscriberFit(
        subscribers=len(now),
        left=len(rows) - len(now),
        model=retention.name,
        note=retention.why,
        params=SbgParameters(alpha=sbg[0].alpha, beta=sbg[0].beta) if sbg else None,
        log_likelihood=sbg[1].log_likelihood if sbg else None,
        leaving=retention.leaves,
        predicted_orders_12m=float(scored["predicted_orders_12m"].sum()),
        predicted_value_12m=round(float(scored["predicted_value_12m"].sum())),
    )
