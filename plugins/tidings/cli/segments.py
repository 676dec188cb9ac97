"""segments, segment: who is in what, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tidings.cli.options import At, Json, Root, load

commands = typer.Typer()


@commands.command()
def segments(
    overlap: Annotated[bool, typer.Option("--overlap", help="Show which segments share their people.")] = False,
    picture: Annotated[
        Path | None, typer.Option(help="Where the overlaps are drawn, *.png or *.svg.", show_default=False)
    ] = None,
    at: At = None,
    json: Json = False,
    root: Root = None,
) -> None:
    """Show every segment, who came and who went.

    By the last refresh: size, change since the one before, and how many could not be known.
    """
    from tidings.cli import printing
    from tidings.cli.segment_views import segments_view
    from tidings.verbs.segments import segments as run_segments

    project = load(root)
    with printing.working("counting"):
        found = run_segments(project, project.now(at), overlap=overlap, picture=picture)
    printing.show(found, segments_view, json)


@commands.command()
def segment(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The segment's name.", show_default=False)],
    explain: Annotated[str, typer.Option(help="A customer_id.", show_default=False)],
    json: Json = False,
    root: Root = None,
) -> None:
    """Show why a customer is in a segment, or not.

    Each condition with its answer at the last refresh, and the values of the customer that it looks at.
    """
    from tidings.cli import printing
    from tidings.cli.segment_views import explain_view
    from tidings.verbs.segment import segment as run_segment

    project = load(root)
    with printing.working(f"asking about {explain}"):
        told = run_segment(project, name, explain)
    title, currency = project.segments[name].title, project.settings.base_currency
    printing.show(told, lambda shape: explain_view(shape, title, currency), json)
