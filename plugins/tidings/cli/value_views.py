"""How the models of customers' value look in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidings.cli.printing import heading, next_step, numbers, say
from tidings.model.money import exponent

if TYPE_CHECKING:
    from tidings.model.value import ValueFit, ValueShape


def value_view(found: ValueShape) -> None:
    """The models' figures in words, and how the forecast did."""
    heading(found.file, f"until {found.until}")
    rows = [
        ("customers", f"{found.customers:,}"),
        ("of them came back", f"{found.came_back:,}"),
        ("days with a purchase", f"{found.purchases:,}"),
    ]
    rows += [(f"rows left out: {reason}", f"{count:,}") for reason, count in found.left_out.items()]
    numbers([*rows, *expectations(found, f"{found.predicted_value_12m:,.2f}")])
    models(found)
    if found.holdout:
        told = found.holdout
        agreed = f", correlation {told.correlation:.2f}" if told.correlation is not None else ""
        say(f"{told.days} days after: {told.bought:,} purchases, {told.expected:,.0f} were expected{agreed}")
    next_step(f"open {found.scores}")


def fit_rows(fit: ValueFit, currency: str) -> list[tuple[str, str]]:
    """What a refresh expects of all customers."""
    digits = exponent(currency)
    money = f"{fit.predicted_value_12m / 10**digits:,.{digits}f} {currency}"
    rows = [("customers who ordered", f"{fit.customers:,}"), *expectations(fit, money)]
    if fit.subscribers:
        theirs = f"{fit.subscribers.predicted_value_12m / 10**digits:,.{digits}f} {currency}"
        rows += [("subscribers", f"{fit.subscribers.subscribers:,}"), ("their value in 12 months", theirs)]
    return rows


def fit_models(fit: ValueFit) -> None:
    """The models of a refresh, those of subscribers last."""
    models(fit)
    if fit.subscribers and fit.subscribers.note:
        say(f"{fit.subscribers.note}; {fit.subscribers.leaving:.1%} leave in a month")
    if fit.subscribers and fit.subscribers.params:
        say(f"sBG alpha {fit.subscribers.params.alpha:.4g}, beta {fit.subscribers.params.beta:.4g}, by months")


def expectations(found: ValueShape | ValueFit, money: str) -> list[tuple[str, str]]:
    """Who is expected to be active, and what they will buy, for how much `money`."""
    active = [] if found.active is None else [("expected to be active still", f"{found.active:,.0f}")]
    return [*active, ("orders expected in 12 months", f"{found.predicted_orders_12m:,.0f}"), ("their value", money)]


def models(found: ValueShape | ValueFit) -> None:
    """The fallback and its reason, and the parameters of each model."""
    if found.note:
        say(found.note)
    if found.params:
        r, alpha, a, b = (f"{each:.4g}" for each in found.params.model_dump().values())
        say(f"BG/NBD r {r}, alpha {alpha} {found.unit}, a {a}, b {b}")
        say(f"log-likelihood {found.log_likelihood:,.1f}")
    if found.undetermined:
        say(f"the data leave open: {', '.join(found.undetermined)}")
    if found.gamma_gamma:
        p, q, v = (f"{getattr(found.gamma_gamma, name):.4g}" for name in "pqv")
        say(f"Gamma-Gamma p {p}, q {q}, v {v}")
    if found.spend_correlation is not None:
        say(f"number and size of orders correlate by {found.spend_correlation:.2f}")
