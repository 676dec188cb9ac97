"""Lift with its interval: treated people against held-out people, one row a person.

Pure functions on numbers and frames; who belongs to which arm is decided in planning and read from the
ledger. The formulae and how to read them are in docs/measurement.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal, cast

from tidings.errors import TidingsError
from tidings.model.counts import ArmResult, Estimate

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import ArrayLike

COLUMNS = ("arm", "converted", "orders", "value")
ARMS: tuple[Literal["treated"], Literal["control"]] = ("treated", "control")


@dataclass(frozen=True)
class Lift:
    """Both arms, and their differences where both hold enough people to be compared.

    `conversion_lift` is a difference of shares (-1 to 1), `value_lift` of mean order value a person (minor
    units); the caused figures are the lifts times the treated persons.
    """

    arms: tuple[ArmResult, ArmResult]
    conversion_lift: Estimate | None
    value_lift: Estimate | None
    caused_orders: Estimate | None
    caused_value: Estimate | None
    confidence: float


def proportion_difference(converted_t: int, n_t: int, converted_c: int, n_c: int, confidence: float = 0.95) -> Estimate:
    """The share in the first group minus the share in the second, with Newcombe's hybrid score interval.

    Newcombe (1998), "Interval estimation for the difference between independent proportions: comparison of
    eleven methods", Statistics in Medicine 17, 873-890, method 10: the Wilson score limits of each share,
    joined by square and add. It stays within [-1, 1] and keeps its level where shares are small or groups
    unequal, where the textbook (Wald) interval does not. ValueError for an empty group or more converted than
    counted.
    """
    z = _normal_quantile(confidence)
    p_t, low_t, high_t = _wilson(converted_t, n_t, z)
    p_c, low_c, high_c = _wilson(converted_c, n_c, z)
    difference = p_t - p_c
    low = difference - sqrt((p_t - low_t) ** 2 + (high_c - p_c) ** 2)
    high = difference + sqrt((high_t - p_t) ** 2 + (p_c - low_c) ** 2)
    return Estimate(value=difference, low=max(low, -1.0), high=min(high, 1.0))


def mean_difference(values_t: ArrayLike, values_c: ArrayLike, confidence: float = 0.95) -> Estimate:
    """The mean of the first group minus that of the second, with Welch's interval, in the unit of the values.

    Welch (1947), "The generalization of 'Student's' problem when several different population variances are
    involved", Biometrika 34, 28-35: variances are not pooled, degrees of freedom by Welch-Satterthwaite.
    Money is skewed, so the level is approximate below some hundred people a group. ValueError below two
    people a group.
    """
    import numpy as np
    from scipy.stats import t as student

    _check_confidence(confidence)
    treated, control = np.asarray(values_t, dtype=float), np.asarray(values_c, dtype=float)
    if treated.size < 2 or control.size < 2:
        raise ValueError("a mean difference needs at least two people in each group")
    difference = float(treated.mean() - control.mean())
    share_t, share_c = float(treated.var(ddof=1)) / treated.size, float(control.var(ddof=1)) / control.size
    error = sqrt(share_t + share_c)
    if error == 0.0:
        return Estimate(value=difference, low=difference, high=difference)
    # Shares of the variance, not the variances: their squares would underflow for very small values.
    part_t, part_c = share_t / (share_t + share_c), share_c / (share_t + share_c)
    freedom = 1 / (part_t**2 / (treated.size - 1) + part_c**2 / (control.size - 1))
    reach = float(student.ppf((1 + confidence) / 2, freedom)) * error
    return Estimate(value=difference, low=difference - reach, high=difference + reach)


def lift(frame: pd.DataFrame, confidence: float = 0.95) -> Lift:
    """What the campaign caused, from one row a person.

    Columns: `arm` ("treated" or "control"), `converted` (bool), `orders` (int), `value` (int, minor units).
    Every person counts in the arm drawn for them, whether or not a message arrived (intention to treat).
    Differences are None when an arm is empty; the value difference also when an arm holds one person.
    TidingsError names a missing column, an unknown arm or an empty cell.
    """
    _check_frame(frame)
    groups = {arm: frame[frame["arm"] == arm] for arm in ARMS}
    treated, control = (_arm(arm, groups[arm]) for arm in ARMS)
    conversion = value = None
    if treated.persons and control.persons:
        conversion = proportion_difference(
            treated.converted, treated.persons, control.converted, control.persons, confidence
        )
    if min(treated.persons, control.persons) >= 2:
        value = mean_difference(_floats(groups["treated"]), _floats(groups["control"]), confidence)
    return Lift(
        arms=(treated, control),
        conversion_lift=conversion,
        value_lift=value,
        caused_orders=scale(conversion, treated.persons),
        caused_value=scale(value, treated.persons),
        confidence=confidence,
    )


def scale(estimate: Estimate | None, factor: float) -> Estimate | None:
    """The estimate and its interval times a factor that is not negative; None stays None."""
    if estimate is None:
        return None
    return Estimate(value=estimate.value * factor, low=estimate.low * factor, high=estimate.high * factor)


def sample_ratio(n_t: int, n_c: int, share: float) -> float:
    """The p-value of arms of these sizes when `share` of the people were to be held out.

    Pearson's chi-square with one degree of freedom. A very small value (below .001) says that people went
    missing from one arm after the draw, so the lift compares unlike groups: Fabijan et al. (2019),
    "Diagnosing sample ratio mismatch in online controlled experiments", KDD. 1.0 for two empty arms;
    ValueError unless 0 < share < 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"a holdout share lies between 0 and 1, not {share!r}")
    if n_t < 0 or n_c < 0:
        raise ValueError("a number of people is not negative")
    total = n_t + n_c
    if total == 0:
        return 1.0
    expected = total * share
    # Both cells deviate by the same amount; the survival function at one degree of freedom is erfc(√(x/2)).
    statistic = (n_c - expected) ** 2 * (1 / expected + 1 / (total - expected))
    return erfc(sqrt(statistic / 2))


