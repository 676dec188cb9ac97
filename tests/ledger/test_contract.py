"""Both databases keep the promises of the kit."""

from __future__ import annotations

from tidings.testing.ledger_contract import LedgerContract


class TestLedger(LedgerContract):
    """On SQLite and on PostgreSQL: the folder's `ledger` is one or the other."""
