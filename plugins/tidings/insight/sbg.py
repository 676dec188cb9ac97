"""Shifted beta-geometric: how long customers with a contract stay.

At the end of each period a customer leaves with a probability of their own, which is beta(α, β). Fader & Hardie (2007),
How to project customer retention, Journal of Interactive Marketing 21(1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tidings.insight.bg_nbd import Ints
from tidings.insight.optimum import Floats, Optimum, maximise


@dataclass(frozen=True)
class ShiftedBetaGeometric:
    """A fitted model; its periods are those of the contract."""

    alpha: float
    beta: float

    def survival(self, periods: Ints | Floats) -> Floats:
        """The share of customers who stay longer than each number of periods: B(α, β + t) / B(α, β)."""
        from scipy.special import betaln

        return np.asarray(np.exp(betaln(self.alpha, self.beta + periods) - betaln(self.alpha, self.beta)))

    def expected_renewals(self, periods: int, stayed: Ints) -> Floats:
        """Renewals in the next `periods` of customers who have renewed `stayed` times and are still there."""
        ahead = np.asarray(stayed)[:, None] + np.arange(1, periods + 1)[None, :]
        return np.asarray((self.survival(ahead) / self.survival(np.asarray(stayed))[:, None]).sum(axis=1))


def fit_sbg(left: Ints, staying: Ints) -> tuple[ShiftedBetaGeometric, Optimum]:
    """The model of greatest likelihood.

    `left[t]` customers left at the end of period t + 1, `staying[t]` are still there after t + 1 periods and have not
    been watched longer.
    """
    from scipy.special import betaln, psi

    periods = np.arange(1, max(len(left), len(staying)) + 1, dtype=float)
    gone, here = (np.pad(np.asarray(n, dtype=float), (0, len(periods) - len(n))) for n in (left, staying))
    customers = float(gone.sum() + here.sum())

    def likelihood(parameters: Floats) -> tuple[float, Floats]:
        alpha, beta = parameters
        # P(T = t) = B(α + 1, β + t - 1) / B(α, β) and S(t) = B(α, β + t) / B(α, β)
        total = gone @ betaln(alpha + 1, beta + periods - 1) + here @ betaln(alpha, beta + periods)
        total -= customers * betaln(alpha, beta)
        both = psi(alpha + beta + periods)
        ends = customers * (psi(alpha + beta))
        gradient = np.array([
            gone @ (psi(alpha + 1) - both) + here @ (psi(alpha) - both) + ends - customers * psi(alpha),
            gone @ (psi(beta + periods - 1) - both) + here @ (psi(beta + periods) - both)
            + ends - customers * psi(beta),
        ])  # fmt: skip
        return float(total), gradient

    found = maximise(likelihood, np.array([1.0, 1.0]), customers)
    alpha, beta = (float(value) for value in found.parameters)
    return ShiftedBetaGeometric(alpha, beta), found
