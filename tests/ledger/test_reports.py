from __future__ import annotations

from tests.ledger.rows import NOW, key
from tidings.ledger.database import Ledger
from tidings.ledger.reports import claim, find, recover, release, states

ROW = {"campaign": "letter", "occasion": "2026-W47", "recipient": "lan@example.com", "send_key": key(1), "folder": "x"}


def test_a_claim_can_be_given_back(ledger: Ledger) -> None:
    """A report that a provider would not take yet may be claimed again."""
    with ledger.write() as connection:
        claim(connection, ROW, NOW, 9e9)
        release(connection, key(1))
        assert find(connection, "letter", "2026-W47", "lan@example.com") is None
        claim(connection, ROW, NOW, 9e9)


def test_a_report_of_a_dead_worker_is_in_doubt(ledger: Ledger) -> None:
    """When its lease has ended nobody knows whether it left; it is counted, and not sent again (R05)."""
    with ledger.write() as connection:
        claim(connection, ROW, NOW, 100.0)
        assert 0 == recover(connection, 100.0)
        assert {"sending": 1} == states(connection)
        assert 1 == recover(connection, 101.0)
        assert {"in_doubt": 1} == states(connection)
