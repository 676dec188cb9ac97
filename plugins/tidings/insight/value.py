"""What each customer will buy and spend: BG/NBD and Gamma-Gamma, or plain averages where the data are too thin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from tidings.insight.bg_nbd import BgNbd, Ints, fit_bg_nbd
from tidings.insight.gamma_gamma import GammaGamma, fit_gamma_gamma
from tidings.insight.optimum import Floats, Optimum

ENOUGH = 30
"""Customers who came back: with fewer, four parameters say more about chance than about customers."""

HORIZONS = {"3m": 91, "12m": 365}
"""Days ahead, by the ending of the columns that speak of them."""

Model = Literal["bg_nbd", "average"]


@dataclass(frozen=True)
class ValueModel:
    """Both models with their fits; `why` says why there are none, and averages stand in for them."""

    orders: tuple[BgNbd, Optimum] | None
    money: tuple[GammaGamma, Optimum] | None
    why: str | None

    @property
    def name(self) -> Model:
        """The model that the orders are expected by."""
        return "bg_nbd" if self.orders else "average"


def fit_value(repeats: Ints, recency: Ints, age: Ints, repeat_spend: Floats, unit: int = 1) -> ValueModel:
    """The models of these customers: x, t_x and T in days, and what their repeats cost together.

    Without ENOUGH customers who came back, or where a fit does not settle, the model says so and has none.
    """
    came_back = int((repeats > 0).sum())
    if came_back < ENOUGH:
        return ValueModel(None, None, f"only {came_back} customers came back; a model needs {ENOUGH}")
    orders = fit_bg_nbd(repeats, recency, age, unit)
    if not orders[1].settled:
        return ValueModel(None, None, "the likelihood of the orders has no clear maximum")
    paid = (repeats > 0) & (repeat_spend > 0)
    if int(paid.sum()) < ENOUGH:
        return ValueModel(orders, None, f"only {int(paid.sum())} customers paid for a repeat; {ENOUGH} are needed")
    money = fit_gamma_gamma(repeats[paid], repeat_spend[paid])
    if not money[1].settled or money[0].q <= 1:
        return ValueModel(orders, None, "amounts differ too much for an expected one; averages stand in")
    return ValueModel(orders, money, None)


def score(model: ValueModel, rows: pd.DataFrame) -> pd.DataFrame:
    """p_alive, and for each of HORIZONS predicted_orders_* and predicted_value_*, in the order of `rows`.

    `rows` has repeats, recency, age (days), spend and repeat_spend. p_alive is NaN under averages; orders then come at
    the pooled rate of all customers, repeats over days watched.
    """
    repeats, recency, age = (rows[name].to_numpy() for name in ("repeats", "recency", "age"))
    scores: dict[str, Floats] = {}
    if model.orders is not None:
        bg_nbd = model.orders[0]
        scores["p_alive"] = bg_nbd.p_alive(repeats, recency, age)
        expected = {name: bg_nbd.expected_orders(days, repeats, recency, age) for name, days in HORIZONS.items()}
    else:
        watched = float(age.sum())
        rate = float(repeats.sum()) / watched if watched else 0.0
        scores["p_alive"] = np.full(len(rows), np.nan)
        expected = {name: np.full(len(rows), rate * days) for name, days in HORIZONS.items()}
    order = expected_order(model, rows)
    for name, orders in expected.items():
        scores[f"predicted_orders_{name}"] = orders
        scores[f"predicted_value_{name}"] = orders * order
    return pd.DataFrame(scores, index=rows.index)


def expected_order(model: ValueModel, rows: pd.DataFrame) -> Floats:
    """The expected order of each customer, in the unit of money of `spend`; the mean order of all without a model."""
    repeats, spend = rows["repeats"].to_numpy(), rows["repeat_spend"].to_numpy(dtype=float)
    if model.money is not None:
        paid = spend > 0
        return model.money[0].expected_order(np.where(paid, repeats, 0), np.where(paid, spend, 0.0))
    purchases = float(repeats.sum() + len(rows))
    return np.full(len(rows), float(rows["spend"].sum()) / purchases if purchases else 0.0)
