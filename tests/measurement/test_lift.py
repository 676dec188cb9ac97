"""The statistics agree with published figures and keep what they promise."""

import doctest
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from tidings.errors import TidingsError
from tidings.measurement.lift import (
    Shares,
    lift,
    mean_difference,
    mean_differences,
    proportion_difference,
    proportion_differences,
    sample_ratio,
    sample_ratios,
    scale,
    smallest_detectable,
)
from tidings.model.counts import ArmResult, Estimate

# Newcombe (1998), Statistics in Medicine 17, table II, method 10, confidence 95 %.
NEWCOMBE = [
    (56, 70, 48, 80, 0.0524, 0.3339),
    (9, 10, 3, 10, 0.1705, 0.8090),
    (6, 7, 2, 7, 0.0582, 0.8062),
    (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775),
    (0, 10, 0, 10, -0.2775, 0.2775),
    (10, 10, 0, 20, 0.6791, 1.0000),
    (10, 10, 0, 10, 0.6075, 1.0000),
]

# Student's sleep data (1908), as R ships it; `t.test(extra ~ group, data = sleep)` prints the interval below.
SLEEP = (
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
)


def people(treated: list[int], control: list[int]) -> pd.DataFrame:
    """One row a person; who spent something has converted with one order."""
    values = treated + control
    return pd.DataFrame(
        {
            "arm": ["treated"] * len(treated) + ["control"] * len(control),
            "converted": [value > 0 for value in values],
            "orders": [int(value > 0) for value in values],
            "value": values,
        }
    )


@st.composite
def groups(draw: st.DrawFn) -> tuple[int, int]:
    """Converted and counted people of one group."""
    n = draw(st.integers(1, 5000))
    return draw(st.integers(0, n)), n


money = st.lists(st.integers(0, 10**7), min_size=2, max_size=40)


@pytest.mark.parametrize(("a", "m", "b", "n", "low", "high"), NEWCOMBE)
def test_newcombe_published(a: int, m: int, b: int, n: int, low: float, high: float) -> None:
    """Every example of Newcombe's table comes out to the four decimals he printed."""
    estimate = proportion_difference(a, m, b, n, 0.95)
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (low, high)
    assert estimate.value == pytest.approx(a / m - b / n)


def test_welch_published() -> None:
    """Student's sleep data give the interval that R prints."""
    estimate = mean_difference(*SLEEP, 0.95)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((-1.58, -3.3654832, 0.2054832))


@given(money, money, st.floats(0.5, 0.999))
def test_welch_equals_scipy(treated: list[int], control: list[int], confidence: float) -> None:
    """The interval equals scipy's own wherever the values vary."""
    assume(len(set(treated)) > 1 and len(set(control)) > 1)
    estimate = mean_difference(treated, control, confidence)
    theirs = stats.ttest_ind(treated, control, equal_var=False).confidence_interval(confidence)
    assert (estimate.low, estimate.high) == pytest.approx((theirs.low, theirs.high), rel=1e-6, abs=1e-3)


def test_welch_without_spread() -> None:
    """Two groups without any spread give an interval without width; one such group does no harm."""
    assert mean_difference([5, 5], [3, 3], 0.95) == Estimate(value=2, low=2, high=2)
    one_varies = mean_difference([4, 6], [3, 3, 3], 0.95)
    assert (one_varies.low, one_varies.high) == pytest.approx((2 - 12.706, 2 + 12.706), abs=1e-3)


def test_power_published() -> None:
    """R's `power.prop.test` for .50 and .75 needs 76.7 people a group at power .90; 50 have power .740."""
    at_77, at_76 = (smallest_detectable(n, n, 0.5, power=0.9) for n in (77, 76))
    assert at_77 is not None
    assert at_76 is not None
    assert at_77 < 0.25 < at_76
    assert smallest_detectable(50, 50, 0.5, power=0.7401659) == pytest.approx(0.25, abs=1e-4)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.floats(0.01, 0.99))
