from __future__ import annotations

from pathlib import Path

import pytest

from tests.ledger.rows import DAY, NOW, key
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.snapshots import current_snapshot, find_current, publish_snapshot, snapshot, summary


def test_the_last_refresh_is_current(ledger: Ledger, tmp_path: Path) -> None:
    """Before the first refresh there is none; each one becomes current, and older ones can still be read."""
    with ledger.write() as connection:
        assert find_current(connection, tmp_path) is None
        with pytest.raises(TidingsError, match="there is no snapshot yet; run `tidings refresh` first"):
            current_snapshot(connection, tmp_path)
        publish_snapshot(connection, key(1), NOW, Path(".tidings/snapshots/1"), {"customers": 3})
        publish_snapshot(connection, key(2), NOW + DAY, Path(".tidings/snapshots/2"), {"customers": 4})
        found = current_snapshot(connection, tmp_path)
        assert (key(2), NOW + DAY, tmp_path / ".tidings/snapshots/2") == (found.snapshot_id, found.as_of, found.folder)
        assert found == find_current(connection, tmp_path)
        assert tmp_path / ".tidings/snapshots/1" == snapshot(connection, tmp_path, key(1)).folder
        assert {"customers": 3} == summary(connection, key(1))
