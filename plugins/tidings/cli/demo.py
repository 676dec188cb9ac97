"""demo, airflow: the whole product on a demo shop."""

from __future__ import annotations

from typing import Annotated

import typer

from tidings.cli.options import Root, workspace

commands = typer.Typer()


@commands.command()
def demo(
    effect: Annotated[
        float, typer.Option(help="The true effect of the newsletter on who buys: a share, from 0 to below 1.")
    ] = 0.08,
    seed: Annotated[int, typer.Option(help="Draws who is held out and what customers do; the shop is the same.")] = 1,
    bootstrap: Annotated[int, typer.Option(help="How many customers each household of the source becomes.")] = 2,
    root: Root = None,
) -> None:
    """Run everything for 21 days on a demo shop.

    Real mail on loopback, simulated customers, and a report that can be held against the true effect.
    """
    from tidings.cli import printing
    from tidings.demo.run import run_demo
    from tidings.demo.stage import Show

    run_demo(workspace(root), Show(effect=effect, seed=seed, bootstrap=bootstrap), printing.say)


@commands.command()
def airflow(
    port: Annotated[int, typer.Option(help="Where Airflow's pages are; 0 takes a free one.", min=0, max=65535)] = 8080,
    demo: Annotated[bool, typer.Option("--demo", help="Build the demo shop first, where there is none.")] = False,
    root: Root = None,
) -> None:
    """Start Airflow on loopback, on this workspace.

    It runs until Ctrl-C, on the machine's clock. A demo that was played here is moved to today.
    """
    from tidings.cli import printing
    from tidings.demo.standalone import run_airflow

    run_airflow(workspace(root), printing.say, port=port, demo=demo)