def test_sample_ratio_equals_scipy(n_t: int, n_c: int, share: float) -> None:
    """The p-value equals scipy's chi-square test of the two counts."""
    total = n_t + n_c
    theirs = stats.chisquare([n_c, n_t], [total * share, total * (1 - share)]).pvalue
    assert sample_ratio(n_t, n_c, share) == pytest.approx(theirs, rel=1e-9, abs=1e-300)


def test_sample_ratio_by_hand() -> None:
    """821,588 against 815,482 people of an even split is a mismatch (p = 1.8e-6); two empty arms are none."""
    assert sample_ratio(821_588, 815_482, 0.5) == pytest.approx(1.8e-6, rel=0.02)
    assert sample_ratio(0, 0, 0.1) == 1.0
    assert sample_ratio(900, 100, 0.1) == 1.0


@given(groups(), groups(), st.floats(0.5, 0.999))
def test_difference_bounds(first: tuple[int, int], second: tuple[int, int], confidence: float) -> None:
    """The interval holds its estimate, stays within [-1, 1] and turns round when the groups change places."""
    estimate = proportion_difference(*first, *second, confidence)
    turned = proportion_difference(*second, *first, confidence)
    assert -1 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert (turned.value, turned.low, turned.high) == pytest.approx(
        (-estimate.value, -estimate.high, -estimate.low), abs=1e-12
    )


@given(groups(), groups())
def test_confidence_widens(first: tuple[int, int], second: tuple[int, int]) -> None:
    """More confidence never gives a narrower interval."""
    narrow, wide = (proportion_difference(*first, *second, level) for level in (0.8, 0.99))
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


@given(money, money, st.sampled_from([1, 10, 1000]))
def test_mean_scales(treated: list[int], control: list[int], unit: int) -> None:
    """Another unit of money scales the whole interval; changed places turn it round."""
    estimate = mean_difference(treated, control, 0.95)
    larger = mean_difference([value * unit for value in treated], [value * unit for value in control], 0.95)
    turned = mean_difference(control, treated, 0.95)
    assert (larger.value, larger.low, larger.high) == pytest.approx(
        (estimate.value * unit, estimate.low * unit, estimate.high * unit), rel=1e-6, abs=1e-3
    )
    assert (turned.value, turned.low, turned.high) == pytest.approx(
        (-estimate.value, -estimate.high, -estimate.low), rel=1e-9, abs=1e-6
    )


@pytest.mark.parametrize(("rate_t", "rate_c", "n_t", "n_c"), [(0.08, 0.05, 900, 300), (0.02, 0.02, 400, 60)])
def test_newcombe_covers(rate_t: float, rate_c: float, n_t: int, n_c: int) -> None:
    """Of 4,000 simulated campaigns about 95 % of the intervals hold the true difference."""
    draw = np.random.default_rng(20261122)
    pairs = zip(draw.binomial(n_t, rate_t, 4000), draw.binomial(n_c, rate_c, 4000), strict=True)
    estimates = [proportion_difference(int(t), n_t, int(c), n_c, 0.95) for t, c in pairs]
    covered = sum(e.low <= rate_t - rate_c <= e.high for e in estimates) / len(estimates)
    assert 0.935 <= covered <= 0.98


def test_welch_covers_skewed_money() -> None:
    """Zero-heavy, long-tailed order values: about 95 % of the intervals still hold the true difference."""
    draw = np.random.default_rng(20261122)
    held = 0
    for _ in range(1000):
        values = draw.lognormal(3, 1, 1200) * (draw.random(1200) < 0.3)
        estimate = mean_difference(values[:900], values[900:], 0.95)
        held += estimate.low <= 0 <= estimate.high
    assert 925 <= held <= 975


