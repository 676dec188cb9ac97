"""A ledger on each database, for what reads it."""

from tests.databases import ledger, ledger_url, project

__all__ = ["ledger", "ledger_url", "project"]
