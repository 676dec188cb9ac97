"""Campaigns for the planning tests."""

from __future__ import annotations

from typing import Any

from tidings.model.campaign import Campaign

SEND = {"id": "hello", "send": "email", "template": "letter/hello"}


def campaign(**changes: Any) -> Campaign:
    """A broadcast every day at nine, changed as asked."""
    fields = {
        "campaign": "letter",
        "title": "A letter",
        "aim": "care",
        "status": "live",
        "owner": "lan@example.com",
        "schedule": "0 9 * * *",
        "audience": {"include": "readers"},
        "steps": [SEND],
    }
    return Campaign.model_validate(fields | changes)
