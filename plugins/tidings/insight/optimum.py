"""The maximum of a log-likelihood whose parameters are positive numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LOWEST, HIGHEST = 1e-4, 1e4
"""The range of a parameter. One that the data do not determine runs towards an end, where forecasts hardly move."""


def dot(left: Floats | NDArray[np.int64], right: Floats) -> float:
    """The sum of the products, by one thread: BLAS starts several, which wait for each other on a busy machine."""
    return float(np.einsum("i,i->", left, right))


@dataclass(frozen=True)
class Optimum:
    """The best `parameters` and the total log-likelihood there, in the units of the search; `evaluations` of it.

    `settled` is False where the search ended before the likelihood was flat.
    """

    parameters: Floats
    log_likelihood: float
    evaluations: int
    settled: bool

    @property
    def undetermined(self) -> tuple[bool, ...]:
        """Which parameters ran to the last tenth of their range."""
        return tuple(bool(p <= LOWEST * 10 or p >= HIGHEST / 10) for p in self.parameters)


def maximise(
    likelihood: Callable[[Floats], tuple[float, Floats]], start: Floats, observations: float, tolerance: float = 1e-8
) -> Optimum:
    """The maximum from `start`; `likelihood` gives the total and its gradient, over `observations` customers.

    The search ends where no slope of the mean is steeper than `tolerance`.

    L-BFGS-B on the logarithms of the parameters and on the mean likelihood, so that neither the scale of a parameter
    nor the number of customers changes when the search ends.
    """
    from scipy.optimize import minimize

    def cost(logs: Floats) -> tuple[float, Floats]:
        values = np.exp(logs)
        total, gradient = likelihood(values)
        return -total / observations, -gradient * values / observations

    bounds = [(np.log(LOWEST), np.log(HIGHEST))] * len(start)
    options = {"maxiter": 500, "ftol": 1e-15, "gtol": tolerance, "maxcor": 10}
    found = minimize(cost, np.log(start), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    # A line search that finds nothing better by more than a rounding error has arrived as well.
    settled = bool(found.success) or float(np.abs(found.jac).max()) < 1e-5
    return Optimum(np.exp(found.x), -float(found.fun) * observations, int(found.nfev), settled)
