"""Every shell line of the pages runs: in a new folder, in the order in which a reader types it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.conftest import ROOT, page_files

pytestmark = pytest.mark.long

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MAKE = re.compile(r"^    make ?([a-z-]*)\b.*$", re.MULTILINE)
WORDS = ("cd", "make", "tidings")
STAYS = "tidings airflow"  # until Ctrl-C: tests/demo/test_standalone.py runs it
# Something may listen on the port that the example names.
OUTBOX = '{"email": {"providers": ["outbox"]}, "sms": {"providers": ["outbox"]}}'


def lines(page: str) -> list[str]:
    """The lines of a page's shell blocks."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [line for block in _BLOCK.findall(text) for line in block.splitlines()]


def run(script: list[str], folder: Path) -> str:
    """Run the lines in one shell that stops at the first that fails; what they printed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "COLUMNS": "80", "TIDINGS_CHANNELS": OUTBOX}
    ran = subprocess.run(
        ["sh", "-eu"],
        input="\n".join(script), cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_only_lines_that_are_run_here_are_shown() -> None:
    """Of our own commands, and on no other page; those that make a key are run by tests/providers/test_dkim.py."""
    pages = [page.relative_to(ROOT).as_posix() for page in page_files() if _BLOCK.search(page.read_text("utf-8"))]
    assert pages == ["docs/airflow.md", "docs/providers.md", "docs/tour.md"]
    others = {line.split()[0] for page in pages for line in lines(page)} - set(WORDS)
    assert others == {line.split()[0] for line in lines("docs/providers.md")} == {"openssl"}


def test_the_lines_of_the_tour_and_of_airflow_run(tmp_path: Path) -> None:
    """From nothing to a plan, to delivering what is approved; then what the page on Airflow does without it."""
    tour = lines("docs/tour.md")
    assert {"tidings init shop", "cd shop", "tidings check", "tidings refresh"} <= set(tour)
    said = run(tour, tmp_path)
    assert "no mistakes" in said
    assert re.search(r"^planned +\d", said, re.MULTILINE)
    assert re.search(r"^accepted by the provider +[1-9]", said, re.MULTILINE)
    run([line for line in lines("docs/airflow.md") if not line.startswith(("make ", STAYS))], tmp_path / "shop")


@pytest.mark.parametrize("page", page_files(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_target_that_is_shown_is_there(page: Path) -> None:
    """`make` knows what to do for each; nothing of it is run."""
    text = page.read_text(encoding="utf-8")
    shown = {*_MAKE.findall(text), *re.findall(r"^make ([a-z-]+)$", "\n".join(_BLOCK.findall(text)), re.MULTILINE)}
    for target in sorted(shown):
        subprocess.run(["make", "-n", *filter(None, [target])], cwd=ROOT, capture_output=True, check=True)
