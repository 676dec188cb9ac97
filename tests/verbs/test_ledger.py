from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from tests.workspace import NOW, bare_project, shop
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.tables import messages
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
    assert made.rows["not_before"].min() == ledger(project).oldest_planned
    with Ledger.open(project) as opened, opened.write() as connection:
        connection.execute(update(messages).where(messages.c.state == "planned").values(state="in_doubt"))
    found = ledger(project)
    assert (made.counts.planned, None) == (found.in_doubt, found.oldest_planned)


def test_before_the_first_refresh(tmp_path: Path) -> None:
    """Without a ledger there is nothing to show, and the error says what to run."""
    with pytest.raises(TidingsError, match="there is no ledger yet; run `tidings refresh` first"):
        ledger(bare_project(tmp_path))
