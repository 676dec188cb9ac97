"""How long fitting BG/NBD takes, beside the `lifetimes` package, in one run.

Customers drawn from the model itself with a fixed seed: a million with less than one repeat each, and a million with
ten orders each. Both get the same x, t_x and T in days. Prints our median and their one run, the ratio, and both
log-likelihoods, which must agree to 1e-3 unless ours is the better one.
`make bench`, or with fewer customers: CUSTOMERS=100000.
"""

from __future__ import annotations

import os
import statistics
import time
import warnings
from collections.abc import Callable

from tests.insight.drawn import SHOPS, histories, log_likelihood
from tidings.insight.bg_nbd import BgNbd, Ints, fit_bg_nbd

CUSTOMERS = int(os.environ.get("CUSTOMERS", "1000000"))
ROUNDS = 5


def ours(repeats: Ints, recency: Ints, age: Ints) -> BgNbd:
    """The fit that is measured."""
    return fit_bg_nbd(repeats, recency, age)[0]


def theirs(repeats: Ints, recency: Ints, age: Ints) -> BgNbd:
    """The same by lifetimes, with its own defaults."""
    from lifetimes import BetaGeoFitter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = BetaGeoFitter().fit(repeats, recency, age)
    r, alpha, a, b = (float(fitted.params_[name]) for name in ("r", "alpha", "a", "b"))
    return BgNbd(r, alpha, a, b)


def seconds(fit: Callable[[Ints, Ints, Ints], BgNbd], rounds: int, *history: Ints) -> tuple[float, BgNbd]:
    """The median of one fit, and its result."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        model = fit(*history)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken), model


def main() -> None:
    """Fit both shops with both."""
    for name, model in SHOPS.items():
        history = histories(model, CUSTOMERS)
        fast, mine = seconds(ours, ROUNDS, *history)
        slow, other = seconds(theirs, 1, *history)
        found, wanted = (log_likelihood(each, *history) for each in (mine, other))
        print(
            f"{name}: {CUSTOMERS:,} customers, {history[0].sum() / CUSTOMERS:.2f} repeats each; "
            f"tidings {fast:.2f} s, lifetimes {slow:.2f} s ({slow / fast:.1f} ×); "
            f"log-likelihood {found:.4f}, lifetimes {wanted:.4f}"
        )
        if found < wanted - 1e-3:
            raise SystemExit("lifetimes found a better optimum")


if __name__ == "__main__":
    main()
