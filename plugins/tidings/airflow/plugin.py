"""The plugin that Airflow finds by entry point. It is imported in every process, each task too: nothing heavy here."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin


class TidingsPlugin(AirflowPlugin):
    """Shows in `airflow plugins` that tidings is installed."""

    name = "tidings"
