from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.segments.test_stage2 import people
from tests.warehouse.workspaces import ago, customer, order, workspace
from tidings.errors import ProjectErrors, TidingsError
from tidings.model.insight import Ladder
from tidings.project import load_project
from tidings.segments.ladder import LEVELS, STATUSES, check_advocate
from tidings.verbs.check import check

Found = dict[str, tuple[str | None, str | None]]


def found(
    root: Path, history: dict[str, list[float]], facts: dict[str, dict[str, Any]] | None = None, **ladder: Any
) -> Found:
    """Level and status of customers who ordered so many days ago, each with the facts declared of them."""
    customers = [customer(who, **(facts or {}).get(who, {})) for who in history]
    orders = [order(f"{who}{n}", who, ago(days)) for who, past in history.items() for n, days in enumerate(past)]
    project = workspace(root, {"customers": customers, "orders": orders}, ladder=ladder)
    rows, _ = people(project, root)
    return {row["customer_id"]: (row["level"], row["status"]) for row in rows}


def test_levels_go_by_orders(tmp_path: Path) -> None:
    """None, one, several, and several close enough together."""
    history = {
        "a": [], "b": [3], "c": [3, 9], "d": [3, 9, 15, 21, 27], "e": [3, 20, 40, 60, 368], "f": [3, 20, 40, 60, 368.1],
    }  # fmt: skip
    levels = {who: level for who, (level, _) in found(tmp_path, history).items()}
    assert levels == {"a": "prospect", "b": "first_time", "c": "repeat", "d": "loyal", "e": "loyal", "f": "repeat"}


def test_a_level_does_not_fall_by_silence(tmp_path: Path) -> None:
    """Loyal long ago and silent since: the status says so, the level stays."""
    assert found(tmp_path, {"a": [900, 890, 880, 870, 860]}) == {"a": ("loyal", "lost")}


def test_a_recovery_is_not_an_upgrade(tmp_path: Path) -> None:
    """Who comes back is won back, on the level they had."""
    past = [300, 290, 280]
    assert found(tmp_path, {"gone": past, "back": [*past, 5]}) == {
        "gone": ("repeat", "lost"),
        "back": ("repeat", "won_back"),
    }


def test_silence_is_counted_in_own_gaps(tmp_path: Path) -> None:
    """Every ten days is at risk after more than 20 days, lapsed after more than 30, lost after more than 60."""
    rhythm = {"a": 20, "b": 20.1, "c": 30, "d": 30.1, "e": 60, "f": 60.1}
    history = {who: [days, days + 10, days + 20] for who, days in rhythm.items()}
    assert [status for _, status in found(tmp_path, history).values()] == [
        "active", "at_risk", "at_risk", "lapsed", "lapsed", "lost",
    ]  # fmt: skip


def test_who_ordered_once_has_the_usual_gap(tmp_path: Path) -> None:
    """30 days, unless the settings say otherwise."""
    history = {"a": [60.0], "b": [61.0], "c": [91.0], "d": [181.0]}
    statuses = {who: status for who, (_, status) in found(tmp_path, history).items()}
    assert statuses == {"a": "active", "b": "at_risk", "c": "lapsed", "d": "lost"}
    assert found(tmp_path, {"a": [60.0]}, usual_gap="10d") == {"a": ("first_time", "lapsed")}


def test_two_orders_of_one_morning_are_no_rhythm(tmp_path: Path) -> None:
    """An own gap counts as at least a week."""
    assert found(tmp_path, {"a": [13, 13.1]}) == {"a": ("repeat", "active")}
    assert found(tmp_path, {"a": [13, 13.1]}, shortest_gap="1d") == {"a": ("repeat", "lost")}


