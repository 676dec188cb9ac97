"""`segments` repeats what the refreshes counted, and adds what segments share."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.verbs.commands import answer
from tests.warehouse.workspaces import NOW, ago, customer, order, workspace, write_table
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.snapshots import current_snapshot
from tidings.model.segment_counts import SegmentsShape
from tidings.project import Project, load_project
from tidings.verbs.refresh import refresh
from tidings.verbs.segments import segments

SEGMENTS = {
    "late": ["recency_days > 5"],
    "rich": ["points > 3"],
    "never": ["orders > 99"],
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Five customers, two of one person; the points of one are not known."""
    points = {"a": 5, "b": 1, "c": None, "d": 9, "e": 0}
    tables = {
        "customers": [
            customer(who, points=each, **({"email": "x@corner.example"} if who in "ae" else {}))
            for who, each in points.items()
        ],
        "orders": [order("1", "a", ago(9)), order("2", "b", ago(2)), order("3", "e", ago(1))],
    }
    return workspace(tmp_path, tables, segments=SEGMENTS)


def test_sizes_changes_and_unknowns(project: Project) -> None:
    """Before a second refresh nothing is known of changes; persons count, not customers."""
    refresh(project, NOW)
    shape = segments(project, NOW + timedelta(hours=6))
    lines = {line.segment: line for line in shape.segments}
    assert (shape.persons, shape.age_hours, shape.overlap) == (4, 6.0, None)
    assert {name: line.persons for name, line in lines.items()} == {"late": 1, "never": 0, "rich": 2}
    assert (lines["rich"].share, lines["rich"].entered, lines["rich"].left) == (0.5, None, None)
    assert {name: line.unknown for name, line in lines.items()} == {"late": 2, "never": 0, "rich": 1}
    write_table(project.root / "data", "orders", [order("1", "a", ago(9)), order("2", "b", ago(2))])
    refresh(project, NOW + timedelta(days=4))
    late = segments(project, NOW).segments[0]
    assert (late.persons, late.entered, late.left, late.by_edit) == (2, 1, 0, False)


def test_an_edit_is_said(project: Project) -> None:
    """After the refresh: the figures are of the old question; with the next one: the change is the edit's."""
    refresh(project, NOW)
    (project.root / "segments/late.yaml").write_text("segment: late\ntitle: late\nwhere: [recency_days >= 1]\n")
    (project.root / "segments/new.yaml").write_text("segment: new\ntitle: new\nwhere: [orders >= 0]\n")
    edited = load_project(project.root)
    late, new, *_ = segments(edited, NOW).segments
    assert (late.persons, late.edited, new.segment, new.persons, new.unknown) == (1, True, "never", 0, 0)
    refresh(edited, NOW)
    late = segments(edited, NOW).segments[0]
    assert (late.persons, late.entered, late.by_edit, late.edited) == (2, 1, True, False)


def test_overlaps_count_persons(project: Project) -> None:
    """Each two segments both ways: a person with one record in each is in both."""
    refresh(project, NOW)
    with Ledger.open(project, create=False) as ledger, ledger.read() as connection:
        rows = pq.read_table(current_snapshot(connection, project.root).people).to_pylist()
    inside = {name: {row["person_key"] for row in rows if row[f"in__{name}"]} for name in SEGMENTS}
    found = {(pair.segment, pair.other): pair for pair in segments(project, NOW, overlap=True).overlap or []}
    assert set(found) == set(permutations(SEGMENTS, 2))
    for (one, other), pair in found.items():
        assert pair.persons == len(inside[one] & inside[other])
        assert pair.share == (pair.persons / len(inside[one]) if inside[one] else None)
    assert found["rich", "late"].share == 0.5


def test_the_json_of_segments(project: Project) -> None:
    """`segments --json` is the shape, with and without the matrix."""
    refresh(project, NOW)
    assert segments(project, NOW) == answer(project, SegmentsShape, "segments", "--at", NOW.isoformat())
    both = answer(project, SegmentsShape, "segments", "--overlap", "--at", NOW.isoformat())
    assert segments(project, NOW, overlap=True) == both


def test_before_the_first_refresh(project: Project) -> None:
    """There is nothing to count, and the message says what to do."""
    with pytest.raises(TidingsError, match=r"no ledger yet|no snapshot yet"):
        segments(project, NOW)
