"""Secrets from Airflow: the secret `sendgrid_api_key` is the password of the connection `tidings_sendgrid_api_key`.

Registered in tasks only: outside of one, Airflow has no connections to give.
"""

from __future__ import annotations

from tidings.airflow.compat import AirflowNotFoundException
from tidings.hookspecs import hookimpl

PREFIX = "tidings_"


@hookimpl(trylast=True)
def resolve_secret(name: str) -> str | None:
    """The connection's password, or None where there is no such connection. The environment is asked first."""
    from airflow.sdk import Connection

    try:
        password: str | None = Connection.get(PREFIX + name).password
    except AirflowNotFoundException:
        return None
    return password
