"""demo and airflow: what they hand on. They take minutes (tests/demo); here something stops them before.

`demo` knows by its note whether this very demo has been played, and then meets the mistake in the workspace.
"""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.data.mistakes.table import new_workspace

NOTE = '{{"bootstrap": {bootstrap}, "effect": {effect}, "end": "2026-11-20", "seed": {seed}}}'


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A workspace with a mistake that has a demo's note."""
    root = new_workspace(tmp_path)
    (root / "segments" / "fresh.yaml").write_text("segment: fresh\n")
    (root / ".tidings").mkdir()
    return root


@pytest.mark.parametrize(
    ("arguments", "effect", "seed", "bootstrap"),
    [([], 0.08, 1, 2), (["--effect", "0", "--seed", "7", "--bootstrap", "1"], 0.0, 7, 1)],
    ids=["by default", "as asked"],
)
def test_the_demo_gets_its_effect_and_seed(
    broken: Path, run: Run, arguments: list[str], effect: float, seed: int, bootstrap: int
) -> None:
    """By default an effect of eight points and the first seed, in the workspace that is named."""
    (broken / ".tidings" / "demo.json").write_text(NOTE.format(effect=effect, seed=seed, bootstrap=bootstrap))
    ran = run("demo", *arguments, "-C", broken)
    assert ran.out.startswith("this demo has been played here before")
    assert ran.code == 2
    assert "the key 'title' is missing" in ran.err


def test_a_household_is_at_least_one_customer(broken: Path, run: Run) -> None:
    """None would be a shop of nobody."""
    ran = run("demo", "--bootstrap", "0", "-C", broken)
    assert (ran.code, ran.err) == (2, "a household cannot be 0 customers; give 1 or more; 2 is usual\n")


@pytest.mark.parametrize("effect", ["1", "-0.01", "8", "nan"])
def test_an_effect_that_cannot_be_is_refused(broken: Path, run: Run, effect: str) -> None:
    """With a sentence, before anything is taken away."""
    before = sorted(broken.rglob("*"))
    ran = run("demo", "--effect", effect, "-C", broken)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"an effect of {effect} is no rise of a share; give one from 0 to below 1, such as 0.08\n"
    assert sorted(broken.rglob("*")) == before


def test_airflow_looks_at_its_port_first(broken: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A taken one is said, with the way to name another, before a demo is moved or anything written."""
    note = NOTE.format(effect=0.08, seed=1, bootstrap=2)
    (broken / ".tidings" / "demo.json").write_text(note)
    before = sorted(broken.rglob("*"))
    monkeypatch.chdir(broken / "segments")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ran = run("airflow", "--port", str(port))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"the port {port} is taken; name another one with --port, or stop what listens there\n"
    assert sorted(broken.rglob("*")) == before
    assert (broken / ".tidings" / "demo.json").read_text() == note
