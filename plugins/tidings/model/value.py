"""The shapes that `tidings value --json` prints; docs/json.md is generated from here."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from tidings.model.base import Shape


class BgNbdParameters(Shape):
    """BG/NBD: while active a customer buys at a rate from gamma(r, alpha), and leaves by a chance from beta(a, b)."""

    r: float = Field(description="shape of the rates")
    alpha: float = Field(description="scale of the rates, in `unit`: the mean rate is r / alpha")
    a: float = Field(description="of leaving after a purchase; the mean chance is a / (a + b)")
    b: float = Field(description="of staying")


class GammaGammaParameters(Shape):
    """Gamma-Gamma: amounts from gamma(p, ν), with ν of each customer from gamma(q, v)."""

    p: float = Field(description="shape of one customer's amounts")
    q: float = Field(description="shape of the rates of amounts")
    v: float = Field(description="scale of the rates of amounts, in the file's money")
    log_likelihood: float = Field(description="total, of customers with a paid repeat")


class Holdout(Shape):
    """How the forecast did on what the file says of the time after `until`."""

    days: int = Field(description="days from `until` to the last purchase in the file")
    expected: float = Field(description="purchases that were forecast, of the customers known at `until`")
    bought: int = Field(description="purchases that they made")
    correlation: float | None = Field(description="between both, over customers; null where one of them never varies")


class SbgParameters(Shape):
    """Shifted beta-geometric: at the end of each month a subscriber leaves by a chance from beta(alpha, beta)."""

    alpha: float = Field(description="of leaving; the mean chance of the first month is alpha / (alpha + beta)")
    beta: float = Field(description="of staying")


class SubscriberFit(Shape):
    """What a refresh found out about how long subscriptions last."""

    subscribers: int = Field(description="customers with one that has not ended")
    left: int = Field(description="customers whose subscriptions have all ended")
    model: Literal["sbg", "average"] = Field(description="what the months ahead are expected by")
    note: str | None = Field(description="why the model is missing and one rate stands in")
    params: SbgParameters | None = Field(description="null without a model")
    log_likelihood: float | None = Field(description="of sBG, total over all who ever subscribed")
    leaving: float = Field(description="who left, as a share of all months that somebody could have")
    predicted_orders_12m: float = Field(description="of the subscribers, in the next twelve months")
    predicted_value_12m: int = Field(description="of these orders, minor units")


class ValueFit(Shape):
    """What a refresh found out about what its customers will buy: the models, and what they expect of all together."""

    customers: int = Field(description="who ever ordered and has no subscription now")
    came_back: int = Field(description="of them, on another day")
    model: Literal["bg_nbd", "average"] = Field(description="what their orders are expected by")
    note: str | None = Field(description="why a model is missing and averages stand in")
    unit: Literal["weeks"] = Field(description="of time, in the parameters")
    params: BgNbdParameters | None = Field(description="null without a model")
    log_likelihood: float | None = Field(description="of BG/NBD, total over all customers")
    undetermined: list[str] = Field(description="parameters that the data leave open")
    gamma_gamma: GammaGammaParameters | None = Field(description="null without a model; money in major units")
    spend_correlation: float | None = Field(
        description="between number and size of the repeats; Gamma-Gamma takes it to be near zero"
    )
    active: float | None = Field(description="customers expected to be active: the sum of p_alive")
    predicted_orders_12m: float = Field(description="of all customers, in the next 365 days")
    predicted_value_12m: int = Field(description="of these orders, minor units")
    subscribers: SubscriberFit | None = Field(description="null where nobody ever subscribed")


class ValueShape(Shape):
    """`tidings value FILE --json`: the models of the file's customers, and where their scores are."""

    file: str = Field(description="what was read")
    until: date = Field(description="the last day that the models may see")
    unit: Literal["days", "weeks"] = Field(description="of time, in the parameters")
    customers: int = Field(description="with a purchase until then")
    purchases: int = Field(description="days on which a customer bought; those of one day are one")
    came_back: int = Field(description="customers with a repeat")
    left_out: dict[str, int] = Field(description="`customer`, `date`, `amount` (not sound) or `refund` → rows")
    model: Literal["bg_nbd", "average"] = Field(description="what the orders are expected by")
    note: str | None = Field(description="why a model is missing and averages stand in")
    params: BgNbdParameters | None = Field(description="null without a model")
    log_likelihood: float | None = Field(description="of BG/NBD, total over all customers")
    undetermined: list[str] = Field(description="parameters that the data leave open")
    gamma_gamma: GammaGammaParameters | None = Field(description="null without a model; the first day is left out")
    spend_correlation: float | None = Field(
        description="between number and size of the repeats; Gamma-Gamma takes it to be near zero"
    )
    active: float | None = Field(description="customers expected to be active: the sum of p_alive")
    predicted_orders_12m: float = Field(description="of all customers, in the next 365 days")
    predicted_value_12m: float = Field(description="of these orders, in the file's money")
    holdout: Holdout | None = Field(description="null where the file ends with `until`")
    scores: str = Field(description="the file with a row a customer")
