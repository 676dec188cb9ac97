from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.stage import NOW
from tests.workspace import bare_project
from tidings.model.campaign import Segment
from tidings.model.seams import Snapshot
from tidings.planning.questions import asked, edited_segments
from tidings.project import Project

FILES: dict[str, list[Any]] = {
    "alone": ["orders >= 1"],
    "named": [{"in_segment": "alone"}],
    "bare": ["named", "orders >= 2"],
    "nested": [{"any": [{"not": {"in_segment": "bare"}}, "orders >= 9"]}],
}
FORWARD = [("category", "Milk"), ("within", "30d")]


def _project(root: Path, **changes: list[Any]) -> Project:
    segments = {name: Segment(segment=name, title=name, where=where) for name, where in (FILES | changes).items()}
    return replace(bare_project(root), segments=segments)


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    """A snapshot that was asked what FILES ask."""
    kept = {"questions": asked(_project(tmp_path))}
    (tmp_path / "summary.json").write_text(json.dumps(kept))
    return Snapshot("s", NOW, tmp_path)


@pytest.mark.parametrize(
    ("condition", "edited"),
    [
        ("alone", ["alone"]),
        ("named", ["alone"]),
        ("bare", ["alone"]),
        ({"not": {"all": ["orders >= 3", "nested"]}}, ["alone"]),
        ("orders >= 3", []),
        ("nobody", []),
    ],
)
def test_an_edit_is_found_behind_every_name(snapshot: Snapshot, condition: Any, edited: list[str]) -> None:
    """However a condition comes to a segment: by `in_segment`, by its bare name, inside lists and under `not`."""
    project = _project(snapshot.folder)
    assert [] == edited_segments(project, snapshot, condition)
    assert edited == edited_segments(_project(snapshot.folder, alone=["orders >= 5"]), snapshot, condition)


def test_the_edited_one_is_named(snapshot: Snapshot) -> None:
    """Those that only ask about it are not; what lies behind them is not looked at in vain."""
    project = _project(snapshot.folder, bare=["orders >= 2"], alone=["orders >= 5"])
    assert ["bare"] == edited_segments(project, snapshot, "nested")


def test_the_order_of_keys_is_no_edit(snapshot: Snapshot) -> None:
    """What a file means counts, not how it is laid out."""
    one, other = ([{"bought": dict(keys)}] for keys in (FORWARD, reversed(FORWARD)))
    assert asked(_project(snapshot.folder, alone=one)) == asked(_project(snapshot.folder, alone=other))


def test_segments_in_a_circle_are_walked_once(snapshot: Snapshot) -> None:
    """`check` and the refresh refuse them; a plan made before says that they were edited."""
    project = _project(snapshot.folder, alone=["bare"])
    assert ["alone"] == edited_segments(project, snapshot, "bare")


def test_a_segment_that_the_snapshot_does_not_know(snapshot: Snapshot) -> None:
    """It has no column either, which is said by another sentence."""
    assert [] == edited_segments(_project(snapshot.folder, newest=["orders >= 5"]), snapshot, "newest")
