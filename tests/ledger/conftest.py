"""Every test here runs on both databases: it asks for `ledger`, which is one or the other."""

from tests.databases import ledger, ledger_url, project

__all__ = ["ledger", "ledger_url", "project"]
