from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import insert, update

from tests.workspace import NOW, bare_project, shop
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.tables import lanes, messages
from tidings.verbs.approve import approve
from tidings.verbs.ledger import ledger
from tidings.verbs.plan import plan


def test_where_everybody_is(tmp_path: Path) -> None:
    """Messages by state, how many are in doubt, and since when the oldest released one waits."""
    project = shop(tmp_path)
    found = ledger(project)
    assert ({}, 0, None, 235) == (found.messages, found.in_doubt, found.oldest_planned, found.persons)
    made = plan(project, "newsletter", NOW, commit=True)
    found = ledger(project)
    assert {"planned": made.counts.planned, "withheld": made.counts.withheld} == found.messages
    assert found.oldest_planned is None
    approve(project, "newsletter", NOW, who="lan")
    found = ledger(project)
    assert made.rows["not_before"].min() == found.oldest_planned
    assert ({"newsletter": found.messages}, None, []) == (found.campaigns, found.oldest_in_doubt, found.paused)
    with Ledger.open(project) as opened, opened.write() as connection:
        doubted = {"state": "in_doubt", "counted_at": NOW}
        connection.execute(update(messages).where(messages.c.state == "planned").values(doubted))
        stopped = {"provider": "smtp", "domain_group": "gmail", "paused_at": NOW}
        connection.execute(insert(lanes), [stopped, stopped | {"domain_group": "other", "paused_at": None}])
    found = ledger(project)
    assert (made.counts.planned, NOW, None) == (found.in_doubt, found.oldest_in_doubt, found.oldest_planned)
    assert (["smtp/gmail"], 0) == (found.paused, found.behind)
    assert found.size > 100_000


def test_before_the_first_refresh(tmp_path: Path) -> None:
    """Without a ledger there is nothing to show, and the error says what to run."""
    with pytest.raises(TidingsError, match="there is no ledger yet; run `tidings refresh` first"):
        ledger(bare_project(tmp_path))
