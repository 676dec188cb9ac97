"""Customers drawn from BG/NBD itself, and its likelihood as the paper writes it."""

from __future__ import annotations

import numpy as np
from scipy.special import betaln, gammaln

from tidings.insight.bg_nbd import BgNbd, Ints

DAYS, SEED = 730, 7
SHOPS = {
    "at most one repeat": BgNbd(r=0.25, alpha=60.0, a=0.8, b=2.4),
    "ten orders": BgNbd(r=0.9, alpha=25.0, a=0.3, b=6.0),
}


def histories(model: BgNbd, customers: int) -> tuple[Ints, Ints, Ints]:
    """x, t_x and T in days of customers who came at a random day and buy as the model says."""
    random = np.random.default_rng(SEED)
    age = random.integers(1, DAYS, customers)
    rate = random.gamma(model.r, 1 / model.alpha, customers)
    leaves = random.beta(model.a, model.b, customers)
    now, last, repeats = np.zeros(customers), np.zeros(customers), np.zeros(customers, dtype=np.int64)
    here = np.arange(customers)
    while len(here):
        now[here] += random.exponential(1 / rate[here])
        here = here[np.floor(now[here]) <= age[here]]
        day = np.floor(now[here])
        repeats[here] += day > last[here]  # purchases of one day are one
        last[here] = day
        here = here[random.random(len(here)) >= leaves[here]]
    return repeats, last.astype(np.int64), age


def log_likelihood(model: BgNbd, repeats: Ints, recency: Ints, age: Ints) -> float:
    """The total as the paper writes it, row by row: neither fit is judged by its own words."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    common = gammaln(r + repeats) - gammaln(r) + r * np.log(alpha) + betaln(a, b + repeats) - betaln(a, b)
    stays = -(r + repeats) * np.log(alpha + age)
    left = np.log(a / (b + np.maximum(repeats, 1) - 1)) - (r + repeats) * np.log(alpha + recency)
    # B(a, b + x) / B(a, b) · [stays + a / (b + x - 1) · left]
    return float((common + np.where(repeats > 0, np.logaddexp(stays, left), stays)).sum())
