"""The only Dag file: every Dag is built from the files of this workspace (docs/airflow.md)."""

# Airflow reads only files that hold the words airflow and dag.
from tidings.airflow.dags import build_dags

globals().update(build_dags(__file__))
