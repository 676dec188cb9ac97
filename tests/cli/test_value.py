"""`tidings value`: the shape and the figures in words, without a workspace."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.insight.files import many
from tidings.model.value import ValueShape

LINE = ("--customer", "who", "--date", "day", "--amount", "paid", "--until", "2026-09-30", "--unit", "days")


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """`--json` is the shape; without it the figures in words and what to open."""
    many(tmp_path / "shop.csv", customers=120, after=True)
    monkeypatch.chdir(tmp_path)
    found = run("value", "shop.csv", *LINE)
    assert found.code == 0
    assert "came back" in found.out
    assert found.last == "next: open shop.scores.csv"
    shape = ValueShape.model_validate_json(run("value", "shop.csv", *LINE, "--json").out)
    assert (shape.unit, shape.scores) == ("days", "shop.scores.csv")
    assert (tmp_path / "shop.scores.csv").exists()


def test_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """Exit code 2 and one line."""
    monkeypatch.chdir(tmp_path)
    found = run("value", "shop.csv", *LINE)
    assert (found.code, found.out) == (2, "")
    assert "there is no file shop.csv" in found.err
