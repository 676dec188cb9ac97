"""demo, airflow: the whole product on a demo shop."""

from __future__ import annotations

from typing import Annotated

import typer

from tidings.cli.options import Root, workspace

commands = typer.Typer()


@commands.command()
def demo(
    effect: Annotated[float, typer.Option(help="The true effect of the newsletter on who buys, as a share.")] = 0.08,
    seed: Annotated[int, typer.Option(help="Another seed, another shop.")] = 1,
    root: Root = None,
) -> None:
    """Run everything for 21 days on a demo shop.

    Real mail on loopback, simulated customers, and a report that can be held against the true effect.
    """
    from tidings.cli import printing
    from tidings.demo.run import run_demo

    run_demo(workspace(root), effect=effect, seed=seed, echo=printing.say)


@commands.command()
def airflow(root: Root = None) -> None:
    """Start Airflow on loopback, on this workspace."""
    from tidings.demo.standalone import run_airflow

    run_airflow(workspace(root))
