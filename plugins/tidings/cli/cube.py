"""cube: people and money by features and months."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidings.cli.options import Json, Root, load
from tidings.model.money import exponent

if TYPE_CHECKING:
    from tidings.model.cube import CubeCell, CubeShape

commands = typer.Typer()


@commands.command()
def cube(
    by: Annotated[
        str,
        typer.Option(help="Features that are text or true or false, and month, quarter or year, with commas between."),
    ] = "level",
    measure: Annotated[
        str, typer.Option(help="people, orders, spend, margin, profit, predicted_value_12m, with commas between.")
    ] = "people",
    picture: Annotated[
        Path | None, typer.Option(help="Where two dimensions are drawn, *.png or *.svg.", show_default=False)
    ] = None,
    json: Json = False,
    root: Root = None,
) -> None:
    """Add people and money up by features and months.

    By the last refresh; what is not known is a cell of its own.
    """
    from tidings.cli import printing
    from tidings.verbs.cube import cube as run_cube

    project = load(root)
    with printing.working("adding up"):
        found = run_cube(project, _listed(by), _listed(measure), picture=picture)
    printing.show(found, lambda shape: cube_view(shape, project.settings.base_currency, picture), json)


def cube_view(shape: CubeShape, currency: str, picture: Path | None = None) -> None:
    """A line a cell, and the total."""
    from tidings.cli.printing import columns, heading, next_step, say

    what = f"{', '.join(shape.measures)} by {', '.join(shape.by)}"
    heading(what, f"as of {shape.as_of:%Y-%m-%d}, in {currency}")
    lines = [
        [*("unknown" if each is None else each for each in cell.values), *_figures(cell, currency)]
        for cell in shape.cells
    ]
    total = ["all", *[""] * (len(shape.by) - 1), *_figures(shape.total, currency)]
    headers = [*shape.by, *shape.measures]
    columns(headers, [*lines, total], right=frozenset(range(len(shape.by), len(headers))))
    if any(cell.unknown for cell in shape.cells):
        say("? leaves out what is not known; - is not known at all")
    next_step(f"open {picture}" if picture else "tidings segments")


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",")]


def _figures(cell: CubeCell, currency: str) -> list[str]:
    shown = []
    for name, figure in cell.measures.items():
        digits = 0 if name in ("people", "orders") else exponent(currency)
        words = "-" if figure is None else f"{figure / 10**digits:,.{digits}f}"
        shown.append(f"{words} ?" if name in cell.unknown and figure is not None else words)
    return shown
