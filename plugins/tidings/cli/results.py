"""measure, report: what came of it."""

from __future__ import annotations

from typing import Annotated

import typer

from tidings.cli.options import At, Json, Root, load

commands = typer.Typer()

Campaign = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The campaign's name.", show_default=False)]


@commands.command()
def measure(campaign: Campaign, at: At = None, json: Json = False, root: Root = None) -> None:
    """Show what a campaign caused, and what it claims."""
    from tidings.cli import printing
    from tidings.cli.measures import measure_view
    from tidings.verbs.measure import measure as run_measure

    project = load(root)
    with printing.working(f"measuring {campaign}"):
        found = run_measure(project, campaign, project.now(at))
    currency = project.settings.base_currency
    printing.show(found, lambda shape: measure_view(shape, currency), json)


@commands.command()
def report(
    campaign: Campaign,
    at: At = None,
    send: Annotated[bool, typer.Option(help="Mail it to the campaign's owner, once an occasion.")] = True,
    json: Json = False,
    root: Root = None,
) -> None:
    """Write a report and mail it to the owner."""
    from tidings.cli import printing, views
    from tidings.verbs.report import report as run_report

    project = load(root)
    with printing.working(f"reporting {campaign}"):
        done = run_report(project, campaign, project.now(at), send=send)
    printing.show(done, views.report_view, json)
