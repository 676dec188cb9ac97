"""portfolio: customers by what they are worth and where they stand, and who looks after them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidings.cli.options import Json, Root, load
from tidings.model.money import exponent

if TYPE_CHECKING:
    from tidings.model.portfolio import CellLine, PortfolioShape, Sums

commands = typer.Typer()


@commands.command()
def portfolio(
    picture: Annotated[
        Path | None, typer.Option(help="Where bands × states are drawn, *.png or *.svg.", show_default=False)
    ] = None,
    json: Json = False,
    root: Root = None,
) -> None:
    """Show the cells of the customer portfolio.

    People, what they are worth, what was spent on them, and the cells that no campaign serves.
    """
    from tidings.cli import printing
    from tidings.verbs.portfolio import portfolio as run_portfolio

    project = load(root)
    with printing.working("counting"):
        found = run_portfolio(project, picture=picture)
    printing.show(found, lambda shape: portfolio_view(shape, project.settings.base_currency, picture), json)


def portfolio_view(shape: PortfolioShape, currency: str, picture: Path | None = None) -> None:
    """A line a cell with its aim and budget below, the rest, the total, and what is not served."""
    from tidings.cli.printing import columns, heading, next_step, say

    value = shape.value.replace("_", " ")
    heading(
        f"{shape.total.persons:,} persons", f"by {value} and {shape.by}, as of {shape.as_of:%Y-%m-%d}, in {currency}"
    )
    rows = [_line(_cell(line, currency), line, currency) for line in shape.cells]
    if shape.rest.persons:
        rows.append(_line("in no cell", shape.rest, currency))
    rows.append(_line("all", shape.total, currency))
    headers = ["cell", "persons", value, "profit", "expected", "spend"]
    if shape.value != "total_spend":
        headers[2] = "value"
    columns(headers, rows, right=frozenset(range(1, len(headers))))
    for line in shape.cells:
        if line.campaigns:
            say(f"{line.cell}: {', '.join(f'{each.campaign} {each.persons:,}' for each in line.campaigns)}")
    for name in shape.unserved:
        [line] = [each for each in shape.cells if each.cell == name]
        say(f"{name}: no live campaign with the aim {line.aim} reaches anybody in it")
    if shape.unasked:
        say(f"edited after this refresh, and not looked at: {', '.join(shape.unasked)}")
    after = "tidings refresh" if shape.unasked else "tidings portfolio --picture portfolio.png"
    next_step(f"open {picture}" if picture else after)


def _cell(line: CellLine, currency: str) -> str:
    budget = "" if line.budget is None else f", budget {_money(line.budget, currency)}"
    return f"{line.cell}\n  {line.aim}{budget}"


def _line(words: str, sums: Sums, currency: str) -> list[str]:
    figures = (sums.value, sums.profit, sums.expected, sums.spend)
    return [words, f"{sums.persons:,}", *(_money(figure, currency) for figure in figures)]


def _money(minor: int | None, currency: str) -> str:
    return "-" if minor is None else f"{minor / 10 ** exponent(currency):,.0f}"
