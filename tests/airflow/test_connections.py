from __future__ import annotations

import json
from pathlib import Path

import pytest

from tidings.airflow.workspace import open_project
from tidings.errors import TidingsError


def keep(monkeypatch: pytest.MonkeyPatch, name: str, password: str) -> None:
    """Set an Airflow connection up, in the environment."""
    connection = json.dumps({"conn_type": "generic", "password": password})
    monkeypatch.setenv(f"AIRFLOW_CONN_TIDINGS_{name.upper()}", connection)


def test_a_secret_may_be_an_airflow_connection(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret `mail_key` is the password of the connection `tidings_mail_key`."""
    keep(monkeypatch, "mail_key", "s3cret-of-airflow")
    assert open_project(str(workspace)).plugins.secret("mail_key") == "s3cret-of-airflow"


def test_the_environment_comes_first(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TIDINGS_SECRET_<NAME> wins, so that one machine may be told otherwise."""
    keep(monkeypatch, "mail_key", "s3cret-of-airflow")
    monkeypatch.setenv("TIDINGS_SECRET_MAIL_KEY", "s3cret-of-the-environment")
    assert open_project(str(workspace)).plugins.secret("mail_key") == "s3cret-of-the-environment"


def test_a_secret_that_nobody_holds_is_named(workspace: Path) -> None:
    """The message says both ways to set it."""
    with pytest.raises(TidingsError, match="set TIDINGS_SECRET_MAIL_KEY or an Airflow connection"):
        open_project(str(workspace)).plugins.secret("mail_key")
