"""value: what customers are worth, from a file of purchases."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tidings.cli.options import Json

commands = typer.Typer()


class Unit(StrEnum):
    """A unit of time."""

    days = "days"
    weeks = "weeks"


@commands.command()
def value(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or Parquet, a row a purchase.")],
    customer: Annotated[str, typer.Option(help="The column that says who bought.")],
    date: Annotated[str, typer.Option(help="The column that says when.")],
    amount: Annotated[str, typer.Option(help="The column that says for how much.")],
    until: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day to learn from; later ones judge the forecast.")
    ],
    unit: Annotated[Unit, typer.Option(help="The unit of time of the parameters.")] = Unit.weeks,
    scores: Annotated[
        Path | None,
        typer.Option(help="Where a row a customer is written, *.csv or *.parquet.", show_default="FILE.scores.csv"),
    ] = None,
    json: Json = False,
) -> None:
    """Say what the customers of a file will buy and spend.

    BG/NBD and Gamma-Gamma by maximum likelihood; no workspace, no warehouse.
    """
    from tidings.cli import printing
    from tidings.cli.value_views import value_view
    from tidings.insight.purchases import Columns
    from tidings.verbs.value import value as run_value

    out = scores or Path(f"{file.name.split('.')[0]}.scores.csv")
    found = run_value(file, Columns(customer, date, amount), until.date(), out, unit.value)
    printing.show(found, value_view, json)
