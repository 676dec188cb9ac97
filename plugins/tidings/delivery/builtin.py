"""Built-in secrets: an environment variable TIDINGS_SECRET_<NAME>."""

from __future__ import annotations

import os

from tidings.hookspecs import hookimpl


@hookimpl
def resolve_secret(name: str) -> str | None:
    """The variable's value, or None so that the next plugin is asked."""
    return os.environ.get(f"TIDINGS_SECRET_{name.upper()}")
