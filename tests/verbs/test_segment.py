"""`segment --explain` asks one customer what the refresh asked everybody: the two can only agree."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.verbs.commands import answer
from tests.warehouse.workspaces import NOW, ago, customer, order, workspace
from tests.workspace import shop
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.snapshots import current_snapshot
from tidings.model.segment_counts import ExplainShape
from tidings.project import Project, load_project
from tidings.segments.explain import explain_segment
from tidings.verbs.refresh import refresh
from tidings.verbs.segment import segment


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A shop that nothing here writes to."""
    return shop(tmp_path_factory.mktemp("looked"))


def test_explaining_agrees_with_membership(looked: Project) -> None:
    """1,000 random customers and segments: the verdict is the snapshot's, and a no names a condition that is false."""
    with Ledger.open(looked, create=False) as ledger, ledger.read() as connection:
        snapshot = current_snapshot(connection, looked.root)
    rows = {row["customer_id"]: row for row in pq.read_table(snapshot.people).to_pylist()}
    draw = random.Random(3)
    pairs: dict[str, list[str]] = {name: [] for name in sorted(looked.segments)}
    for _ in range(1000):
        pairs[draw.choice(list(pairs))].append(draw.choice(list(rows)))
    seen: Counter[bool] = Counter()
    for name, customers in pairs.items():
        for who, told in zip(customers, explain_segment(looked, snapshot, name, customers), strict=True):
            assert told.inside == rows[who][f"in__{name}"], (name, who)
            blamed = [line for line in told.lines if line.failed]
            assert bool(blamed) == (not told.inside)
            assert all((line.answer is True) == line.negated for line in blamed)
            seen[told.inside] += 1
    assert (seen.total(), min(seen[True], seen[False]) > 100) == (1000, True)


def test_a_person_is_in_by_another_record_of_theirs(tmp_path: Path) -> None:
    """The shape says who meets the segment, beside the customer that was asked about."""
    two = [customer(each, email="x@corner.example") for each in "ab"]
    tables = {"customers": two, "orders": [order("1", "b", ago(2))]}
    project = workspace(tmp_path, tables, segments={"buyers": ["orders >= 1"]})
    refresh(project, NOW)
    told = segment(project, "buyers", "a")
    assert (told.inside, told.member, told.records, told.failed) == (False, True, ["b"], ["orders >= 1"])
    assert [value.model_dump() for value in told.lines[1].values] == [
        {"column": "orders", "kind": "number", "value": 0}
    ]


def test_the_json_of_segment(looked: Project) -> None:
    """`segment --explain --json` is the shape."""
    shape = answer(looked, ExplainShape, "segment", "slipping_away", "--explain", "C0001")
    assert segment(looked, "slipping_away", "C0001") == shape


def test_what_nobody_knows(looked: Project) -> None:
    """A segment or customer that is not there is an error with a way out."""
    with pytest.raises(TidingsError, match=r"there is no segment 'loyl'; did you mean 'loyal'\?"):
        segment(looked, "loyl", "C0001")
    with pytest.raises(TidingsError, match="there is no customer 'C9999'; use a customer_id of the last refresh"):
        segment(looked, "loyal", "C9999")


def test_an_edited_segment_is_not_explained(tmp_path: Path) -> None:
    """The snapshot was asked something else."""
    project = shop(tmp_path)
    (project.root / "segments/loyal.yaml").write_text("segment: loyal\ntitle: x\nwhere: [orders >= 4]\n")
    with pytest.raises(TidingsError, match="the segment 'loyal' was edited after the last refresh"):
        segment(load_project(project.root), "loyal", "C0001")
