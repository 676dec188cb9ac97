"""BG/NBD, Gamma-Gamma and sBG against what was published, against simulation and against their own formulas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import approx_fprime
from scipy.special import betaln, gammaln, hyp2f1

from tests.insight.drawn import SHOPS, histories, log_likelihood
from tidings.insight import bg_nbd
from tidings.insight.bg_nbd import BgNbd, fit_bg_nbd
from tidings.insight.gamma_gamma import GammaGamma, fit_gamma_gamma
from tidings.insight.sbg import ShiftedBetaGeometric, fit_sbg

PUBLISHED = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426, unit=7)
SURVIVORS = {
    (0.668, 3.806): (0.869, 0.743, 0.653, 0.593, 0.551, 0.517, 0.491),
    (0.704, 1.182): (0.631, 0.468, 0.382, 0.326, 0.289, 0.262, 0.241),
}


def one(*values: float) -> list[NDArray[np.int64]]:
    """Arrays of one customer."""
    return [np.array([value]) for value in values]


def test_the_published_forecast_of_one_customer() -> None:
    """Fader, Hardie & Lee (2005): two repeats, the last after 30.43 of 38.86 weeks, buy 1.226 times in 39 weeks."""
    history = one(2, 30.43 * 7, 38.86 * 7)
    assert PUBLISHED.expected_orders(39 * 7, *history)[0] == pytest.approx(1.226, abs=5e-4)


def test_the_forecast_is_the_papers_formula() -> None:
    """Equation (10) as printed, where its hypergeometric function neither overflows nor vanishes."""
    x, t_x, age, days = np.array([0, 1, 2, 9]), np.array([0, 40, 200, 250]), np.array([272, 272, 260, 272]), 90.0
    model = PUBLISHED
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    since, ahead = age / 7, days / 7
    series = hyp2f1(r + x, b + x, a + b + x - 1, ahead / (alpha + since + ahead))
    above = (a + b + x - 1) / (a - 1) * (1 - ((alpha + since) / (alpha + since + ahead)) ** (r + x) * series)
    gone = a / (b + np.maximum(x, 1) - 1) * ((alpha + since) / (alpha + t_x / 7)) ** (r + x)
    wanted = above / (1 + np.where(x > 0, gone, 0))
    np.testing.assert_allclose(model.expected_orders(days, x, t_x, age), wanted, rtol=1e-9)


def test_who_bought_once_is_alive_and_who_stopped_is_not() -> None:
    """P(alive) is 1 without repeats, falls with silence, and is a number for histories that overflow powers."""
    assert PUBLISHED.p_alive(*one(0, 0, 500))[0] == 1
    fresh, silent = (PUBLISHED.p_alive(*one(5, last, 300))[0] for last in (299, 60))
    assert fresh > 0.8 > 0.1 > silent > 0
    busy = one(4_000, 10, 3_000)
    assert PUBLISHED.p_alive(*busy)[0] < 1e-100
    assert PUBLISHED.expected_orders(365, *busy)[0] < 1e-100


@pytest.mark.parametrize("a", [1.0, 1.0 + 1e-9, 0.999999])
def test_a_of_one_is_a_limit_and_no_hole(a: float) -> None:
    """The formula divides by a - 1."""
    near = BgNbd(0.5, 30, a, 2.0).expected_orders(365, *one(3, 100, 200))[0]
    beside = BgNbd(0.5, 30, 1.01, 2.0).expected_orders(365, *one(3, 100, 200))[0]
    assert near == pytest.approx(beside, rel=0.02)


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 300), st.integers(0, 100)), min_size=1, max_size=30),
    st.tuples(*[st.floats(0.05, 20)] * 4),
)
def test_likelihood_and_gradient(rows: list[tuple[int, int, int]], parameters: tuple[float, ...]) -> None:
    """The likelihood by sums over distinct values is the paper's, customer by customer; its gradient is the slope."""
    x = np.array([row[0] for row in rows])
    t_x = np.array([row[1] if row[0] else 0 for row in rows])
    age = t_x + np.array([row[2] for row in rows])
    (some_x, some_t_x, some_age), counts = bg_nbd._different(x, t_x, age)
    likelihood = bg_nbd._Likelihood(some_x, some_t_x, some_age, counts, 1)
    values = np.array(parameters)
    total, gradient = likelihood(values)
    assert total == pytest.approx(log_likelihood(BgNbd(*parameters), x, t_x, age), rel=1e-9, abs=1e-9)
    slope = approx_fprime(values, lambda each: likelihood(each)[0], 1e-7)
    np.testing.assert_allclose(gradient, slope, rtol=1e-3, atol=1e-3 * max(1, abs(total)))


def test_the_fit_finds_what_the_customers_were_drawn_from() -> None:
    """More different histories than SAMPLE: the search starts at the optimum of some, and ends at that of all."""
    drawn = SHOPS["ten orders"]
    history = histories(drawn, 60_000)
    model, found = fit_bg_nbd(*history)
    assert found.settled
    assert not any(found.undetermined)
    # Days are whole and purchases of one day are one, so rates come out a little lower than they were drawn.
    assert model.r / model.alpha == pytest.approx(drawn.r / drawn.alpha, rel=0.1)
    assert model.a / (model.a + model.b) == pytest.approx(drawn.a / (drawn.a + drawn.b), rel=0.1)
    total = log_likelihood(model, *history)
    assert found.log_likelihood == pytest.approx(total, rel=1e-10)
    for name in ("r", "alpha", "a", "b"):
        for factor in (0.99, 1.01):
            beside = replace(model, **{name: getattr(model, name) * factor})
            assert log_likelihood(beside, *history) < total


