"""Airflow's own folder on a laptop: everything it writes stays in .airflow/ of the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

HOME = ".airflow"
OURS = "AIRFLOW__TIDINGS__"


def airflow_environment(root: Path, caller: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment with an Airflow on SQLite that keeps to the workspace; needed before its first import.

    Another Airflow that the caller has set up is left out, except for connections and our own options.
    """
    home = root / HOME
    logs = home / "logs"
    kept = {name: value for name, value in caller.items() if not _elsewhere(name)}
    return kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(root / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(root / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(logs),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(logs / "dag_processor"),
    }


def _elsewhere(name: str) -> bool:
    return name == "AIRFLOW_CONFIG" or (name.startswith("AIRFLOW__") and not name.startswith(OURS))
