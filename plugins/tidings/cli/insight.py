"""value: what customers are worth, from a file of purchases."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidings.cli.options import Json

if TYPE_CHECKING:
    from tidings.model.value import ValueShape

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
    from tidings.insight.purchases import Columns
    from tidings.verbs.value import value as run_value

    out = scores or Path(f"{file.name.split('.')[0]}.scores.csv")
    found = run_value(file, Columns(customer, date, amount), until.date(), out, unit.value)
    printing.show(found, value_view, json)


def value_view(found: ValueShape) -> None:
    """The models' figures in words, and how the forecast did."""
    from tidings.cli.printing import heading, next_step, numbers, say

    heading(found.file, f"until {found.until}")
    rows = [
        ("customers", f"{found.customers:,}"),
        ("of them came back", f"{found.came_back:,}"),
        ("days with a purchase", f"{found.purchases:,}"),
    ]
    rows += [(f"rows left out: {reason}", f"{count:,}") for reason, count in found.left_out.items()]
    if found.active is not None:
        rows.append(("expected to be active still", f"{found.active:,.0f}"))
    rows += [
        ("orders expected in 12 months", f"{found.predicted_orders_12m:,.0f}"),
        ("their value", f"{found.predicted_value_12m:,.2f}"),
    ]
    numbers(rows)
    if found.note:
        say(found.note)
    if found.params:
        r, alpha, a, b = (f"{each:.4g}" for each in found.params.model_dump().values())
        say(f"BG/NBD r {r}, alpha {alpha} {found.unit}, a {a}, b {b}; log-likelihood {found.log_likelihood:,.1f}")
    if found.gamma_gamma:
        p, q, v = (f"{getattr(found.gamma_gamma, name):.4g}" for name in "pqv")
        say(f"Gamma-Gamma p {p}, q {q}, v {v}; number and size of orders correlate by {found.spend_correlation:.2f}")
    if found.holdout:
        told = found.holdout
        agreed = f", correlation {told.correlation:.2f}" if told.correlation is not None else ""
        say(f"{told.days} days after: {told.bought:,} purchases, {told.expected:,.0f} were expected{agreed}")
    next_step(f"open {found.scores}")
