"""How long subscribers will stay and what they will buy meanwhile: sBG, or one rate of leaving where data are thin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tidings.insight.bg_nbd import Ints
from tidings.insight.optimum import Floats, Optimum
from tidings.insight.sbg import ShiftedBetaGeometric, fit_sbg
from tidings.insight.value import ENOUGH

Flags = NDArray[np.bool_]
MONTH = 365.25 / 12
"""Days of a month on average."""

MONTHS = {"3m": 3, "12m": 12}
"""Months ahead, by the ending of the columns that speak of them."""


@dataclass(frozen=True)
class Retention:
    """`model` with its fit where there is one; else a month's share of leaving, `leaves`, and `why`."""

    model: tuple[ShiftedBetaGeometric, Optimum] | None
    leaves: float
    why: str | None

    @property
    def name(self) -> Literal["sbg", "average"]:
        """As `value_model` has it."""
        return "sbg" if self.model else "average"

    def stays(self, stayed: Ints, months: int) -> Floats:
        """A row a subscriber, a column a month ahead: the probability of that renewal, after `stayed` of them."""
        ahead = np.arange(1, months + 1)
        if self.model is None:
            return np.tile((1 - self.leaves) ** ahead, (len(stayed), 1))
        sbg = self.model[0]
        return sbg.survival(stayed[:, None] + ahead) / sbg.survival(stayed)[:, None]


def whole_months(first: Ints, last: Ints) -> Ints:
    """Months from one day (since 1970) to another that are over: those renewed by the same day of the month."""
    return _months(first, last, begun=False)


def begun_months(first: Ints, last: Ints) -> Ints:
    """Months from one day (since 1970) to another, one that has only begun included."""
    return _months(first, last, begun=True)


def fit_retention(begun: Ints, ended: Ints, is_open: Flags, today: int) -> Retention:
    """Of all who ever subscribed: from `begun` to `ended`, or to `today` where the subscription `is_open`.

    A period is a month. Who leaves within a month has left at its end; with fewer than ENOUGH who left, or no clear
    maximum, one rate stands in: those who left over all months that somebody could have.
    """
    gone = np.maximum(begun_months(begun[~is_open], ended[~is_open]), 1)
    stayed = whole_months(begun[is_open], np.full(int(is_open.sum()), today))
    watched = int(gone.sum() + stayed.sum())
    rate = len(gone) / watched if watched else 0.0
    if len(gone) < ENOUGH:
        return Retention(None, rate, f"only {len(gone)} subscribers left; a model needs {ENOUGH}")
    found = fit_sbg(np.bincount(gone - 1), np.bincount(stayed[stayed > 0] - 1))
    if not found[1].settled:
        return Retention(None, rate, "the likelihood of the months has no clear maximum")
    return Retention(found, rate, None)


def score_subscribers(retention: Retention, rows: pd.DataFrame, today: int) -> pd.DataFrame:
    """p_alive, and for each of MONTHS predicted_orders_* and predicted_value_*, in the order of `rows`.

    `rows` are open subscriptions: begun, ended (where endless is not true) and resumes in days since 1970; orders and
    spend since begun, and price, what a month costs by the list. A month brings what a month has brought on average;
    in the first month, or where nothing was ordered yet, one order at the price. No renewal is counted before
    `resumes`, nor from a known end on.
    """
    begun = rows["begun"].to_numpy().astype(np.int64)
    stayed = whole_months(begun, np.full(len(rows), today))
    first = begun_months(begun, rows["resumes"].to_numpy().astype(np.int64)) - stayed
    known = rows["ended"].to_numpy().astype(np.int64)
    last = np.where(rows["endless"].to_numpy(), np.iinfo(np.int64).max, begun_months(begun, known) - 1 - stayed)
    watched = (today - begun) / MONTH
    ordered = (watched >= 1) & (rows["orders"].to_numpy() > 0)
    a_month = np.where(ordered, watched, 1.0)
    orders = np.where(ordered, rows["orders"].to_numpy(), 1.0) / a_month
    money = np.where(ordered, rows["spend"].to_numpy(), rows["price"].to_numpy()) / a_month
    scores: dict[str, Floats] = {"p_alive": np.ones(len(rows))}
    for name, months in MONTHS.items():
        ahead = np.arange(1, months + 1)
        paid = (ahead >= first[:, None]) & (ahead <= last[:, None])
        renewals = (retention.stays(stayed, months) * paid).sum(axis=1)
        scores[f"predicted_orders_{name}"] = renewals * orders
        scores[f"predicted_value_{name}"] = renewals * money
    return pd.DataFrame(scores, index=rows.index)


def _months(first: Ints, last: Ints, *, begun: bool) -> Ints:
    days = [np.asarray(each).astype("datetime64[D]") for each in (first, last)]
    months = [each.astype("datetime64[M]") for each in days]
    inside = [(day - month).astype(np.int64) for day, month in zip(days, months, strict=True)]
    over: Ints = np.subtract(*reversed(months)).astype(np.int64)
    edge: Ints = (inside[1] > inside[0]).astype(np.int64) if begun else -(inside[1] < inside[0]).astype(np.int64)
    return over + edge