def test_the_unit_of_time_is_only_a_unit() -> None:
    """Weeks or days: alpha scales, and nothing that is forecast changes."""
    history = histories(SHOPS["at most one repeat"], 4_000)
    days, weeks = (fit_bg_nbd(*history, unit)[0] for unit in (1, 7))
    assert days.alpha / weeks.alpha == pytest.approx(7, rel=1e-3)
    np.testing.assert_allclose(days.expected_orders(91, *history), weeks.expected_orders(91, *history), rtol=1e-3)
    np.testing.assert_allclose(days.p_alive(*history), weeks.p_alive(*history), rtol=1e-3)


def test_everybody_the_same_still_gives_a_forecast() -> None:
    """Nothing sets customers apart, so some parameters run to the end of their range; the forecast does not."""
    everybody = [np.full(200, value) for value in (4, 80, 100)]
    model, found = fit_bg_nbd(*everybody)
    assert any(found.undetermined)
    expected = model.expected_orders(100, *everybody)
    assert np.isfinite(expected).all()
    assert expected[0] == pytest.approx(4, rel=0.25)


def test_gamma_gamma_finds_what_amounts_were_drawn_from() -> None:
    """And shrinks: who bought once more is nearer to everybody's mean than who bought twenty times."""
    random = np.random.default_rng(3)
    repeats = random.integers(1, 15, 40_000)
    rates = random.gamma(4.0, 1 / 15.0, len(repeats))
    spend = random.gamma(6.0 * repeats, 1 / rates)
    model, found = fit_gamma_gamma(repeats, spend)
    assert found.settled
    assert found.log_likelihood > _gamma_gamma(GammaGamma(6.0, 4.0, 15.0), repeats, spend)
    assert found.log_likelihood == pytest.approx(_gamma_gamma(model, repeats, spend), rel=1e-10)
    assert model.q == pytest.approx(4.0, rel=0.05)
    mean = model.p * model.v / (model.q - 1)
    assert mean == pytest.approx(30, rel=0.03)
    few, many = model.expected_order(np.array([1, 20]), np.array([3.0, 60.0]) * mean)
    assert mean < few < many < 3 * mean
    assert model.expected_order(np.array([0]), np.array([0.0]))[0] == pytest.approx(mean)


def _gamma_gamma(model: GammaGamma, x: NDArray[np.int64], spend: NDArray[np.float64]) -> float:
    """The log-likelihood as the note writes it (1a), customer by customer."""
    p, q, v, mean = model.p, model.q, model.v, spend / x
    gammas = gammaln(p * x + q) - gammaln(p * x) - gammaln(q)
    powers = q * np.log(v) + (p * x - 1) * np.log(mean) + p * x * np.log(x) - (p * x + q) * np.log(v + spend)
    return float((gammas + powers).sum())


def test_money_in_cents_is_the_same_fit() -> None:
    """v scales; the likelihood changes by the density's scale alone."""
    random = np.random.default_rng(5)
    repeats = random.integers(1, 6, 500)
    spend = random.gamma(3.0 * repeats, 10 / random.gamma(3.0, 1.0, 500))
    major, minor = (fit_gamma_gamma(repeats, spend * factor) for factor in (1, 100))
    assert minor[0].v / major[0].v == pytest.approx(100, rel=1e-3)
    assert minor[0].p == pytest.approx(major[0].p, rel=1e-3)
    assert minor[1].log_likelihood == pytest.approx(major[1].log_likelihood - 500 * np.log(100), rel=1e-6)


def test_without_a_mean_nothing_is_made_up() -> None:
    """q ≤ 1: of who never repeated the model knows no mean."""
    expected = GammaGamma(2.0, 0.9, 10.0).expected_order(np.array([0, 2]), np.array([0.0, 30.0]))
    assert np.isinf(expected[0])
    assert expected[1] == pytest.approx(2 * 40 / 3.9)


@pytest.mark.parametrize("published", SURVIVORS)
def test_the_published_retention_curves(published: tuple[float, float]) -> None:
    """Fader & Hardie (2007): 1,000 customers each, seven years."""
    curve = np.array([1.0, *SURVIVORS[published]]) * 1_000
    left, staying = -np.diff(curve), np.zeros(7)
    staying[-1] = curve[-1]
    model, found = fit_sbg(left, staying)
    assert (round(model.alpha, 3), round(model.beta, 3)) == published
    gone = left @ (betaln(model.alpha + 1, model.beta + np.arange(7)) - betaln(model.alpha, model.beta))
    assert found.log_likelihood == pytest.approx(gone + staying[-1] * np.log(model.survival(np.array([7]))[0]))
    np.testing.assert_allclose(model.survival(np.arange(8)), curve / 1_000, atol=0.03)


def test_renewals_grow_with_the_time_stayed() -> None:
    """Who stayed long is loyal: the same share leaves of fewer and fewer."""
    model = ShiftedBetaGeometric(0.7, 1.2)
    new, old = model.expected_renewals(12, np.array([0, 24]))
    assert new < old < 12
    assert new == pytest.approx(sum(model.survival(np.arange(1, 13))))
