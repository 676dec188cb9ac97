"""ledger: what it holds, whether it is sound, a copy of it, and its way back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tidings.cli.options import At, Json, Root, load

commands = typer.Typer()
family = typer.Typer(invoke_without_command=True)
commands.add_typer(family, name="ledger")

BROKEN = 1


@family.callback()
def ledger(context: typer.Context, json: Json = False, root: Root = None) -> None:
    """Show the messages by state.

    By campaign, with what is in doubt and since when, what waits, and what stands still.
    """
    from tidings.cli import ledger_views, printing
    from tidings.verbs.ledger import ledger as run_ledger

    if context.invoked_subcommand is None:
        printing.show(run_ledger(load(root)), ledger_views.ledger_view, json)


@commands.command()
def housekeeping(at: At = None, json: Json = False, root: Root = None) -> None:
    """Move what is over out of the ledger.

    As `retention` in the settings says: messages to Parquet files; old snapshots and journal files are removed.
    """
    from tidings.cli import ledger_views, printing
    from tidings.verbs.housekeeping import housekeeping as run_housekeeping

    project = load(root)
    with printing.working("housekeeping"):
        done = run_housekeeping(project, project.now(at))
    printing.show(done, ledger_views.housekeeping_view, json)


@family.command()
def verify(json: Json = False, root: Root = None) -> None:
    """Recompute what must hold.

    Changes nothing. Exit code 1 where something does not hold; numbers and ids are printed, never an address.
    """
    from tidings.cli import ledger_views, printing
    from tidings.verbs.verify import verify as run_verify

    project = load(root)
    with printing.working("verifying"):
        found = run_verify(project)
    printing.show(found, ledger_views.verify_view, json)
    if not found.ok:
        raise typer.Exit(BROKEN)


@family.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that does not exist yet.", show_default=False)],
    json: Json = False,
    root: Root = None,
) -> None:
    """Copy a SQLite ledger while it is in use.

    For PostgreSQL it says the command that makes the copy.
    """
    from tidings.cli import ledger_views, printing
    from tidings.verbs.backup import backup as run_backup

    printing.show(run_backup(load(root), file), ledger_views.backup_view, json)


@family.command()
def recover(
    new_journal: Annotated[
        bool,
        typer.Option("--new-journal", help="The journal is lost: begin another. What left unseen may leave again."),
    ] = False,
    at: At = None,
    json: Json = False,
    root: Root = None,
) -> None:
    """Tell a ledger that was put back what has left since.

    Reads the journal and sends nothing. Messages that left are in doubt afterwards, unsubscribes hold.
    """
    from tidings.cli import ledger_views, printing
    from tidings.verbs.recover import recover as run_recover

    project = load(root)
    with printing.working("reading the journal"):
        done = run_recover(project, project.now(at), new_journal=new_journal)
    printing.show(done, ledger_views.recover_view, json)
