"""Dag runs in this process, one after another, on any day: what the demo and the tests run campaigns with."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tidings.airflow.home import HOME, airflow_environment

DAG_FILE = Path("dags/tidings_dags.py")


@dataclass(frozen=True)
class FinishedRun:
    """How a Dag run ended: `state` is success or failed, `tasks` the state of each task (of its first shard)."""

    dag_id: str
    run_id: str
    state: str
    tasks: Mapping[str, str]


def run_dag_once(dag_id: str, now: datetime, root: Path, *, conf: Mapping[str, Any] | None = None) -> FinishedRun:
    """Run a Dag of the workspace at `root` to its end, with `now` as business time; the files are read anew.

    Airflow's database and logs are in <root>/.airflow, unless Airflow was imported before with another AIRFLOW_HOME.
    An approval that nobody has given makes this wait for ever. A task that fails is not raised: look at `state`.
    """
    _prepare(root)
    from tidings.airflow.compat import register, taken_dates
    from tidings.airflow.dags import build_dags

    with _environment(now):
        dag = build_dags(root / DAG_FILE, only=dag_id)[dag_id]
        register(dag)
        date, taken = now.astimezone(UTC), taken_dates(dag_id)
        while date in taken:
            date += timedelta(microseconds=1)
        run = dag.test(logical_date=date, run_after=date, run_conf=dict(conf or {}))
        states = {one.task_id: str(one.state) for one in run.get_task_instances() if one.map_index < 1}
    return FinishedRun(dag_id, run.run_id, str(run.state), states)


def _prepare(root: Path) -> None:
    """Point Airflow at the workspace, quietly; its settings are read once, at its first import."""
    if "airflow" not in sys.modules:
        empty = root / HOME / "no_dags"
        empty.mkdir(parents=True, exist_ok=True)
        (root / HOME).chmod(0o700)
        # dag.test() reads the whole Dags folder on each call; the Dag it runs is registered here.
        quiet = {"AIRFLOW__CORE__DAGS_FOLDER": str(empty), "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"}
        here = airflow_environment(root, os.environ) | quiet
        for name in os.environ.keys() - here.keys():
            del os.environ[name]
        os.environ.update(here)
    _database()


@cache
def _database() -> None:
    from tidings.airflow.compat import initialise_database

    initialise_database()


@contextmanager
def _environment(now: datetime) -> Iterator[None]:
    """Business time for whoever reads the settings meanwhile; and no retries, for which dag.test() really waits."""
    here = {"TIDINGS_CLOCK__AT": now.isoformat(), "AIRFLOW__TIDINGS__RETRIES": "0"}
    before = {name: os.environ.get(name) for name in here}
    os.environ.update(here)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
