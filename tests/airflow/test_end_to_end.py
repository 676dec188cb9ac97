"""The whole line by Airflow, on either database and by either provider; the other side's own log is the judge (R61)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.airflow.conftest import NOW
from tests.databases import ledger_url
from tidings.airflow.local import run_dag_once
from tidings.delivery.route import make_provider
from tidings.demo.small_shop import write_small_shop
from tidings.ledger.database import Ledger
from tidings.ledger.plans import counts_of
from tidings.ledger.tables import attempts, contacts, messages, plans
from tidings.model.counts import PlanCounts
from tidings.project import Project, load_project
from tidings.testing.sendgrid_emulator import SendGridEmulator
from tidings.testing.smtp_sink import SmtpSink
from tidings.verbs.approve import approve
from tidings.verbs.init import init
from tidings.verbs.track import track

__all__ = ["ledger_url"]

pytestmark = pytest.mark.long

DAG = "campaign__newsletter"
HOUR = timedelta(hours=1)


@contextmanager
def _smtp(root: Path) -> Iterator[tuple[dict[str, Any], Callable[[], list[tuple[str, str]]], Any]]:
    """Settings, what arrived as (send_key, to), and nothing that signs events."""
    with SmtpSink(root / "inbox") as sink:
        yield {"port": sink.port}, lambda: [(one["send_key"], one["to"][0]) for one in sink.accepted()], None


@contextmanager
def _sendgrid(_root: Path) -> Iterator[tuple[dict[str, Any], Callable[[], list[tuple[str, str]]], Any]]:
    """The same; the emulator signs its events."""
    with SendGridEmulator() as sendgrid:
        settings = {
            "host": sendgrid.url,
            "api_key": {"secret": "sendgrid_api_key"},
            "webhook_public_key": sendgrid.public_key,
        }
        yield settings, lambda: [(one["send_key"], one["to"][0]) for one in sendgrid.accepted], sendgrid


def _lay(root: Path, url: str, name: str, settings: dict[str, Any]) -> None:
    """A shop of 80 customers whose e-mail leaves by this provider."""
    init(root, lambda data: write_small_shop(data, end=NOW.date(), customers=80))
    local = {"quiet_hours": None, "ledger": {"url": url}, "providers": {name: settings}}
    (root / "config/local.yaml").write_text(json.dumps(local | {"channels": {"email": {"providers": [name]}}}))


def _rows(project: Project, query: Any) -> list[Any]:
    with Ledger.open(project, create=False) as ledger, ledger.read() as connection:
        return list(connection.execute(query))


@pytest.mark.parametrize(("name", "other_side"), [("smtp", _smtp), ("sendgrid", _sendgrid)])
def test_from_the_warehouse_to_the_inbox_and_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger_url: str, name: str, other_side: Any
) -> None:
    """Refresh, plan, deliver, tick: each planned message arrives once, and the ledger says what the other side says.

    Where events come back they change what they should: whoever leaves and whose address is dead is stopped.
    """
    monkeypatch.setenv("TIDINGS_SECRET_SENDGRID_API_KEY", "SG.emulator")
    root = tmp_path / "a shop"
    with other_side(tmp_path) as (settings, arrived, signer):
        _lay(root, ledger_url, name, settings)
        assert run_dag_once("tidings__refresh", NOW, root).state == "success"
        project = load_project(root)
        approve(project, "newsletter", NOW, who="lan")
        runs = [run_dag_once(DAG, NOW, root), run_dag_once(DAG, NOW + HOUR, root)]
        assert ["success", "success"] == [run.state for run in runs]
        found = _rows(project, select(messages))
        [plan] = _rows(project, select(plans))
        counts = PlanCounts.model_validate(counts_of(plan))
        assert counts.considered == counts.planned + counts.withheld + sum(counts.reasons.values())  # R04
        assert Counter(row.state for row in found) == {"accepted": counts.planned, "withheld": counts.withheld}
        assert sorted(key for key, _ in arrived()) == sorted(row.send_key for row in found if row.state == "accepted")
        assert len({to for _, to in arrived()}) == counts.planned > 20
        assert {(DAG, runs[0].run_id, name)} == set(
            _rows(project, select(attempts.c.dag_id, attempts.c.run_id, attempts.c.provider))
        )
        if signer is not None:
            _come_back(project, signer)
        assert run_dag_once("tidings__tick", NOW + 2 * HOUR, root).state == "success"
        assert len(arrived()) == counts.planned


def _come_back(project: Project, signer: SendGridEmulator) -> None:
    """One dead address and one that leaves, in a signed webhook call; both are stopped, nobody else."""
    at = int(NOW.timestamp()) + 60
    keys = [one["send_key"] for one in signer.accepted[:3]]
    same = [{"send_key": key, "timestamp": at, "email": "x@example.com", "sg_event_id": key} for key in keys]
    kinds = [{"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 no such user"}]
    kinds += [{"event": "unsubscribe"}, {"event": "delivered"}]
    headers, body = signer.signed([one | kind for one, kind in zip(same, kinds, strict=True)], NOW + HOUR)
    events = make_provider(project, "sendgrid").parse_webhook("/", headers, body, NOW + HOUR)
    assert 3 == track(project, events, NOW + HOUR).new
    stopped = _rows(project, select(contacts.c.cause).where(contacts.c.suppressed_at.isnot(None)))
    assert {"hard_bounce", "unsubscribed"} == {row.cause for row in stopped}
    assert 2 == len(stopped)
