"""Whoever may look at Airflow sees no customer and no secret: not in its database, nor in what its tasks print."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.airflow.conftest import NOW, addresses, send_to
from tidings.airflow.local import run_dag_once
from tidings.testing.smtp_sink import SmtpSink

PASSWORD = "canary-5d1e7a90c2"
RUNS = ("tidings__refresh", "campaign__newsletter", "tidings__tick", "tidings__report")


@pytest.fixture
def guarded(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmtpSink]:
    """A mail server that takes mail only after a login, whose password is an Airflow connection."""
    from aiosmtpd.smtp import AuthResult, LoginPassword

    def login(server: Any, session: Any, envelope: Any, mechanism: str, data: object) -> AuthResult:
        return AuthResult(success=isinstance(data, LoginPassword) and data.password == PASSWORD.encode())

    monkeypatch.setenv("AIRFLOW_CONN_TIDINGS_MAIL", json.dumps({"conn_type": "generic", "password": PASSWORD}))
    folder = workspace / ".tidings" / "inbox"
    with SmtpSink(folder, authenticator=login, auth_required=True, auth_require_tls=False) as sink:
        send_to(workspace, sink, username="tidings", password={"secret": "mail"})
        yield sink


def private_words(root: Path) -> set[str]:
    """Every address, telephone number and full name of the shop's customers."""
    people = addresses(root)
    names = (people["first_name"] + " " + people["last_name"]).dropna()
    return {*people["email"].dropna(), *people["phone"].dropna(), *names}


def airflow_keeps() -> bytes:
    """Airflow's database, with its log of what is not yet in it."""
    return b"".join(path.read_bytes() for path in Path(os.environ["AIRFLOW_HOME"]).glob("airflow.db*"))


# aiosmtpd warns that a password may be read on the way; this way is loopback.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
def test_airflow_holds_no_person_and_no_secret(
    approved: Path, guarded: SmtpSink, capfd: pytest.CaptureFixture[str]
) -> None:  # R53
    """After real runs that logged in and sent, neither database nor output has a customer or the password in it."""
    runs = [run_dag_once(dag_id, NOW + timedelta(days=22), approved) for dag_id in RUNS]
    assert {run.state for run in runs} == {"success"}
    assert len(guarded.accepted()) > 20
    printed = "".join(capfd.readouterr())
    words = private_words(approved)
    recipients = {address for entry in guarded.accepted() for address in entry["to"]} - {"lan@example.com"}
    assert recipients <= words
    kept = airflow_keeps()
    assert runs[0].run_id.encode() in kept
    assert [word for word in {*words, PASSWORD} if word.encode() in kept or word in printed] == []
