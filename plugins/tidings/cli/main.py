"""`tidings`: the commands together, and the one place where mistakes become messages and exit codes."""

from __future__ import annotations

import os
import sys

import typer

from tidings.cli import (
    cube,
    demo,
    insight,
    ledger,
    planning,
    portfolio,
    preview,
    profit,
    project,
    results,
    running,
    segments,
)
from tidings.errors import ProjectErrors, TidingsError

MISTAKE = 2
UNEXPECTED = 1
INTERRUPTED = 130

app = typer.Typer(
    help="Marketing campaigns as code on Apache Airflow.",
    epilog="In order of use: check → refresh → plan → approve → deliver → track → measure → report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # Rich's help costs 0.2 s, most of it for a Markdown reader
)
for family in (project, segments, profit, portfolio, cube, planning, running, results, ledger, preview, insight, demo):
    app.add_typer(family.commands)


def main() -> None:
    """Run the command line.

    Exit code 0: done; 1: a fault of ours; 2: a mistake in files or arguments, said on standard error.
    """
    try:
        _run()
    except ProjectErrors as error:
        _say(f"{error}\n\n{error.reason}; `tidings check` says all of it")
        sys.exit(MISTAKE)
    except TidingsError as error:
        _say(str(error))
        sys.exit(MISTAKE)
    except BrokenPipeError:
        _hang_up()
        sys.exit(0)
    except KeyboardInterrupt:
        _say("stopped")
        sys.exit(INTERRUPTED)
    except Exception as error:
        if os.environ.get("TIDINGS_DEBUG"):
            raise
        # A library may print the values it was given, and a value may be a person's.
        first = next(iter(str(error).splitlines()), "")[:200]
        _say(f"unexpected: {type(error).__name__}: {first}; set TIDINGS_DEBUG=1 to see where, and tell us")
        sys.exit(UNEXPECTED)


def _run() -> None:
    """`app` until its last line is written: at Python's own exit a closed pipe could not be caught any more."""
    try:
        app()
    except SystemExit as leaving:
        if isinstance(leaving.__context__, BrokenPipeError):  # Typer makes exit code 1 of it
            raise leaving.__context__ from None
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            _hang_up()
        raise


def _hang_up() -> None:
    """Whoever read us (head, less) has seen enough; Python would complain once more while it flushes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(text: str) -> None:
    print(text, file=sys.stderr)
