"""What each customer of the warehouse will buy and spend, from the file of stage 1."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from tidings.insight.figures import figures
from tidings.insight.value import HORIZONS, fit_value, score
from tidings.model.money import exponent
from tidings.model.value import ValueFit
from tidings.warehouse.rhythm import FIRST_DAY, LAST_DAY, REPEAT_SPEND, REPEATS

UNIT = 7
"""Days of a unit of time in the parameters: weeks, as `tidings value` has them."""

MONEY = tuple(f"predicted_value_{name}" for name in HORIZONS)


BOUGHT = f"""
SELECT customer_id, {REPEATS} AS repeats, {LAST_DAY} - {FIRST_DAY} AS recency, $today - {FIRST_DAY} AS age,
    total_spend / $scale AS spend, coalesce({REPEAT_SPEND}, 0) / $scale AS repeat_spend
FROM read_parquet($features) WHERE orders > 0 ORDER BY customer_id
"""
"""In one order, whatever the file's: sums of floats depend on it."""


@dataclass(frozen=True)
class Valued:
    """`rows`: customer_id and the columns of `warehouse.features.VALUE`, a row for who ever ordered; `fit`: in short.

    Money is whole minor units.
    """

    rows: pa.Table
    fit: ValueFit


def value_customers(features: Path, today: int, currency: str) -> Valued:
    """Fit the models to who ever ordered, and score them; `today` is the last day watched, in days since 1970.

    `features` is the file of stage 1. Money is in major units of `currency` while models are fitted, so that the
    parameters are those of `tidings value`.
    """
    scale = 10 ** exponent(currency)
    with duckdb.connect() as connection:
        named = {"features": str(features), "today": today, "scale": scale}
        rows = connection.execute(BOUGHT, named).df()
    history = (rows["repeats"].to_numpy(), rows["recency"].to_numpy(), rows["age"].to_numpy())
    model = fit_value(*history, rows["repeat_spend"].to_numpy(), UNIT)
    scored = score(model, rows)
    told = figures(model, rows, scored)
    for name in MONEY:
        scored[name] = np.rint(scored[name] * scale)
    # NULL, not NaN: SQL takes NaN for greater than every number.
    found = scored.astype({name: "Int64" if name in MONEY else "Float64" for name in scored.columns})
    found = found.assign(customer_id=rows["customer_id"], value_model=model.name)
    value = told.pop("predicted_value_12m")
    fit = ValueFit(**told, unit="weeks", predicted_value_12m=round(value * scale))
    return Valued(pa.Table.from_pandas(found, preserve_index=False), fit)
