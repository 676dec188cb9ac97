"""The changelog is written by hand; these hold it to its form and to the version of the package."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import tidings

LINES = (Path(__file__).parent.parent / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
RELEASE = re.compile(r"## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2})")
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def _releases() -> list[tuple[str, date]]:
    found = [RELEASE.fullmatch(line) for line in LINES if line.startswith("## ") and line != "## [Unreleased]"]
    assert all(found), "a version heading reads: ## [1.2.3] - 2026-01-31"
    return [(match[1], date.fromisoformat(match[2])) for match in found if match]


def test_the_top_version_is_the_package_version() -> None:
    """Whoever raises the version tells what changed, and the other way round."""
    assert _releases()[0][0] == tidings.__version__


def test_versions_and_dates_fall() -> None:
    """The newest release stands first."""
    releases = [(tuple(map(int, version.split("."))), day) for version, day in _releases()]
    assert releases == sorted(releases, reverse=True)


def test_changes_stand_under_a_kind() -> None:
    """Only the headings of Keep a Changelog are used."""
    assert {line.removeprefix("### ") for line in LINES if line.startswith("### ")} <= KINDS
