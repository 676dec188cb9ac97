from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from tests.ledger.rows import NOW, key
from tidings.ledger.database import Ledger
from tidings.ledger.reports import claim, find, release, settle

ROW = {"campaign": "letter", "occasion": "2026-W47", "recipient": "lan@example.com", "send_key": key(1), "folder": "x"}


def test_a_reader_gets_an_occasions_report_once(ledger: Ledger) -> None:
    """A report is claimed before it leaves; the database refuses a second claim, and another reader's is free."""
    with ledger.write() as connection:
        claim(connection, ROW, NOW)
    with pytest.raises(IntegrityError), ledger.write() as connection:
        claim(connection, ROW | {"send_key": key(2)}, NOW)
    with ledger.write() as connection:
        assert "sending" == find(connection, "letter", "2026-W47", "lan@example.com").state
        assert find(connection, "letter", "2026-W47", "tuan@example.com") is None
        claim(connection, ROW | {"send_key": key(2), "recipient": "tuan@example.com"}, NOW)
        settle(connection, key(1), "accepted")
        assert "accepted" == find(connection, "letter", "2026-W47", "lan@example.com").state
        assert "sending" == find(connection, "letter", "2026-W47", "tuan@example.com").state


def test_a_claim_can_be_given_back(ledger: Ledger) -> None:
    """A report that a provider would not take yet may be claimed again."""
    with ledger.write() as connection:
        claim(connection, ROW, NOW)
        release(connection, key(1))
        assert find(connection, "letter", "2026-W47", "lan@example.com") is None
        claim(connection, ROW, NOW)
