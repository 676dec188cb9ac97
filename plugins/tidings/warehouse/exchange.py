"""Orders in other currencies, in whole minor units of the base currency; everything exact, nothing in floats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidings.model.money import exponent

if TYPE_CHECKING:
    import ibis.expr.types as ir

RATE = "decimal(20, 12)"
"""Units of the base currency for one unit of the other."""

MAJOR = "decimal(18, 4)"


def exchanged(orders: ir.Table, fx: ir.Table, currency: str, largest: int) -> ir.Table:
    """The orders, whose `major` is the total as the source has it; those with a rate in `currency`, the others as they
    were. Then `fx_rate` is what an order was converted by, NULL for the others: its lines keep their own currency.

    `fx` has sound rows. The rate is the last one on or before the order's day in UTC; of several on one day the
    highest. Half a minor unit goes to the even one. A total of `largest` major units or more becomes NULL.
    """
    import ibis

    code = orders.currency.strip().upper()
    orders = orders.mutate(code=code, day=ibis.ifelse(code == currency, ibis.null("date"), orders.ordered_at.date()))
    rates = _spans(fx)
    joined = orders.left_join(
        rates,
        [
            orders.code == rates.fx_code,
            orders.day >= rates.fx_from,
            rates.fx_until.isnull() | (orders.day < rates.fx_until),
        ],
    )
    amount = joined.major.cast(MAJOR) * joined.fx_rate
    sound = ibis.ifelse(amount.abs() < largest, amount, ibis.null(amount.type()))
    known = joined.fx_rate.notnull()
    return joined.mutate(
        total=ibis.ifelse(known, _half_even(sound * 10 ** exponent(currency)), joined.total),
        currency=ibis.ifelse(known, currency, joined.currency),
    ).drop("code", "day", "major", "fx_code", "fx_from", "fx_until")


def _spans(fx: ir.Table) -> ir.Table:
    """Each rate with the days it holds for, up to the next one of its currency."""
    import ibis

    fx = fx.mutate(code=fx.currency.strip().upper())
    rates = fx.group_by(["code", "date"]).aggregate(rate=fx.rate.max())
    until = rates.date.lead().over(ibis.window(group_by=rates.code, order_by=rates.date))
    return rates.select(fx_code=rates.code, fx_from=rates.date, fx_until=until, fx_rate=rates.rate)


def _half_even(value: ir.DecimalValue) -> ir.IntegerValue:
    """The nearest whole number, of two the even one: engines differ in what their own rounding does."""
    import ibis

    below = value.floor().cast("int64")
    rest = value - below.cast("decimal(20, 0)")
    half = ibis.literal("0.5").cast("decimal(2, 1)")
    up = (rest > half) | ((rest == half) & (below % 2 != 0))
    return ibis.ifelse(up, below + 1, below)
