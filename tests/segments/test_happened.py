from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.segments.test_stage2 import people
from tests.warehouse.workspaces import NOW, ago, customer, event, workspace
from tidings.errors import ProjectErrors
from tidings.segments.happened import Did, Viewed
from tidings.verbs.check import check
from tidings.verbs.refresh import refresh

EVENTS = [
    event("1", "a", "viewed", ago(3)), event("2", "a", "viewed", ago(7)), event("3", "a", "viewed", ago(7.1)),
    event("4", "b", "O'Neill's; DROP TABLE events --", ago(1)), event("5", "b", "viewed", ago(-1)),
    event("6", "a", "viewed", ago(3)), event("6", "a", "viewed", ago(3)), event("7", None, "viewed", ago(1)),
]  # fmt: skip


def who(root: Path, events: list[Any], **asked: Any) -> dict[str, str]:
    """For each condition the ids of those it holds for, as one word."""
    project = workspace(root, {"customers": [customer(each) for each in "abc"], "events": events})
    rows, _ = people(project, root, asked)
    return {name: "".join(row["customer_id"] for row in rows if row[name]) for name in asked}


def test_events_are_found_by_name_time_and_number(tmp_path: Path) -> None:
    """The boundary is inside; an event twice under one id is one; one of the future, or of nobody, counts nowhere."""
    found = who(
        tmp_path,
        EVENTS,
        seen={"viewed": {"within": "3d"}},
        not_seen={"not": {"viewed": {"within": "3d"}}},
        late={"viewed": {"within": "2d"}},
        three={"viewed": {"within": "7d", "at_least": 3}},
        four={"viewed": {"within": "7d", "at_least": 4}},
        five={"viewed": {"within": "8d", "at_least": 4}},
        same={"did": {"event": "viewed", "within": "3d"}},
        odd={"did": {"event": "O'Neill's; DROP TABLE events --", "within": "3d"}},
        none={"did": {"event": "Viewed", "within": "30d"}},
    )
    assert found == {
        "seen": "a", "not_seen": "bc", "late": "", "three": "a", "four": "", "five": "a", "same": "a", "odd": "b",
        "none": "",
    }  # fmt: skip


def test_nothing_happened_in_an_empty_table(tmp_path: Path) -> None:
    """Neither once nor more often."""
    asked = {"once": {"viewed": {"within": "3d"}}, "twice": {"viewed": {"within": "3d", "at_least": 2}}}
    assert who(tmp_path, [], **asked) == {"once": "", "twice": ""}


def test_one_aggregate_serves_every_time() -> None:
    """The last time does not depend on `within`; a number does. No text of the file is in the SQL (R50)."""

    def made(**config: Any) -> Did:
        return Did(Did.Config.model_validate({"event": "x'; --"} | config))

    assert made(within="3d").column == made(within="9d").column
    columns = [made(within=span, at_least=n).column for span, n in (("3d", 1), ("3d", 2), ("9d", 2))]
    columns += [made(at_least=2).column, Viewed(Viewed.Config()).column]
    assert len(set(columns)) == len(columns)
    assert "x'" not in made().sql(NOW)
    assert made(at_least=2).sql(NOW).endswith(">= 2")


def test_a_warehouse_without_events_is_a_mistake_with_its_place(tmp_path: Path) -> None:
    """Said by check and by refresh, once for each condition."""
    where = ["orders >= 0", {"any": [{"viewed": {"within": "3d"}}, {"did": {"event": "x", "within": "3d"}}]}]
    project = workspace(tmp_path, segments={"seen": where})
    assert [f"{each.file}:{each.line}:{each.column}: {each.reason}" for each in check(tmp_path).findings] == [
        "segments/seen.yaml:7:7: `viewed` asks for events, and the warehouse has no table of them",
        "segments/seen.yaml:9:7: `did` asks for events, and the warehouse has no table of them",
    ]
    with pytest.raises(ProjectErrors, match="add the table `events`, or name it in warehouse"):
        refresh(project, NOW)


def test_a_refresh_reads_events(tmp_path: Path) -> None:
    """From the company's table, renamed in the settings; broken rows are counted."""
    tables = {"customers": [customer("a")], "events": EVENTS}
    select = "select event_id, customer_id, event, occurred_at, 'x' as properties from events"
    project = workspace(
        tmp_path, tables, segments={"seen": [{"viewed": {"within": "3d"}}]}, warehouse={"tables": {"events": select}}
    )
    found = refresh(project, NOW)
    assert found.segments == {"seen": 1}
    assert found.quarantined == {"events.customer_id": 1, "events.duplicate": 1}


def test_an_event_has_a_time_to_look_back(tmp_path: Path) -> None:
    """As every condition about something that happens."""
    with pytest.raises(ProjectErrors, match="`viewed` needs `within` here"):
        workspace(tmp_path, segments={"seen": [{"viewed": {}}]})