def test_detectable_effect_is_detected() -> None:
    """At the smallest detectable rise about 80 % of simulations exclude zero; two people show nothing."""
    rise = smallest_detectable(3000, 1000, 0.10)
    assert rise is not None
    draw = np.random.default_rng(7)
    pairs = zip(draw.binomial(3000, 0.10 + rise, 2000), draw.binomial(1000, 0.10, 2000), strict=True)
    found = sum(proportion_difference(int(t), 3000, int(c), 1000, 0.95).low > 0 for t, c in pairs)
    assert 0.76 <= found / 2000 <= 0.84
    assert smallest_detectable(1, 1, 0.5) is None


def test_lift_counts_arms() -> None:
    """Arms are counted exactly, lifts are treated minus control, caused is the lift times the treated."""
    result = lift(people([500, 0, 700, 0, 300], [0, 400, 0, 0]))
    assert result.arms == (
        ArmResult(arm="treated", persons=5, converted=3, orders=3, value=1500),
        ArmResult(arm="control", persons=4, converted=1, orders=1, value=400),
    )
    assert result.conversion_lift == proportion_difference(3, 5, 1, 4, 0.95)
    assert result.value_lift == mean_difference([500, 0, 700, 0, 300], [0, 400, 0, 0], 0.95)
    assert result.caused_buyers == scale(result.conversion_lift, 5)
    assert result.caused_orders == scale(mean_difference([1, 0, 1, 0, 1], [0, 1, 0, 0], 0.95), 5)
    assert result.caused_value == scale(result.value_lift, 5)
    assert result.caused_value is not None
    assert result.caused_value.value == pytest.approx(1000)


@given(money, money)
def test_lift_caused_is_scaled(treated: list[int], control: list[int]) -> None:
    """Whatever the arms, caused value keeps low ≤ value ≤ high and is the lift times the treated persons."""
    result = lift(people(treated, control))
    assert result.value_lift is not None
    assert result.caused_value == scale(result.value_lift, len(treated))
    assert result.caused_value is not None
    assert result.caused_value.low <= result.caused_value.value <= result.caused_value.high


@pytest.mark.parametrize(("treated", "control"), [([100, 0], []), ([], [100, 0]), ([], [])])
def test_lift_of_an_empty_arm(treated: list[int], control: list[int]) -> None:
    """Without people in both arms there is no causal figure at all."""
    result = lift(people(treated, control))
    assert (result.conversion_lift, result.value_lift) == (None, None)
    assert (result.caused_buyers, result.caused_orders, result.caused_value) == (None, None, None)
    assert [arm.persons for arm in result.arms] == [len(treated), len(control)]


def test_lift_of_one_person() -> None:
    """One held-out person gives a share with a wide interval, and no spread of money to build one from."""
    result = lift(people([100, 0, 50], [0]))
    assert result.conversion_lift is not None
    assert result.conversion_lift.low < 0 < result.conversion_lift.high
    assert (result.value_lift, result.caused_orders, result.caused_value) == (None, None, None)


def test_lift_reads_a_csv(tmp_path: object) -> None:
    """Columns typed by pandas from a CSV file, further columns among them, are good enough."""
    path = f"{tmp_path}/people.csv"
    people([500, 0, 700], [0, 400]).assign(name="x").to_csv(path, index=False)
    assert lift(pd.read_csv(path)) == lift(people([500, 0, 700], [0, 400]))


def test_two_orders_of_one_buyer_are_two_orders() -> None:
    """Buyers and orders are different figures: more orders of the same buyers cause no buyer."""
    frame = people([100, 0] * 50, [100, 0] * 50)
    frame.loc[(frame["arm"] == "treated") & frame["converted"], "orders"] = 3
    result = lift(frame)
    assert result.caused_buyers is not None
    assert result.caused_orders is not None
    assert (result.caused_buyers.value, result.caused_orders.value) == (0, 100)
    assert result.caused_orders.low > 0


def halves(shares: list[Shares]) -> pd.DataFrame:
    """One row a person; every stratum by its number."""
    frames = []
    for number, (x_t, n_t, x_c, n_c) in enumerate(shares):
        treated, control = [100] * x_t + [0] * (n_t - x_t), [100] * x_c + [0] * (n_c - x_c)
        frames.append(people(treated, control).assign(stratum=f"{number}:0.1"))
    return pd.concat(frames, ignore_index=True)


