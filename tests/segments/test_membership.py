"""Who entered and who left, from one refresh to the next, and the two conditions that ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.warehouse.workspaces import NOW, ago, customer, order, workspace, write_table
from tidings.ledger.database import Ledger
from tidings.ledger.snapshots import current_snapshot
from tidings.model.counts import RefreshShape
from tidings.model.seams import Snapshot
from tidings.project import Project, load_project
from tidings.verbs.refresh import refresh

DAY = timedelta(days=1)
SEGMENTS: dict[str, Any] = {
    "buyers": ["orders >= 1"],
    "active": ["buyers", "recency_days < 10"],
    "came": [{"joined": {"segment": "active", "within": "3d"}}],
    "went": [{"left": {"segment": "active", "within": "3d"}}],
    "came_or_put": [{"joined": {"segment": "active", "within": "3d", "definition": True}}],
    "not_gone": [{"not": {"left": {"segment": "active", "within": "3d", "definition": True}}}],
}


def orders(project: Project, **days: float) -> None:
    """Each customer's only order, so many days before NOW."""
    write_table(project.root / "data", "orders", [order(who, who, ago(each)) for who, each in days.items()])


def edit(project: Project, name: str, where: list[Any]) -> Project:
    """The project with another text in a segment's file."""
    return workspace(project.root, tables(), segments=SEGMENTS | {name: where})