def smallest_detectable(
    n_t: int, n_c: int, base_rate: float, power: float = 0.8, confidence: float = 0.95
) -> float | None:
    """The smallest rise of a share above `base_rate` that groups of these sizes show with the given power.

    Two-sided test of two shares without continuity correction: Fleiss, Levin & Paik (2003), "Statistical
    Methods for Rates and Proportions", 3rd ed., chapter 4. None where even certain conversion would go
    unseen. ValueError for an empty group, or a share that is not one.
    """
    if n_t < 1 or n_c < 1:
        raise ValueError("a detectable effect needs at least one person in each group")
    if not 0 <= base_rate < 1 or not 0 < power < 1:
        raise ValueError("base_rate lies in [0, 1) and power between 0 and 1")
    z_level, z_power = _normal_quantile(confidence), NormalDist().inv_cdf(power)

    def seen(rise: float) -> bool:
        rate = base_rate + rise
        pooled = (n_t * rate + n_c * base_rate) / (n_t + n_c)
        if_equal = pooled * (1 - pooled) * (1 / n_t + 1 / n_c)
        if_risen = rate * (1 - rate) / n_t + base_rate * (1 - base_rate) / n_c
        return rise >= z_level * sqrt(max(if_equal, 0)) + z_power * sqrt(max(if_risen, 0))

    low, high = 0.0, 1 - base_rate
    if not seen(high):
        return None
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high


def _wilson(converted: int, n: int, z: float) -> tuple[float, float, float]:
    """A share and its score limits: Wilson (1927), "Probable inference, the law of succession, and
    statistical inference", Journal of the American Statistical Association 22, 209-212.
    """
    if n < 1 or not 0 <= converted <= n:
        raise ValueError(f"{converted!r} of {n!r} people is not a share")
    p = converted / n
    centre, reach = 2 * n * p + z * z, z * sqrt(z * z + 4 * n * p * (1 - p))
    # Rounding may put a limit the width of a bit beyond the share at 0 or 1.
    low, high = (centre - reach) / (2 * (n + z * z)), (centre + reach) / (2 * (n + z * z))
    return p, max(0.0, min(low, p)), min(1.0, max(high, p))


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence lies between 0 and 1, not {confidence!r}")


def _normal_quantile(confidence: float) -> float:
    _check_confidence(confidence)
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _check_frame(frame: pd.DataFrame) -> None:
    missing = [column for column in COLUMNS if column not in frame.columns]
    if missing:
        fix = f"give one row a person with {', '.join(COLUMNS)}"
        raise TidingsError(f"lift needs a column {missing[0]!r}", fix)
    empty = [column for column in COLUMNS if bool(frame[column].isna().any())]
    if empty:
        raise TidingsError(f"column {empty[0]!r} has empty cells", "write 0 for a person who did not order")
    strange = sorted({str(arm) for arm in cast("Sequence[object]", frame["arm"].unique()) if arm not in ARMS})
    if strange:
        raise TidingsError(f"{strange[0]!r} is not an arm", "write treated or control")


def _arm(arm: Literal["treated", "control"], group: pd.DataFrame) -> ArmResult:
    return ArmResult(
        arm=arm,
        persons=len(group),
        converted=int(group["converted"].astype(bool).sum()),
        orders=int(group["orders"].sum()),
        value=int(group["value"].sum()),
    )


def _floats(group: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return group["value"].to_numpy(dtype="float64")
