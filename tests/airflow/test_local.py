from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from tests.airflow.conftest import NOW
from tidings.airflow.home import airflow_environment
from tidings.airflow.local import run_dag_once
from tidings.ledger.database import Ledger
from tidings.ledger.snapshots import current_snapshot
from tidings.project import load_project


def test_each_run_has_its_own_day(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Business time reaches the tasks, changes from run to run, and is gone afterwards."""
    monkeypatch.setenv("TIDINGS_CLOCK__AT", NOW.isoformat())
    for day in (1, 2):
        assert run_dag_once("tidings__refresh", NOW + timedelta(days=day), workspace).state == "success"
        project = load_project(workspace)
        with Ledger.open(project) as ledger, ledger.read() as connection:
            assert current_snapshot(connection, workspace).as_of == NOW + timedelta(days=day)
    assert os.environ["TIDINGS_CLOCK__AT"] == NOW.isoformat()
    assert "AIRFLOW__TIDINGS__RETRIES" not in os.environ


def test_runs_of_one_moment_stay_apart(workspace: Path) -> None:
    """Airflow's `dag.test()` would delete the first run of a date, and with it what its messages name."""
    runs = [run_dag_once("tidings__tick", NOW, workspace) for _ in range(3)]
    assert len({run.run_id for run in runs}) == 3


def test_a_failed_task_is_not_tried_again_here(workspace: Path) -> None:
    """A day of the demo would stand still for the retry delay; the state says what happened."""
    (workspace / ".tidings" / "ledger.db").unlink()
    run = run_dag_once("campaign__newsletter", NOW, workspace)
    assert (run.state, run.tasks["plan"], run.tasks["deliver"]) == ("failed", "failed", "upstream_failed")


def test_another_airflow_of_the_caller_is_left_alone() -> None:
    """Its settings do not reach ours; connections and our own options do."""
    caller = {
        "PATH": "/bin",
        "AIRFLOW_HOME": "/srv/airflow",
        "AIRFLOW_CONFIG": "/srv/airflow/airflow.cfg",
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__TIDINGS__SHARDS": "2",
        "AIRFLOW_CONN_TIDINGS_MAIL": "{}",
    }
    found = airflow_environment(Path("/a shop"), caller)
    assert {name: value for name, value in found.items() if name in caller} == {
        "PATH": "/bin",
        "AIRFLOW_HOME": "/a shop/.airflow",
        "AIRFLOW__TIDINGS__SHARDS": "2",
        "AIRFLOW_CONN_TIDINGS_MAIL": "{}",
    }
    assert all("/srv" not in value for value in found.values())
