"""Every place where tidings leans on a particular Airflow, in one file. Written for 3.3.

Dags and tasks use the public `airflow.sdk` only; what stands here may need a second branch in a later version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

# 3.3 has no public name for a human's approval apart from the standard provider.
from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator

# 3.3 does not export the exception that skips a task from `airflow.sdk` itself.
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException

if TYPE_CHECKING:
    from airflow.sdk import DAG

__all__ = [
    "RUN_TYPES",
    "SCHEDULED",
    "AirflowNotFoundException",
    "AirflowSkipException",
    "ApprovalOperator",
    "HITLOperator",
    "initialise_database",
    "option",
    "register",
    "taken_dates",
]

# 3.3 has no public enumeration of run types. All but `backfill`: a backfill would run campaigns of the past,
# without a question. A list must hold the type of the Dag's own schedule.
RUN_TYPES = ["scheduled", "manual", "operator_triggered", "asset_triggered", "asset_materialization"]
# Started by a clock or by an upstream, not by a person.
SCHEDULED = ("scheduled", "asset_triggered")
# The name Airflow gives the bundle of [core] dags_folder: the scheduler finds there what `dag.test()` ran.
BUNDLE = "dags-folder"


def option(section: str, key: str, default: str) -> str:
    """An option of airflow.cfg or AIRFLOW__SECTION__KEY; `default` also where our section is not loaded."""
    # In 3.3 the Dag processor, tasks and `dag.test` all import this one; the SDK has another that reads the same.
    from airflow.configuration import conf

    # Not every process loads the options of providers, so that the default has to be given here again.
    return str(conf.get(section, key, fallback=default) or default)


def initialise_database() -> None:
    """Make or migrate Airflow's own database."""
    from airflow.utils import db

    db.initdb()


def register(dag: DAG) -> None:
    """Write the Dag's serialized form: 3.3's `dag.test()` refuses a Dag that the database does not know.

    `dag.test()` itself would read the whole Dags folder for it, on each call.
    """
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.serialization.definitions.dag import SerializedDAG
    from airflow.serialization.serialized_objects import LazyDeserializedDAG
    from airflow.utils.session import create_session

    lazy = LazyDeserializedDAG.from_dag(dag)
    with create_session() as session:
        if session.get(DagBundleModel, BUNDLE) is None:
            session.add(DagBundleModel(name=BUNDLE))
            session.flush()
        SerializedDAG.bulk_write_to_db(BUNDLE, None, [lazy], session=session)
        SerializedDagModel.write_dag(lazy, bundle_name=BUNDLE, session=session)


def taken_dates(dag_id: str) -> set[Any]:
    """The logical dates of a Dag's runs: 3.3's `dag.test()` deletes the run that has the date it is given."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        return set(session.scalars(select(DagRun.logical_date).where(DagRun.dag_id == dag_id)))
