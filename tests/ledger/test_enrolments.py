from __future__ import annotations

from typing import Any

import pytest

from tests.ledger.rows import DAY, NOW, add_enrolment, add_persons, enrolment, key
from tidings.ledger.database import Ledger
from tidings.ledger.enrolments import active, add, due, move
from tidings.ledger.plans import Overtaken

LAN, TUAN = key(1), key(2)


@pytest.fixture(autouse=True)
def _persons(ledger: Ledger) -> None:
    with ledger.write() as connection:
        add_persons(connection, LAN, TUAN)


def _move(enrolment_id: str, was: str = "wait", **changes: Any) -> dict[str, Any]:
    row = {
        "id": enrolment_id,
        "was": was,
        "step": "nudge",
        "due_at": NOW + DAY,
        "waiting_for": "goal",
        "state": "active",
        "exited_at": None,
        "reason": None,
    }
    return row | changes


def test_who_is_due(ledger: Ledger) -> None:
    """Active enrolments of the campaign whose time has come."""
    with ledger.write() as connection:
        add(connection, [enrolment(LAN, key(51)), enrolment(TUAN, key(52), due_at=NOW + DAY)])
        add_enrolment(connection, LAN, key(53), campaign="other")
        add_enrolment(connection, TUAN, key(54), state="finished", occasion="entry:2026-10-01")
        assert [key(51)] == [row["id"] for row in due(connection, "flow", NOW)]
        assert {key(51), key(52)} == {row["id"] for row in due(connection, "flow", NOW + DAY)}
        assert {key(51), key(52)} == {row["id"] for row in active(connection, "flow")}


def test_who_has_left_does_not_move(ledger: Ledger) -> None:
    """An enrolment that has ended stays ended."""
    with ledger.write() as connection:
        add_enrolment(connection, LAN, key(51), state="exited", reason="goal", exited_at=NOW)
    with pytest.raises(Overtaken), ledger.write() as connection:
        move(connection, [_move(key(51))])
