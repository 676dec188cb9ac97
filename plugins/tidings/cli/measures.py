"""How a measurement looks in a terminal: no figure without its interval, claimed beside caused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidings.cli.printing import columns, heading, next_step, numbers, say
from tidings.content.formats import exponent

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
    if found.conversion_lift is None:
        say("caused: not known, for nobody was held out")
    else:
        points = _interval(found.conversion_lift, 100, " points")
        numbers(
            [
                (f"caused, share who buy ({found.confidence:.0%} interval)", points),
                *_caused(found, currency),
                ("claimed, orders after a click", f"{found.claimed_orders:,}"),
                ("claimed, their value", _money(found.claimed_value, currency)),
            ]
        )
    next_step(f"tidings report {found.campaign}")


def _arm(arm: ArmResult, currency: str) -> list[str]:
    share = f"{arm.converted / arm.persons:.2%}" if arm.persons else ""
    figures = [f"{number:,}" for number in (arm.persons, arm.converted)]
    return [arm.arm, *figures, share, f"{arm.orders:,}", _money(arm.value, currency)]


def _caused(found: MeasureShape, currency: str) -> list[tuple[str, str]]:
    lines = []
    if found.caused_orders:
        lines.append(("caused, persons who bought", _interval(found.caused_orders, 1, "")))
    if found.caused_value:
        scale = 10.0 ** -exponent(currency)
        lines.append(("caused, value", _interval(found.caused_value, scale, f" {currency}")))
    return lines


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
