"""A real Airflow: on a workspace that is no demo, and for the demo's last refresh."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select

from tests.waiting import wait_until
from tidings.airflow.rest import Airflow
from tidings.demo.run import clock, refresh_by_scheduler
from tidings.demo.small_shop import write_small_shop
from tidings.ledger.database import Ledger
from tidings.ledger.tables import snapshots
from tidings.project import load_project
from tidings.verbs.init import init

pytestmark = pytest.mark.long

TIDINGS = Path(sys.executable).parent / "tidings"
NOW = datetime(2026, 11, 3, 14, tzinfo=UTC)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """What `tidings init` writes, with 60 customers."""
    root = tmp_path / "a shop"
    init(root, lambda data: write_small_shop(data, end=date(2026, 11, 3), customers=60))
    return root


def test_airflow_on_a_workspace_as_it_is(shop: Path, tmp_path: Path) -> None:
    """From anywhere inside it; the address is said at once, in a file too; Ctrl-C ends all of it.

    The workspace is as before: no shop was built, nothing moved or refreshed, no mail server named.
    """
    before = {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()}
    said = tmp_path / "said.txt"
    # Of a suite that a script runs in the background Ctrl-C is ignored, and so it would be by what it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
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
        process.send_signal(signal.SIGINT)
        ended = process.wait(60)
    assert ended == 0
    assert family
    assert [one for one in family if one.is_running() and one.status() != "zombie"] == []
    after = {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()}
    kept = {path: content for path, content in after.items() if ".airflow" not in path.parts}
    assert {path: content for path, content in kept.items() if "__pycache__" not in path.parts} == before


def test_the_last_refresh_is_the_schedulers(shop: Path) -> None:
    """In processes of its own, which have the demo's clock."""
    with clock(NOW):
        refresh_by_scheduler(shop)
    with Ledger.open(load_project(shop), create=False) as ledger, ledger.read() as connection:
        assert [row.as_of for row in connection.execute(select(snapshots))] == [NOW]
