from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from tests.ledger.rows import DAY, NOW, add_persons, key
from tidings.ledger.assignments import load, log
from tidings.ledger.database import Ledger


def test_an_arm_is_logged_once(ledger: Ledger) -> None:
    """Arms come back oldest first, of all epochs or one; the database refuses a second draw in an epoch."""
    row = {"campaign": "letter", "person_key": key(1), "customer_id": "A", "epoch": "0:0.1", "arm": "treated"}
    row |= {"probability": 0.9, "anchored_at": NOW}
    with ledger.write() as connection:
        add_persons(connection, key(1))
        log(connection, [row, row | {"epoch": "1:0.1", "arm": "control", "anchored_at": NOW - DAY}])
        log(connection, [])
        assert ["control", "treated"] == [found["arm"] for found in load(connection, "letter")]
        assert [row] == load(connection, "letter", "0:0.1")
        assert [] == load(connection, "other")
    with pytest.raises(IntegrityError), ledger.write() as connection:
        log(connection, [row | {"arm": "control"}])