def tables() -> Mapping[str, Any]:
    """Four customers, each a person; orders are written apart."""
    return {"customers": [customer(each) for each in "abcd"]}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Customer a ordered yesterday, b nine days ago, c twenty, d never."""
    made = workspace(tmp_path, tables(), segments=SEGMENTS)
    orders(made, a=1, b=9, c=20)
    return made


def snapshot(project: Project) -> Snapshot:
    """The current one."""
    with Ledger.open(project, create=False) as ledger, ledger.read() as connection:
        return current_snapshot(connection, project.root)


def inside(project: Project, name: str) -> str:
    """The customers in a segment."""
    rows = pq.read_table(snapshot(project).people).to_pylist()
    return "".join(row["customer_id"] for row in rows if row[f"in__{name}"])


def kept(project: Project, segment: str) -> dict[str, tuple[str, Any, str]]:
    """The last change of each customer in membership.parquet: which, when, why."""
    who = {row["person_key"]: row["customer_id"] for row in pq.read_table(snapshot(project).people).to_pylist()}
    rows = pq.read_table(snapshot(project).membership).to_pylist()
    return {
        who.get(row["person_key"], "?"): (row["change"], row["since"], row["cause"])
        for row in rows
        if row["segment"] == segment
    }


def balanced(before: RefreshShape, after: RefreshShape) -> None:
    """Nobody comes from nowhere: the size before, and who entered, less who left, is the size."""
    for name, entered in after.entered.items():
        assert before.segments[name] + entered - after.left[name] == after.segments[name]


def test_nobody_joined_with_the_first_refresh(project: Project) -> None:
    """Who is inside on the first day is backlog: counted as neither entered nor left, whatever a condition says."""
    shape = refresh(project, NOW)
    assert (shape.segments["active"], shape.entered, shape.left, shape.edited) == (2, {}, {}, [])
    assert kept(project, "active") == dict.fromkeys("ab", ("entered", NOW, "backlog"))
    assert [inside(project, name) for name in ("came", "went", "came_or_put", "not_gone")] == ["", "", "", "abcd"]


def test_who_enters_and_leaves_is_known_in_the_same_refresh(project: Project) -> None:
    """Two days on b has fallen out of the segment and c has come back into it, both by the data."""
    first = refresh(project, NOW)
    orders(project, a=1, b=9, c=-1)
    second = refresh(project, NOW + 2 * DAY)
    assert (second.entered["active"], second.left["active"], second.edited) == (1, 1, [])
    balanced(first, second)
    then = NOW + 2 * DAY
    assert kept(project, "active") == {
        "a": ("entered", NOW, "backlog"), "b": ("left", then, "data"), "c": ("entered", then, "data"),
    }  # fmt: skip
    assert (inside(project, "came"), inside(project, "went")) == ("c", "b")
    assert inside(project, "not_gone") == "acd"


def test_a_stay_keeps_its_beginning(project: Project) -> None:
    """Later refreshes carry the moment forward, until it lies further back than the condition asks."""
    refresh(project, NOW)
    orders(project, a=1, b=9, c=-1)
    refresh(project, NOW + 2 * DAY)
    third = refresh(project, NOW + 4 * DAY)
    assert (third.entered["active"], third.left["active"]) == (0, 0)
    assert kept(project, "active")["c"] == ("entered", NOW + 2 * DAY, "data")
    assert (inside(project, "came"), inside(project, "went")) == ("c", "b")
    refresh(project, NOW + 5 * DAY + timedelta(minutes=1))
    assert (inside(project, "active"), inside(project, "came"), inside(project, "went")) == ("ac", "", "")


def test_an_edit_is_the_cause_of_what_it_changes(project: Project) -> None:
    """Also where it stands in a segment that the segment reads; such entries are asked for by `definition: true`."""
    first = refresh(project, NOW)
    wider = edit(project, "active", ["buyers", "recency_days < 30"])
    orders(wider, a=1, b=9, c=20)
    second = refresh(wider, NOW + DAY)
    assert second.edited == ["active", "came", "came_or_put", "not_gone", "went"]
    assert second.entered["active"] == 1
    balanced(first, second)
    assert kept(wider, "active")["c"] == ("entered", NOW + DAY, "definition")
    assert (inside(wider, "came"), inside(wider, "came_or_put")) == ("", "c")
    assert refresh(wider, NOW + DAY).edited == []
    none = edit(wider, "buyers", ["orders >= 5"])
    orders(none, a=1, b=9, c=20)
    third = refresh(none, NOW + 2 * DAY)
    assert third.edited == sorted(SEGMENTS)
    assert {cause for _, _, cause in kept(none, "active").values()} == {"definition"}
    assert (inside(none, "went"), inside(none, "not_gone")) == ("", "d")


def test_a_new_segment_begins_with_a_backlog(project: Project) -> None:
    """Nobody was asked before, so nobody has entered; and a segment without a file is forgotten."""
    refresh(project, NOW)
    (project.root / "segments/went.yaml").unlink()
    (project.root / "segments/fresh.yaml").write_text("segment: fresh\ntitle: Fresh\nwhere: [orders >= 0]\n")
    shape = refresh(load_project(project.root), NOW + DAY)
    assert "fresh" not in shape.entered
    assert {each[2] for each in kept(project, "fresh").values()} == {"backlog"}
    assert "went" not in pq.read_table(snapshot(project).membership)["segment"].to_pylist()


def test_who_is_gone_has_left_and_is_forgotten(project: Project) -> None:
    """A customer whom the company deleted leaves every segment once; the refresh after does not know them."""
    first = refresh(project, NOW)
    write_table(project.root / "data", "customers", [customer(each) for each in "acd"])
    second = refresh(project, NOW + timedelta(hours=1))
    assert (second.left["active"], second.left["buyers"]) == (1, 1)
    balanced(first, second)
    assert kept(project, "active")["?"] == ("left", NOW + timedelta(hours=1), "data")
    third = refresh(project, NOW + timedelta(hours=2))
    assert third.left["active"] == 0
    assert "?" not in kept(project, "active")


def test_persons_who_turn_out_to_be_one_stay_where_either_was(project: Project) -> None:
    """The older key keeps the stay of the younger one: nothing has changed, so nobody has entered."""
    refresh(project, NOW)
    customers = [customer(each) for each in "abcd"]
    customers[2]["email"] = customers[0]["email"]
    write_table(project.root / "data", "customers", customers)
    shape = refresh(project, NOW + timedelta(hours=1))
    assert shape.persons == 3
    assert (shape.entered["active"], shape.left["active"]) == (0, 0)
    assert sorted(row[1] for row in kept(project, "active").values()) == [NOW, NOW]
    assert inside(project, "came") == ""


def test_a_person_is_one_for_both_conditions(tmp_path: Path) -> None:
    """Where one record of theirs comes in, every record has joined; leaving takes both."""
    two = [customer("a", email="x@corner.example"), customer("b", email="x@corner.example")]
    project = workspace(tmp_path, {"customers": two}, segments=SEGMENTS)
    refresh(project, NOW)
    orders(project, b=-1)
    refresh(project, NOW + 2 * DAY)
    assert (inside(project, "active"), inside(project, "came")) == ("b", "ab")
    orders(project, a=-1)
    shape = refresh(project, NOW + 3 * DAY)
    assert (shape.entered["active"], shape.left["active"]) == (0, 0)
    assert inside(project, "went") == ""


def test_a_snapshot_without_a_history_says_who_is_inside(project: Project) -> None:
    """One made by an older version: who stays is backlog of that day, who comes or goes has done so by the data."""
    refresh(project, NOW)
    snapshot(project).membership.unlink()
    orders(project, a=1, b=9, c=-1)
    shape = refresh(project, NOW + 2 * DAY)
    assert (shape.entered["active"], shape.left["active"]) == (1, 1)
    assert kept(project, "active")["a"] == ("entered", NOW, "backlog")


def test_history_holds_no_customer(project: Project) -> None:
    """The file knows persons by their key alone."""
    refresh(project, NOW)
    assert pq.read_schema(snapshot(project).membership).names == ["segment", "person_key", "change", "since", "cause"]
