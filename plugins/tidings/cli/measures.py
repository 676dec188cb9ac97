"""How a measurement looks in a terminal: no figure without its interval, claimed beside caused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidings.cli.printing import columns, heading, next_step, numbers, say
from tidings.model.money import exponent

if TYPE_CHECKING:
    from tidings.model.counts import ArmResult, Estimate, MeasureShape


def measure_view(found: MeasureShape, currency: str) -> None:
    """The two arms, the lift with its interval, and what the campaign may claim."""
    heading(found.campaign, f"as of {found.as_of:%Y-%m-%d %H:%M} UTC")
    if not found.matured:
        say("nobody's goal window has closed yet, so nothing can be measured")
        next_step(f"measure again {found.window_days:g} days after the first message")
        return
    say(f"{found.matured:,} persons whose {found.window_days:g} days since their first message are over")
    rows = [_arm(arm, currency) for arm in found.arms]
    columns(["arm", "persons", "bought", "share", "orders", "value"], rows, right=frozenset(range(1, 6)))
    if found.strata > 1:
        say(f"compared within each of {found.strata} draws, whose shares or epochs differ")
    if found.conversion_lift is None:
        say("caused: not known, for nobody was held out")
    claimed = [
        ("claimed, orders after a click", f"{found.claimed_orders:,}"),
        ("claimed, their value", _money(found.claimed_value, currency)),
    ]
    numbers([*_caused(found, currency), *claimed])
    next_step(f"tidings report {found.campaign}")


def _arm(arm: ArmResult, currency: str) -> list[str]:
    share = f"{arm.converted / arm.persons:.2%}" if arm.persons else ""
    figures = [f"{number:,}" for number in (arm.persons, arm.converted)]
    return [arm.arm, *figures, share, f"{arm.orders:,}", _money(arm.value, currency)]


def _caused(found: MeasureShape, currency: str) -> list[tuple[str, str]]:
    scale = 10.0 ** -exponent(currency)
    lines = (
        (f"caused, share who buy ({found.confidence:.0%} interval)", found.conversion_lift, 100.0, " points"),
        ("caused, persons who bought", found.caused_buyers, 1.0, ""),
        ("caused, orders", found.caused_orders, 1.0, ""),
        ("caused, value", found.caused_value, scale, f" {currency}"),
    )
    return [(words, _interval(estimate, unit, name)) for words, estimate, unit, name in lines if estimate is not None]


def _interval(estimate: Estimate, scale: float, unit: str) -> str:
    value, low, high = (_figure(each * scale) for each in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low} to {high}]{unit}"


def _figure(value: float) -> str:
    """Three significant digits with a sign."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:+,.{digits}f}"


def _money(minor: int, currency: str) -> str:
    digits = exponent(currency)
    return f"{minor / 10**digits:,.{digits}f} {currency}"
