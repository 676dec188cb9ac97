"""Which tables a column stands on, whatever a plugin does in its conditions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.warehouse.workspaces import NOW, customer, workspace
from tidings.segments.compile import CompiledCondition
from tidings.segments.features import STAGE_2, all_columns
from tidings.segments.questions import Questions, compile_questions
from tidings.segments.reads import FEATURES, REQUIRED, reads
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.features import BASE
from tidings.warehouse.tables import open_tables


def test_every_feature_says_what_it_is_made_of() -> None:
    """One that does not is stopped by any table that is too old."""
    assert {*BASE, *STAGE_2} == set(FEATURES)


@pytest.mark.parametrize(
    ("where", "sources"),
    [
        (["country = 'US'"], {"customers"}),
        (["open_cases > 0"], {"customers", "cases"}),
        (["rfm_money = 5"], {"customers", "orders"}),
        (["last_opened_at IS NULL", {"not": {"received": {"within": "9d"}}}], {"customers"}),
        ([{"bought": {"category": "Milk", "within": "9d"}}], REQUIRED),
        ([{"ordered": {"within": "9d", "at_least": 2}}], {"customers", "orders"}),
        (["other", {"any": ["tier = 'gold'"]}], {"customers", "orders"}),
    ],
)
def test_a_segment_stands_on_what_it_reads(tmp_path: Path, where: list[object], sources: set[str]) -> None:
    """Through columns, conditions and other segments."""
    tables = {"customers": [customer("1", tier="gold")], "cases": []}
    project = workspace(tmp_path, tables, segments={"asked": where, "other": ["orders > 1"]})
    with open_warehouse(project) as warehouse:
        found = open_tables(warehouse, NOW)
        columns = all_columns(found["customers"])
        questions = compile_questions(project, NOW, columns)
        assert set(reads(questions, columns, found, NOW)["in__asked"]) == sources


def test_what_cannot_be_read_stands_on_all(tmp_path: Path) -> None:
    """Neither a feature that nobody knows nor SQL that sqlglot does not understand is taken for fresh."""
    with open_warehouse(workspace(tmp_path)) as warehouse:
        tables = open_tables(warehouse, NOW)
        questions = Questions([{"in__odd": CompiledCondition("a ~~~ (", "a ~~~ (")}], {"odd": "in__odd"})
        found = reads(questions, ["mood"], tables, NOW)
    assert found == {"mood": sorted(REQUIRED), "in__odd": sorted(REQUIRED)}
