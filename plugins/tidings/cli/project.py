"""check, init, plugins: the workspace itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tidings.cli.options import At, Json, Root, workspace

commands = typer.Typer()


@commands.command()
def check(
    at: At = None,
    online: Annotated[bool, typer.Option("--online", help="Ask the providers too about the sender.")] = False,
    json: Json = False,
    root: Root = None,
) -> None:
    """Say every mistake in the workspace.

    Each with file, line and column, what is wrong and how to mend it; all of them at once.
    """
    from tidings.cli import printing, views
    from tidings.verbs.check import check as run_check

    found = run_check(workspace(root), at, online=online)
    printing.show(found, views.check_view, json)
    if not found.ok:
        raise typer.Exit(2)


@commands.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that does not exist yet, or is empty.")],
) -> None:
    """Write a working example into a new folder.

    Campaigns, segments, templates, a company plugin, a Dag file and a small shop to try them on.
    """
    import shlex

    from tidings.cli import printing
    from tidings.clock import wall_clock
    from tidings.demo.small_shop import write_small_shop
    from tidings.verbs.init import init as run_init

    today = wall_clock().date()
    written = run_init(folder, lambda data: write_small_shop(data, end=today))
    printing.say(f"wrote {len(written)} files into {folder}")
    printing.next_step(f"cd {shlex.quote(str(folder))} && tidings check && tidings refresh && tidings plan win_back")


@commands.command()
def plugins(root: Root = None) -> None:
    """Show who implements which hook."""
    from tidings.cli import views
    from tidings.plugins import Plugins

    views.plugins_view(Plugins(workspace(root)))
