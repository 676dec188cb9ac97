"""Which run of a scheduler does something."""

from __future__ import annotations

from tidings.model.base import Noun


class Run(Noun):
    """An Airflow Dag run; recorded on plans and attempts, so that every message can be traced to it."""

    dag_id: str
    run_id: str
