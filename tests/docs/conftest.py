"""The pages, and the generator beside them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent.parent


def page_files() -> list[Path]:
    """Every page of the repository, sorted."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.fixture(scope="session")
def generate() -> ModuleType:
    """docs/_generate.py, which is no part of a package."""
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        return importlib.import_module("_generate")
    finally:
        sys.path.remove(str(ROOT / "docs"))
