"""Lift with its interval: treated people against held-out people, one row a person.

Pure functions on numbers and frames; who belongs to which arm is decided in planning and read from the
ledger. The formulae and how to read them are in docs/measurement.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from tidings.errors import TidingsError
from tidings.model.counts import ArmResult, Estimate

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

COLUMNS = ("arm", "converted", "orders", "value")
ARMS = ("treated", "control")


@dataclass(frozen=True)
class Lift:
    """Both arms, and their differences where both hold enough people to be compared.

    `conversion_lift` is a difference of shares (-1 to 1), `value_lift` of mean order value a person (minor
    units); the caused figures are differences times the treated persons who were compared.
    """

    arms: tuple[ArmResult, ArmResult]
    conversion_lift: Estimate | None
    value_lift: Estimate | None
    caused_buyers: Estimate | None
    caused_orders: Estimate | None
    caused_value: Estimate | None
    confidence: float


class Shares(NamedTuple):
    """One stratum: who converted, of how many, treated and held out."""

    converted_t: int
    n_t: int
    converted_c: int
    n_c: int


def proportion_difference(converted_t: int, n_t: int, converted_c: int, n_c: int, confidence: float = 0.95) -> Estimate:
    """The share in the first group minus the share in the second, with Newcombe's hybrid score interval.

    Newcombe (1998), "Interval estimation for the difference between independent proportions: comparison of
    eleven methods", Statistics in Medicine 17, 873-890, method 10: the Wilson score limits of each share,
    joined by square and add. It stays within [-1, 1] and keeps its level where shares are small or groups
    unequal, where the textbook (Wald) interval does not. ValueError for an empty group or more converted than
    counted.
    """
    return proportion_differences([Shares(converted_t, n_t, converted_c, n_c)], confidence)


def proportion_differences(strata: Sequence[Shares], confidence: float = 0.95) -> Estimate:
    """The difference of shares within strata, averaged over the people of the first group.

    Strata weigh as much as their first group, w = n_t / sum of n_t: the effect on those who were treated. The
    limits are joined by square and add, each term times w²: Zou & Donner (2008), "Construction of confidence
    intervals about effect measures: a general approach", Statistics in Medicine 27, 1693-1702 (MOVER). One stratum
    gives Newcombe's interval. ValueError as `proportion_difference`, and without strata.
    """
    z = _normal_quantile(confidence)
    difference = below = above = 0.0
    for weight, (converted_t, n_t, converted_c, n_c) in zip(_weights([one.n_t for one in strata]), strata, strict=True):
        p_t, low_t, high_t = _wilson(converted_t, n_t, z)
        p_c, low_c, high_c = _wilson(converted_c, n_c, z)
        difference += weight * (p_t - p_c)
        below += weight**2 * ((p_t - low_t) ** 2 + (high_c - p_c) ** 2)
        above += weight**2 * ((high_t - p_t) ** 2 + (p_c - low_c) ** 2)
    return Estimate(value=difference, low=max(difference - sqrt(below), -1.0), high=min(difference + sqrt(above), 1.0))


def mean_difference(values_t: ArrayLike, values_c: ArrayLike, confidence: float = 0.95) -> Estimate:
    """The mean of the first group minus that of the second, with Welch's interval, in the unit of the values.

    Welch (1947), "The generalization of 'Student's' problem when several different population variances are
    involved", Biometrika 34, 28-35: variances are not pooled, degrees of freedom by Welch-Satterthwaite.
    Money is skewed, so the level is approximate below some hundred people a group. ValueError below two
    people a group.
    """
    return mean_differences([(values_t, values_c)], confidence)


def mean_differences(strata: Sequence[tuple[ArrayLike, ArrayLike]], confidence: float = 0.95) -> Estimate:
    """The difference of means within strata, averaged over the people of the first group.

    Weights as in `proportion_differences`. The variance is the sum of w² s²/n over all groups, its degrees of freedom
    are Satterthwaite's (1946), "An approximate distribution of estimates of variance components", Biometrics Bulletin
    2, 110-114. One stratum gives Welch's interval. ValueError as `mean_difference`, and without strata.
    """
    import numpy as np
    from scipy.stats import t as student

    _check_confidence(confidence)
    pairs = [(np.asarray(treated, dtype=float), np.asarray(control, dtype=float)) for treated, control in strata]
    if any(group.size < 2 for pair in pairs for group in pair):
        raise ValueError("a mean difference needs at least two people in each group")
    weights = _weights([treated.size for treated, _ in pairs])
    difference = sum(w * float(t.mean() - c.mean()) for w, (t, c) in zip(weights, pairs, strict=True))
    groups = [(w, group) for w, pair in zip(weights, pairs, strict=True) for group in pair]
    variances = [w**2 * (float(group.var(ddof=1)) / group.size) for w, group in groups]
    error = sqrt(sum(variances))
    if error == 0.0:
        return Estimate(value=difference, low=difference, high=difference)
    # Shares of the variance, not the variances: their squares would underflow for very small values.
    parts = [variance / sum(variances) for variance in variances]
    freedom = 1 / sum(part**2 / (group.size - 1) for part, (_, group) in zip(parts, groups, strict=True))
    reach = float(student.ppf((1 + confidence) / 2, freedom)) * error
    return Estimate(value=difference, low=difference - reach, high=difference + reach)


def lift(frame: pd.DataFrame, confidence: float = 0.95) -> Lift:
    """What the campaign caused, from one row a person.

    Columns: `arm` ("treated" or "control"), `converted` (bool), `orders` (int), `value` (int, minor units) and,
    where arms were drawn with several probabilities, `stratum`: people are compared only within theirs.
    Every person counts in the arm drawn for them, whether or not a message arrived (intention to treat).
    A stratum in which an arm is empty is not compared, nor are orders and values where an arm holds one person;
    differences are None where no stratum is left. TidingsError names a missing column, an unknown arm or an empty
    cell.
    """
    _check_frame(frame)
    strata = [one for _, one in frame.groupby("stratum", dropna=False)] if "stratum" in frame.columns else [frame]
    pairs = [(one[one["arm"] == "treated"], one[one["arm"] == "control"]) for one in strata]
    some, several = (_holding(pairs, least) for least in (1, 2))
    shares = [Shares(_converted(treated), len(treated), _converted(control), len(control)) for treated, control in some]
    conversion = proportion_differences(shares, confidence) if shares else None
    orders, value = (_means(several, column, confidence) for column in ("orders", "value"))
    treated = sum(len(treated) for treated, _ in several)
    return Lift(
        arms=(_arm("treated", frame), _arm("control", frame)),
        conversion_lift=conversion,
        value_lift=value,
        caused_buyers=scale(conversion, sum(one.n_t for one in shares)),
        caused_orders=scale(orders, treated),
        caused_value=scale(value, treated),
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
    return sample_ratios([(n_t, n_c, share)])


def sample_ratios(strata: Sequence[tuple[int, int, float]]) -> float:
    """The same for strata (n_t, n_c, share) together: their chi-squares summed, a degree of freedom for each."""
    from scipy.stats import chi2

    statistic, freedom = 0.0, 0
    for n_t, n_c, share in strata:
        if not 0 < share < 1:
            raise ValueError(f"a holdout share lies between 0 and 1, not {share!r}")
        if n_t < 0 or n_c < 0:
            raise ValueError("a number of people is not negative")
        if total := n_t + n_c:
            expected = total * share
            # Both cells deviate by the same amount.
            statistic += (n_c - expected) ** 2 * (1 / expected + 1 / (total - expected))
            freedom += 1
    return float(chi2.sf(statistic, freedom)) if freedom else 1.0


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


Pair = tuple["pd.DataFrame", "pd.DataFrame"]


def _weights(treated: Sequence[int]) -> list[float]:
    if not (total := sum(treated)):
        raise ValueError("a difference needs at least one person in the first group")
    return [n / total for n in treated]


def _holding(pairs: Sequence[Pair], least: int) -> list[Pair]:
    return [pair for pair in pairs if min(map(len, pair)) >= least]


def _converted(group: pd.DataFrame) -> int:
    return int(group["converted"].astype(bool).sum())


def _means(pairs: Sequence[Pair], column: str, confidence: float) -> Estimate | None:
    groups = [(treated[column].to_numpy("float64"), control[column].to_numpy("float64")) for treated, control in pairs]
    return mean_differences(groups, confidence) if groups else None


def _arm(arm: Literal["treated", "control"], frame: pd.DataFrame) -> ArmResult:
    group = frame[frame["arm"] == arm]
    return ArmResult(
        arm=arm,
        persons=len(group),
        converted=_converted(group),
        orders=int(group["orders"].sum()),
        value=int(group["value"].sum()),
    )
