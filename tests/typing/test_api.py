"""The uses in api.py are read by the type checker."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_lint_type_checks_the_uses_of_the_public_api() -> None:
    """mypy's own list of files holds this folder, or a file of uses would be worth nothing."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert {"tests/typing", "docs"} <= set(pyproject["tool"]["mypy"]["files"])
