"""Gamma-Gamma: what a customer spends an order, on average, from how much they spent so far.

Fader & Hardie (2013), The gamma-gamma model of monetary value; it takes spending to be independent of how often
somebody buys.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tidings.insight.bg_nbd import Ints
from tidings.insight.optimum import Floats, Optimum, dot, maximise


@dataclass(frozen=True)
class GammaGamma:
    """A fitted model: p is the shape of one customer's orders, q and v the gamma that their rates are drawn from."""

    p: float
    q: float
    v: float

    def expected_order(self, repeats: Ints, spend: Floats) -> Floats:
        """The mean order of each customer with `repeats` orders of `spend` together, in the unit of money of the fit.

        Infinite where q ≤ 1 and nobody's own orders say anything: the model has no mean then.
        """
        below = self.p * repeats + self.q - 1
        return np.where(below > 0, self.p * (self.v + spend) / np.where(below > 0, below, 1.0), np.inf)


def fit_gamma_gamma(repeats: Ints, spend: Floats) -> tuple[GammaGamma, Optimum]:
    """The model of greatest likelihood, of customers with `repeats` ≥ 1 orders of `spend` > 0 together."""
    from scipy.special import gammaln, psi

    x = repeats.astype(float)
    scale = float(np.mean(spend / x))
    mean = spend / x / scale  # so that v begins near 1, whatever the currency
    values, times = np.unique(repeats, return_counts=True)
    customers = float(len(x))
    weighed = dot(x, np.log(mean) + np.log(x))  # Σ x ln(x m), of which p is the factor
    fixed = -float(np.log(mean).sum())
    together = x * mean

    def likelihood(parameters: Floats) -> tuple[float, Floats]:
        p, q, v = parameters
        above = np.log(v + together)
        inverse = 1 / (v + together)
        total = dot(times, gammaln(p * values + q) - gammaln(p * values)) + customers * (q * np.log(v) - gammaln(q))
        total += p * weighed + fixed - p * dot(x, above) - q * above.sum()
        digamma = psi(p * values + q)
        gradient = np.array([
            dot(times * values, digamma - psi(p * values)) + weighed - dot(x, above),
            dot(times, digamma) - customers * psi(q) + customers * np.log(v) - above.sum(),
            customers * q / v - p * dot(x, inverse) - q * inverse.sum(),
        ])  # fmt: skip
        return float(total), gradient

    found = maximise(likelihood, np.array([2.0, 2.0, 1.0]), customers)
    p, q, v = (float(value) for value in found.parameters)
    # The density of an amount scales with the unit of money; x m enters with exponent -1.
    unscaled = found.log_likelihood - customers * float(np.log(scale))
    return GammaGamma(p, q, v * scale), replace(found, log_likelihood=unscaled)
