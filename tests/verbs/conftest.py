"""A stage on either database, one after the other."""

from tests.databases import ledger, ledger_url, project
from tests.stage import either, stage

__all__ = ["either", "ledger", "ledger_url", "project", "stage"]
