"""profit: who earns and who costs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidings.cli.options import Json, Root, load
from tidings.model.money import exponent

if TYPE_CHECKING:
    from tidings.model.costing import PoolLine, ProfitShape, Whale

commands = typer.Typer()

Activity = tuple[str, str, int, str, str, str]
"""Name, driver, volume, rate, what was assigned, what was not."""

REASONS = {
    "business": "sustain the business",
    "product": "sustain products",
    "no_driver": "name no driver that there is",
    "no_events": "had no event to be spread by",
    "other_customers": "of customers who are in no table",
}


@commands.command()
def profit(
    picture: Annotated[
        Path | None, typer.Option(help="Where the whale curve is drawn, *.png or *.svg.", show_default=False)
    ] = None,
    json: Json = False,
    root: Root = None,
) -> None:
    """Show what customers earn and cost.

    Margins less the costs of activities, by the last refresh; what no customer caused is shown and not spread.
    """
    from tidings.cli import printing
    from tidings.verbs.profit import profit as run_profit

    project = load(root)
    with printing.working("adding up"):
        found = run_profit(project, picture=picture)
    printing.show(found, lambda shape: profit_view(shape, project.settings.base_currency, picture), json)


def profit_view(shape: ProfitShape, currency: str, picture: Path | None) -> None:
    """What the activities cost, what is left with nobody, and how profit lies among customers."""
    from tidings.cli.printing import columns, heading, next_step, numbers, say

    if shape.since is None:
        heading("profit", f"as of {shape.as_of:%Y-%m-%d %H:%M} UTC")
        say("no month has ended within profit.within")
        next_step("allow more in profit.within, and refresh")
        return
    heading("profit", f"from {shape.since} until {shape.until}, in {currency}")
    rows = [
        [name, driver, f"{volume:,}", *figures]
        for name, driver, volume, *figures in _by_activity(shape.pools, currency)
    ]
    if rows:
        columns(["activity", "driver", "volume", "rate", "assigned", "left"], rows, right=frozenset(range(2, 6)))
        say("")
    told = [("revenue of order lines", shape.revenue), ("margin of customers", shape.margin)]
    if shape.lines_without_cost:
        words = f"not in it: {shape.lines_without_cost:,} lines without a unit cost"
        told.append((words, shape.revenue_without_cost))
    strong = set[int]()
    if shape.profit is not None and shape.result is not None:
        told += [("costs assigned to customers", -shape.assigned), ("profit of customers", shape.profit)]
        strong.add(len(told) - 1)
        told += [(f"costs that {words}", -left) for words, left in _left(shape.pools)]
        told += [("margin of customers who are in no table", shape.margin_of_others)] * bool(shape.margin_of_others)
        told.append(("what is left", shape.result))
        strong.add(len(told) - 1)
    numbers([(words, _money(figure, currency)) for words, figure in told], strong=frozenset(strong))
    if shape.whale:
        _whale(shape.whale, currency)
    if shape.profit is None:
        next_step("write the table activity_costs, and refresh: docs/profit.md")
    else:
        next_step(f"open {picture}" if picture else "tidings profit --picture whale.png")


def _whale(whale: Whale, currency: str) -> None:
    from tidings.cli.printing import columns, say

    say("")
    rows, peak = [], whale.peak
    for number, each in enumerate(whale.deciles, 1):
        share = f"{each.cumulative / peak:.0%}" if peak else "-"
        figures = [_money(each.profit, currency), _money(each.cumulative, currency), share]
        rows.append([str(number), f"{each.customers:,}", *figures])
    headers = ["tenth", "customers", "profit", "added up", "of peak"]
    columns(headers, rows, right=frozenset(range(5)))
    say(f"{whale.losing:,} of {whale.customers:,} customers cost more than they earn;")
    say(f"without them profit would be {_money(peak, currency)}")


def _by_activity(pools: Iterable[PoolLine], currency: str) -> list[Activity]:
    """The pools of all periods, added up by activity, driver and level."""
    found: dict[tuple[str, str, str], list[int]] = {}
    for pool in pools:
        sums = found.setdefault((pool.activity, pool.driver or "-", pool.cost_level), [0, 0, 0, 0])
        spread = pool.amount if pool.volume else 0
        for place, figure in enumerate((pool.volume, spread, pool.assigned, pool.unassigned)):
            sums[place] += figure
    return [
        (
            activity,
            driver,
            volume,
            f"{amount / volume / 10 ** exponent(currency):,.4g}" if volume else "-",
            _money(assigned, currency),
            _money(left, currency),
        )
        for (activity, driver, _), (volume, amount, assigned, left) in sorted(found.items())
    ]


def _left(pools: Iterable[PoolLine]) -> list[tuple[str, int]]:
    found: dict[str, int] = {}
    for pool in pools:
        if pool.reason:
            found[pool.reason] = found.get(pool.reason, 0) + pool.unassigned
    return [(REASONS[reason], left) for reason, left in found.items()]


def _money(minor: int, currency: str) -> str:
    digits = exponent(currency)
    return f"{minor / 10**digits:,.{digits}f}"
