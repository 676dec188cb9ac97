from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.verbs.commands import answer
from tests.verbs.walk import letters, walked
from tests.workspace import DAY, NOW, bare_project
from tidings.errors import TidingsError
from tidings.ledger import contacts
from tidings.ledger.database import Ledger
from tidings.model.counts import TrackShape
from tidings.model.delivery import ProviderEvent
from tidings.verbs.track import track


def test_events_are_taken_in_one_transaction(tmp_path: Path) -> None:
    """New, known and unmatched ones are told apart, and a no is in force when the call returns."""
    walk = walked(tmp_path)
    letter = letters(walk.project, walk.cast["silent"])["goodbye"]
    fields = {"provider": "test", "event_id": "e1", "kind": "complained", "occurred_at": NOW + 17 * DAY}
    ours = ProviderEvent.model_validate(fields | {"send_key": letter.key})
    stranger = ProviderEvent.model_validate(fields | {"event_id": "e2", "send_key": "f" * 32})
    with Ledger.open(walk.project) as ledger:
        with ledger.read() as connection:
            before = contacts.suppressed(connection)
        assert TrackShape(new=2, known=1, unmatched=1) == track(walk.project, [ours, stranger, ours], NOW + 18 * DAY)
        assert TrackShape(new=0, known=2, unmatched=0) == track(walk.project, [stranger, ours], NOW + 19 * DAY)
        with ledger.read() as connection:
            assert 1 == len(contacts.suppressed(connection) - before)


def test_the_json_of_tracking(tmp_path: Path) -> None:
    """`track --json` reads JSON lines and prints the shape."""
    walk = walked(tmp_path / "shop")
    letter = letters(walk.project, walk.cast["silent"])["miss_you"]
    at = NOW + timedelta(days=2)
    event = ProviderEvent.model_validate(
        {"provider": "test", "event_id": "e9", "kind": "opened", "occurred_at": at, "send_key": letter.key}
    )
    path = tmp_path / "events.jsonl"
    path.write_text(f"{event.model_dump_json()}\n\n{event.model_dump_json()}\n")
    shape = answer(walk.project, TrackShape, "track", str(path), "--at", at.isoformat())
    assert TrackShape(new=1, known=1, unmatched=0) == shape


def test_without_a_ledger(tmp_path: Path) -> None:
    """Events of nobody's messages are refused as long as there is no ledger."""
    with pytest.raises(TidingsError, match="there is no ledger yet"):
        track(bare_project(tmp_path), [], NOW)
