"""A real Airflow on a workspace that is no demo."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import psutil
import pytest

from tests.waiting import wait_until
from tidings.airflow.rest import Airflow
from tidings.demo.small_shop import write_small_shop
from tidings.verbs.init import init

pytestmark = pytest.mark.long

TIDINGS = Path(sys.executable).parent / "tidings"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """What `tidings init` writes, with 60 customers."""
    root = tmp_path / "a shop"
    init(root, lambda data: write_small_shop(data, end=date(2026, 11, 3), customers=60))
    return root


def test_airflow_on_a_workspace_as_it_is(shop: Path, tmp_path: Path) -> None:
    """From anywhere inside it; the address is said at once, in a file too; SIGTERM ends all of it, as Ctrl-C does.

    The workspace is as before: no shop was built, nothing moved or refreshed, no mail server named.
    """
    before = {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()}
    said = tmp_path / "said.txt"
    with said.open("w") as output:
        process = subprocess.Popen([TIDINGS, "airflow", "--port", "0"], cwd=shop / "segments", stdout=output)
    try:
        wait_until(lambda: "\n" in said.read_text() or process.poll() is not None, 240, what="Airflow's address")
        told = re.fullmatch(
            r"Airflow is at (http://127\.0\.0\.1:\d+), user admin, password (\S+); Ctrl-C stops it\n", said.read_text()
        )
        assert told is not None
        api = Airflow(told[1], "admin", told[2])
        wait_until(lambda: api.knows("campaign__win_back"), 120, every=0.5, what="the Dags of the workspace")
        family = psutil.Process(process.pid).children(recursive=True)
    finally:
        process.send_signal(signal.SIGTERM)
        ended = process.wait(60)
    assert ended == 0
    assert family
    assert [one for one in family if one.is_running() and one.status() != "zombie"] == []
    after = {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()}
    kept = {path: content for path, content in after.items() if ".airflow" not in path.parts}
    assert {path: content for path, content in kept.items() if "__pycache__" not in path.parts} == before
