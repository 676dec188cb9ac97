"""Options that every command shares, and the project they lead to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tidings.project import Project

Root = Annotated[
    Path | None,
    typer.Option(
        "--root",
        "-C",
        help="The workspace; by default the one the current folder lies in.",
        show_default=False,
    ),
]
At = Annotated[
    str | None,
    typer.Option(help="Business time instead of now: 2026-11-22 or 2026-11-22T09:00.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def workspace(root: Path | None) -> Path:
    """The root of the workspace that `--root` or the current folder names."""
    from tidings.project import find_root

    return find_root(root or Path())


def load(root: Path | None) -> Project:
    """The project at `--root`; ProjectErrors with every mistake in it."""
    from tidings.project import load_project

    return load_project(workspace(root))