def test_a_changed_share_makes_no_effect() -> None:
    """Half were held out in a good season and a tenth in a bad one; in neither did the campaign do anything.

    Pooled, the held out would seem to buy more (Simpson's paradox).
    """
    shares = [Shares(200, 500, 200, 500), Shares(90, 900, 10, 100)]
    frame = halves(shares)
    result = lift(frame)
    assert result.conversion_lift is not None
    assert result.value_lift is not None
    assert (result.conversion_lift.value, result.value_lift.value) == pytest.approx((0, 0), abs=1e-9)
    pooled = lift(frame.drop(columns="stratum")).conversion_lift
    assert pooled is not None
    assert pooled.high < -0.05


def test_strata_weigh_by_their_treated() -> None:
    """The effect on those who were treated: caused is what each stratum caused, together; limits by square and add."""
    shares = [Shares(60, 300, 10, 100), Shares(90, 600, 20, 200)]
    result = lift(halves(shares))
    one, two = (proportion_difference(*each) for each in shares)
    expected = 300 / 900 * one.value + 600 / 900 * two.value
    below = np.hypot(300 / 900 * (one.value - one.low), 600 / 900 * (two.value - two.low))
    above = np.hypot(300 / 900 * (one.high - one.value), 600 / 900 * (two.high - two.value))
    assert result.conversion_lift is not None
    found = (result.conversion_lift.value, result.conversion_lift.low, result.conversion_lift.high)
    assert found == pytest.approx((expected, expected - below, expected + above))
    assert result.caused_buyers is not None
    assert result.caused_buyers.value == pytest.approx((0.2 - 0.1) * 300 + (0.15 - 0.1) * 600)


def test_a_stratum_without_both_arms_is_not_compared() -> None:
    """Before there was a holdout nobody can say what was caused; those people are counted and no more."""
    compared = Shares(60, 300, 10, 100)
    result = lift(halves([compared, Shares(500, 1000, 0, 0), Shares(0, 0, 5, 5)]))
    assert [(arm.persons, arm.converted) for arm in result.arms] == [(1300, 560), (105, 15)]
    assert result.conversion_lift == proportion_difference(*compared)
    assert result.caused_buyers == scale(result.conversion_lift, 300)
    assert result.caused_value == scale(result.value_lift, 300)


def test_one_stratum_is_no_stratum() -> None:
    """To the last bit."""
    frame = halves([Shares(60, 301, 10, 103)])
    assert lift(frame) == lift(frame.drop(columns="stratum"))


def test_the_variance_of_strata_by_hand() -> None:
    """Welch's interval over two strata, from the sample variances and Satterthwaite's degrees of freedom."""
    first, second = ([3.0, 5.0, 10.0, 2.0], [1.0, 2.0, 6.0]), ([20.0, 24.0], [18.0, 19.0, 15.0])
    estimate = mean_differences([first, second])
    terms = [
        (weight**2 * np.var(group, ddof=1) / len(group), len(group) - 1)
        for weight, pair in ((4 / 6, first), (2 / 6, second))
        for group in pair
    ]
    variance = sum(term for term, _ in terms)
    reach = stats.t.ppf(0.975, variance**2 / sum(term**2 / df for term, df in terms)) * np.sqrt(variance)
    value = 4 / 6 * (5 - 3) + 2 / 6 * (22 - 52 / 3)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((value, value - reach, value + reach))


