"""BG/NBD: how often customers without a contract buy, and whether they still do.

While active, a customer buys at a rate of their own (gamma: r, α) and after each purchase leaves with a probability of
their own (beta: a, b). Fader, Hardie & Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2);
equation numbers below are theirs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tidings.insight.optimum import Floats, Optimum, dot, maximise

Ints = NDArray[np.int64]
SAMPLE = 20_000
"""Different histories: with more, the search begins at the optimum of this many of them."""


@dataclass(frozen=True)
class BgNbd:
    """A fitted model. Times are in units of `unit` days: the expected rate of purchases is r / alpha a unit."""

    r: float
    alpha: float
    a: float
    b: float
    unit: int = 1

    def p_alive(self, repeats: Ints, recency: Ints, age: Ints) -> Floats:
        """The probability that each customer still buys at all; 1 for who has bought once, whom nothing tells apart.

        Fader & Hardie (2008), Computing P(alive) using the BG/NBD model.
        """
        return 1 / (1 + self._gone(repeats, recency, age))

    def expected_orders(self, days: float, repeats: Ints, recency: Ints, age: Ints) -> Floats:
        """Orders of each customer in the next `days`: (10), whose hypergeometric term has two equal forms.

        (1 - z)^(r+x) F(r+x, b+x; c; z) = (1 - z)^(a-1) F(a+b-1-r, a-1; c; z) (Euler). Of each customer the one with the
        smaller exponent is taken: in the other, what vanishes is multiplied by what overflows.
        """
        from scipy.special import hyp2f1

        r, a, b, x = self.r, _beside(self.a, 1.0), self.b, repeats
        since = self.alpha + age / self.unit
        z = (days / self.unit) / (since + days / self.unit)
        c = _beside(a + b - 1, 0.0) + x
        printed = r + x < a - 1
        first = np.where(printed, r + x, a + b - 1 - r)
        second = np.where(printed, b + x, a - 1)
        stays = (1 - z) ** np.where(printed, r + x, a - 1) * hyp2f1(first, second, c, z)
        return np.asarray(c / (a - 1) * (1 - stays) * self.p_alive(repeats, recency, age))

    def _gone(self, repeats: Ints, recency: Ints, age: Ints) -> Floats:
        """The odds that the customer left with the last purchase."""
        x = np.maximum(repeats, 1)
        since, before = self.alpha + age / self.unit, self.alpha + recency / self.unit
        logs = np.log(self.a / (self.b + x - 1)) + (self.r + x) * np.log(since / before)
        return np.where(repeats > 0, np.exp(np.minimum(logs, 700)), 0.0)


def _beside(value: float, singular: float) -> float:
    """The value, or one beside it where the formula divides by nothing and only its limit is meant."""
    return singular + 1e-6 if abs(value - singular) < 1e-6 else value


def fit_bg_nbd(repeats: Ints, recency: Ints, age: Ints, unit: int = 1) -> tuple[BgNbd, Optimum]:
    """The model of greatest likelihood, with what the search said of it.

    Each customer has `repeats` purchases after the first (x), `recency` days between first and last (t_x; 0 without
    repeats) and `age` days since the first (T). At least one must have repeats.
    """
    (x, t_x, days), counts = _different(repeats, recency, age)
    span = max(float(np.mean(age)), 1.0)  # the unit of the search: alpha begins near 1, whatever the unit of time
    start = np.ones(4)
    if len(counts) > SAMPLE:
        some = np.random.default_rng(0).choice(len(counts), SAMPLE, replace=False)
        part = _Likelihood(x[some], t_x[some], days[some], counts[some], span)
        start = maximise(part, start, float(counts[some].sum()), tolerance=1e-3).parameters
    found = maximise(_Likelihood(x, t_x, days, counts, span), start, float(len(repeats)))
    r, alpha, a, b = (float(value) for value in found.parameters)
    # The density of x purchases has the dimension of time to the power of -x.
    total = found.log_likelihood - float(repeats.sum()) * float(np.log(span / unit))
    return BgNbd(r, alpha * span / unit, a, b, unit), replace(found, log_likelihood=total)


def _different(repeats: Ints, recency: Ints, age: Ints) -> tuple[Ints, Ints]:
    """The different histories, a column each, and how many customers have each."""
    days = int(age.max(initial=0)) + 1
    keys, counts = np.unique((repeats * days + recency) * days + age, return_counts=True)
    return np.stack((keys // days**2, keys // days % days, keys % days)), counts


class _Likelihood:
    """(6) and its gradient, over different histories (x, t_x, T) and how many customers have each.

    Terms in x alone, and those of customers without repeats in T alone, are sums over the few values these take;
    logarithms of α + t are taken once for each day that occurs.
    """

    def __init__(self, repeats: Ints, recency: Ints, age: Ints, counts: Ints, unit: float) -> None:
        by_repeats = np.bincount(repeats, counts)
        self.x = np.flatnonzero(by_repeats)
        self.times = by_repeats[self.x]  # customers by x
        again, once = repeats > 0, repeats == 0
        by_age = np.bincount(age[once], counts[once])
        days = np.flatnonzero(by_age)
        self.once = by_age[days]  # customers without repeats, by T
        self.all_days = np.arange(int(age.max(initial=0)) + 1) / unit
        self.once_days = self.all_days[days]
        self.counts = counts[again].astype(float)
        self.repeats = repeats[again].astype(float)
        self.recency, self.age = recency[again], age[again]

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        from scipy.special import gammaln, psi

        r, alpha, a, b = parameters
        x, n = self.x, self.times
        customers = n.sum()
        total = dot(n, gammaln(r + x) + gammaln(b + x) - gammaln(a + b + x))
        total += customers * (r * np.log(alpha) - gammaln(r) + gammaln(a + b) - gammaln(b))
        of_both = customers * psi(a + b) - dot(n, psi(a + b + x))
        gradient = np.array([
            dot(n, psi(r + x)) + customers * (np.log(alpha) - psi(r)),
            customers * r / alpha,
            of_both,
            of_both + dot(n, psi(b + x)) - customers * psi(b),
        ])  # fmt: skip

        waited = np.log(alpha + self.once_days)
        total -= r * dot(self.once, waited)
        gradient[0] -= dot(self.once, waited)
        gradient[1] -= r * dot(self.once, 1 / (alpha + self.once_days))

        logs, inverse = np.log(alpha + self.all_days), 1 / (alpha + self.all_days)
        late, rate = logs[self.age], self.repeats + r
        gap = late - logs[self.recency]
        odds = np.log(a) - np.log(b - 1 + self.repeats) + rate * gap
        small = np.exp(-np.abs(odds))
        left = np.where(odds > 0, 1.0, small) / (1 + small) * self.counts  # customers who left with their last purchase
        total += dot(self.counts, np.maximum(odds, 0) + np.log1p(small) - rate * late)
        by_age = self.counts * inverse[self.age]
        gradient[0] += dot(left, gap) - dot(self.counts, late)
        gradient[1] += dot(left, rate * (inverse[self.age] - inverse[self.recency])) - dot(rate, by_age)
        gradient[2] += left.sum() / a
        gradient[3] -= dot(left, 1 / (b - 1 + self.repeats))
        return float(total), gradient
