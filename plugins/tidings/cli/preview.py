"""preview: a template as one customer would see it."""

from __future__ import annotations

from typing import Annotated

import typer

from tidings.cli.options import At, Json, Root, load

commands = typer.Typer()


@commands.command()
def preview(
    template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="Such as win_back/miss_you.", show_default=False)],
    customer: Annotated[str, typer.Option("--as", help="A customer_id.", show_default=False)],
    at: At = None,
    json: Json = False,
    root: Root = None,
) -> None:
    """Write a template as one customer would see it.

    An HTML and a text file, in the customer's language, with the customer's products.
    """
    from tidings.cli import printing, views
    from tidings.verbs.preview import preview as run_preview

    project = load(root)
    with printing.working(f"rendering {template}"):
        done = run_preview(project, template, customer, project.now(at))
    printing.show(done, views.preview_view, json)
