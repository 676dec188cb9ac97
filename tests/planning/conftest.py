"""A stage on SQLite for what only reads; `either` is one on each database, for what writes."""

from tests.databases import ledger, ledger_url, project
from tests.stage import either, stage

__all__ = ["either", "ledger", "ledger_url", "project", "stage"]
