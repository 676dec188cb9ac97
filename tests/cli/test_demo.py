"""demo and airflow: what they hand on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.data.mistakes.table import new_workspace


def test_the_demo_gets_its_effect_and_seed(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default an effect of eight points and the first seed, in the workspace that is named."""
    called: list[tuple[Path, dict[str, Any]]] = []

    def play(root: Path, **options: Any) -> None:
        options.pop("echo")("[playing]")
        called.append((root, options))

    monkeypatch.setattr("tidings.demo.run.run_demo", play)
    root = new_workspace(tmp_path)
    assert run("demo", "-C", root).out == "[playing]\n"
    assert run("demo", "--effect", "0", "--seed", "7", "-C", root).code == 0
    assert called == [(root, {"effect": 0.08, "seed": 1}), (root, {"effect": 0.0, "seed": 7})]


def test_airflow_starts_on_the_workspace(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """From anywhere inside it."""
    called: list[Path] = []
    monkeypatch.setattr("tidings.demo.standalone.run_airflow", called.append)
    root = new_workspace(tmp_path)
    monkeypatch.chdir(root / "segments")
    assert run("airflow").code == 0
    assert called == [root]