def test_won_back_is_judged_by_the_rhythm_before_the_silence(tmp_path: Path) -> None:
    """More than three gaps of then, for 90 days from the return, and while nothing slips again."""
    history = {
        "weekly": [54, 47, 40, 18], "just": [80, 70, 60, 30], "once": [120, 29], "once_just": [120, 30],
        "long_ago": [700, 690, 680, 100, 90.5, 80, 70, 60, 50, 40, 30, 20, 10], "prospect": [],
        "again": [200, 190, 180, 90, 89, 88, 87, 86, 85, 84, 83, 82, 81],
    }  # fmt: skip
    statuses = {who: status for who, (_, status) in found(tmp_path, history).items()}
    assert statuses == {
        "weekly": "won_back", "just": "active", "once": "won_back", "once_just": "active", "long_ago": "active",
        "prospect": None, "again": "lost",
    }  # fmt: skip


def test_an_advocate_is_declared(tmp_path: Path) -> None:
    """By a true in the column that the settings name, of somebody who ordered; unknown is no; nobody without one."""
    facts = {"a": {"fan": True}, "b": {"fan": False}, "c": {"fan": None}, "d": {"fan": True}}
    history = {"a": [3], "b": [3], "c": [3, 9], "d": []}
    levels = {who: level for who, (level, _) in found(tmp_path, history, facts, advocate="fan").items()}
    assert levels == {"a": "advocate", "b": "first_time", "c": "repeat", "d": "prospect"}
    assert {level for level, _ in found(tmp_path, history, facts).values()} == {"first_time", "repeat", "prospect"}


def test_an_order_that_was_returned_lifts_nobody(tmp_path: Path) -> None:
    """Neither level nor status know of it."""
    orders = [order("1", "a", ago(50)), order("2", "a", ago(3), status="returned")]
    project = workspace(tmp_path, {"customers": [customer("a")], "orders": orders})
    [row] = people(project, tmp_path)[0]
    assert (row["level"], row["status"]) == ("first_time", "active")


def test_segments_ask_for_level_and_status(tmp_path: Path) -> None:
    """As text; a prospect has no status, and so neither has one nor lacks one."""
    tables = {"customers": [customer("a"), customer("b")], "orders": [order("1", "a", ago(70))]}
    segments = {"risky": ["level = 'first_time' and status in ('at_risk', 'lapsed')"], "other": ["status <> 'lost'"]}
    rows, sizes = people(workspace(tmp_path, tables, segments=segments), tmp_path)
    assert sizes == {"risky": 1, "other": 1}
    assert {row["level"] for row in rows} <= set(LEVELS)
    assert {row["status"] for row in rows} <= {*STATUSES, None}
    assert not [name for name in rows[0] if name.startswith("ladder")]


def test_a_column_of_advocates_is_one_of_yes_and_no() -> None:
    """A misspelt one and one of text are said with what to do."""
    check_advocate(Ladder(advocate="fan"), {"fan": "boolean"})
    with pytest.raises(TidingsError, match="customers have no column 'fun'; did you mean 'fan'"):
        check_advocate(Ladder(advocate="fun"), {"fan": "boolean"})
    with pytest.raises(TidingsError, match=r"the column 'fan' is not true or false; cast it in warehouse\.tables"):
        check_advocate(Ladder(advocate="fan"), {"fan": "text"})


def test_check_says_where_the_column_is_named(tmp_path: Path) -> None:
    """With file, line and column, as every mistake."""
    project = workspace(tmp_path, {"customers": [customer("a")]}, ladder={"advocate": "fan"})
    [finding] = check(project.root).findings
    assert (finding.file, finding.line, finding.column) == ("config/tidings.yaml", 21, 13)
    assert finding.reason == "ladder.advocate: customers have no column 'fan'"


def test_thresholds_rise(tmp_path: Path) -> None:
    """A customer is at risk before they are lapsed, and lapsed before they are lost."""
    workspace(tmp_path)
    path = tmp_path / "config/tidings.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "ladder: {at_risk: 3}\n", encoding="utf-8")
    with pytest.raises(ProjectErrors, match="`at_risk`, `lapsed` and `lost` do not rise; write such as at_risk: 2"):
        load_project(tmp_path)
