from __future__ import annotations

from pathlib import Path

from tests.warehouse.workspaces import customer, workspace
from tidings.segments.features import STAGE_2, known_columns
from tidings.warehouse.features import BASE


def test_known_columns_are_base_own_and_stage_2(tmp_path: Path) -> None:
    """What a segment may ask about, with the kind of each."""
    found = known_columns(workspace(tmp_path, {"customers": [customer("1", tier="gold")]}))
    assert found is not None
    assert {**BASE, **STAGE_2, "tier": "text"}.items() <= found.items()
    assert found["rfm_money"] == "number"
    assert found["last_clicked_at"] == "time"


def test_columns_are_unknown_before_the_data_is_there(tmp_path: Path) -> None:
    """None, not an empty mapping: every column could be there."""
    assert known_columns(workspace(tmp_path, warehouse={"folder": "nowhere"})) is None