def test_strata_cover() -> None:
    """Where shares, seasons and effects differ, about 95 % of both intervals hold the effect on the treated."""
    draw = np.random.default_rng(20261122)
    plan = [(900, 100, 0.06, 0.03), (400, 400, 0.12, 0.10), (300, 40, 0.30, 0.30)]
    truth = sum(n_t * (rate_t - rate_c) for n_t, _, rate_t, rate_c in plan) / sum(n_t for n_t, *_ in plan)
    shares_held = means_held = 0
    for _ in range(1500):
        strata = [
            Shares(int(draw.binomial(n_t, rate_t)), n_t, int(draw.binomial(n_c, rate_c)), n_c)
            for n_t, n_c, rate_t, rate_c in plan
        ]
        estimate = proportion_differences(strata)
        shares_held += estimate.low <= truth <= estimate.high
        bits = [(np.arange(n_t) < x_t, np.arange(n_c) < x_c) for x_t, n_t, x_c, n_c in strata]
        estimate = mean_differences(bits)
        means_held += estimate.low <= truth <= estimate.high
    assert 0.935 <= shares_held / 1500 <= 0.975
    assert 0.92 <= means_held / 1500 <= 0.97


@given(st.lists(st.tuples(groups(), groups()), min_size=1, max_size=4), st.floats(0.5, 0.999))
def test_bounds_of_strata(pairs: list[tuple[tuple[int, int], tuple[int, int]]], confidence: float) -> None:
    """However many strata, the interval holds its estimate and stays within [-1, 1]."""
    estimate = proportion_differences([Shares(*first, *second) for first, second in pairs], confidence)
    assert -1 <= estimate.low <= estimate.value + 1e-12
    assert estimate.value - 1e-12 <= estimate.high <= 1


def test_sample_ratios_are_taken_together() -> None:
    """The chi-squares of the strata add up; one that fits does not hide one that does not."""
    fits, missing = (900, 100, 0.1), (600, 320, 0.5)
    statistic = 140**2 * 2 / 460
    assert sample_ratios([fits, missing]) == pytest.approx(stats.chi2.sf(statistic, 2))
    assert sample_ratios([fits, missing]) < 1e-15 < sample_ratio(*fits)
    assert sample_ratios([missing]) == sample_ratio(*missing)
    assert sample_ratios([]) == 1.0
    assert sample_ratios([(0, 0, 0.5), fits]) == 1.0


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (people([1], [1]).drop(columns="value"), "lift needs a column 'value'"),
        (people([1], [1]).assign(arm="tretaed"), "'tretaed' is not an arm"),
        (people([1], [1]).assign(value=[1.0, float("nan")]), "column 'value' has empty cells"),
    ],
)
def test_lift_refuses(frame: pd.DataFrame, message: str) -> None:
    """A frame that is not one row a person is refused with the column or the word that is wrong."""
    with pytest.raises(TidingsError, match=message):
        lift(frame)


@pytest.mark.parametrize(
    "call",
    [
        lambda: proportion_difference(1, 0, 1, 2, 0.95),
        lambda: proportion_difference(3, 2, 1, 2, 0.95),
        lambda: proportion_difference(1, 2, 1, 2, 1.0),
        lambda: proportion_differences([]),
        lambda: mean_difference([1], [1, 2], 0.95),
        lambda: mean_differences([]),
        lambda: mean_difference([1, 2], [1, 2], 0),
        lambda: sample_ratio(1, 1, 1.0),
        lambda: sample_ratio(-1, 1, 0.5),
        lambda: smallest_detectable(0, 1, 0.5),
        lambda: smallest_detectable(1, 1, 1.0),
    ],
)
def test_impossible_numbers(call: object) -> None:
    """Numbers that no campaign can have are refused, not computed with."""
    assert callable(call)
    with pytest.raises(ValueError, match=r"between|in \[0|at least|share|negative"):
        call()


def test_scale_keeps_none() -> None:
    """No estimate times anything is no estimate."""
    assert scale(None, 3) is None
    assert scale(Estimate(value=1, low=0, high=2), 3) == Estimate(value=3, low=0, high=6)


def test_the_page_shows_what_happens(root: Path) -> None:
    """The example in docs/measurement.md prints what the page says."""
    result = doctest.testfile(str(root / "docs" / "measurement.md"), module_relative=False)
    assert result.attempted > 8
    assert result.failed == 0
