from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from tests.warehouse.workspaces import NOW, ago, workspace
from tidings.ledger.database import Ledger
from tidings.ledger.tables import events, messages, persons, plans, snapshots
from tidings.segments.touches import COLUMNS, load_touches


def _message(connection: Connection, number: int, **more: Any) -> None:
    row = {
        "id": number, "plan_id": "plan", "campaign": "news", "person_key": "p", "customer_id": "1",
        "occasion": f"day {number}", "step": "send", "channel": "email", "purpose": "marketing",
        "address_key": f"a{number}", "send_key": f"s{number}", "not_before": ago(50), "state": "accepted",
        "counted_at": ago(20),
    }  # fmt: skip
    connection.execute(insert(messages), row | more)


def _event(connection: Connection, message: int, kind: str, at: datetime, *, machine: bool = False) -> None:
    row = {
        "provider": "outbox", "event_id": f"{message}{kind}{at}{machine}", "message_id": message, "person_key": "p",
        "kind": kind, "occurred_at": at, "received_at": at, "machine": machine,
    }  # fmt: skip
    connection.execute(insert(events), row)


def test_the_last_touch_of_each_kind_by_campaign_and_step(ledger: Ledger) -> None:
    """What was sent, held out or in doubt counts as received; refused and planned do not; the future is left out, and
    so is what machines clicked. What they opened is of a kind of its own (R37).
    """
    with ledger.write() as connection:
        connection.execute(insert(persons), [{"person_key": key, "number": n} for n, key in enumerate("pq")])
        snapshot = {"snapshot_id": "snap", "as_of": NOW, "folder": "x", "summary": "{}"}
        connection.execute(insert(snapshots), snapshot)
        plan = {"plan_id": "plan", "campaign": "news", "occasion": "o", "snapshot_id": "snap",
                "definition_hash": "h", "state": "released", "created_at": NOW}  # fmt: skip
        connection.execute(insert(plans), plan)
        _message(connection, 1)
        _message(connection, 2, counted_at=ago(9))
        _message(connection, 3, state="withheld", step="late")
        _message(connection, 4, state="in_doubt", campaign="other")
        _message(connection, 5, state="refused", step="never")
        _message(connection, 6, state="planned", counted_at=None, step="never")
        _message(connection, 7, counted_at=ago(-1), step="never")
        _message(connection, 8, person_key="q")
        for kind, at, machine in (
            ("opened", ago(8), False), ("opened", ago(7), True), ("clicked", ago(6), False),
            ("clicked", ago(5), False), ("clicked", ago(-1), False), ("delivered", ago(4), False),
            ("opened", ago(6.5), True), ("clicked", ago(4), True),
        ):  # fmt: skip
            _event(connection, 2, kind, at, machine=machine)
    with ledger.read() as connection:
        found = load_touches(connection, NOW)
    assert sorted(found.itertuples(index=False, name=None)) == [
        ("p", "news", "late", "received", ago(20)),
        ("p", "news", "send", "clicked", ago(5)),
        ("p", "news", "send", "opened", ago(8)),
        ("p", "news", "send", "opened_by_machine", ago(6.5)),
        ("p", "news", "send", "received", ago(9)),
        ("p", "other", "send", "received", ago(20)),
        ("q", "news", "send", "received", ago(20)),
    ]


def test_an_empty_ledger_has_an_empty_frame_of_the_same_columns(tmp_path: Path) -> None:
    """The first refresh joins it like any other."""
    with Ledger.open(workspace(tmp_path)) as ledger, ledger.read() as connection:
        found = load_touches(connection, NOW)
    assert tuple(found.columns) == COLUMNS
    assert found.empty
    assert str(found["at"].dtype) == "datetime64[us, UTC]"
