"""What the targets of the Makefile would run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest


def would_run(root: Path, *words: str) -> list[str]:
    """The commands of `make`, none of them run; without what the caller, perhaps a make itself, has set for us."""
    theirs = ("EFFECT", "SEED", "ARGS", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")
    environment = {name: value for name, value in os.environ.items() if name not in theirs}
    ran = subprocess.run(["make", "-n", *words], cwd=root, env=environment, capture_output=True, text=True, check=True)
    return ran.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ((), "tidings demo"),
        (("EFFECT=0.1", "SEED=3"), 'tidings demo --effect "0.1" --seed "3"'),
        (("EFFECT=0",), 'tidings demo --effect "0"'),
    ],
    ids=["as it is", "both", "no effect"],
)
def test_the_demo_gets_effect_and_seed(root: Path, words: tuple[str, ...], command: str) -> None:
    """As they are given to make; no effect at all is an effect."""
    assert would_run(root, "demo", *words)[-1].rstrip() == f".venv/bin/{command}"


def test_airflow_starts_with_something_to_see(root: Path) -> None:
    """On the demo's workspace, which is built where there is none."""
    assert would_run(root, "airflow")[-1] == ".venv/bin/tidings airflow --demo"


def test_the_judge_of_requests_is_the_locked_one(root: Path) -> None:
    """As the lock file says, without scripts, and with the certificates that the system trusts."""
    [command] = [line for line in would_run(root, "-B", "prism") if "npm" in line]
    assert command.startswith("NODE_OPTIONS=--use-openssl-ca npm ci --prefix .venv/prism --ignore-scripts")
    assert "resolved" not in (root / "tests/prism/package-lock.json").read_text(encoding="utf-8")
