from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.segments.asking import compiled_condition
from tests.warehouse.workspaces import NOW, customer, workspace
from tidings.project import Project
from tidings.segments.compile import NEVER, Compiler, scope_of

COLUMNS = {"orders": "number", "total_spend": "money", "tier": "text", "member": "boolean"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A workspace with one segment."""
    return workspace(tmp_path_factory.mktemp("w"), {"customers": [customer("1")]}, segments={"loyal": ["orders >= 3"]})


def mistakes(project: Project, condition: Any) -> list[tuple[Any, str]]:
    """Place and reason of everything wrong in a condition."""
    compiler = Compiler(project, NOW, scope_of(project, COLUMNS))
    compiler.compile(condition, ("where",))
    return [(mistake.place, mistake.reason) for mistake in compiler.mistakes]


def test_a_name_is_a_segment_before_it_is_a_column(project: Project) -> None:
    """Audiences name segments; a boolean column can be named too."""
    named = compiled_condition(project, "loyal", COLUMNS)
    assert (named.sql, named.segments) == ('"in__loyal"', {"loyal"})
    assert compiled_condition(project, {"in_segment": "loyal"}, COLUMNS) == named
    assert compiled_condition(project, "member", COLUMNS).sql == 'coalesce("member", FALSE)'


def test_lists_mean_and(project: Project) -> None:
    """Under `where`; nothing at all is true of everybody."""
    both = compiled_condition(project, ["orders >= 3", {"any": ["loyal", {"not": "member"}]}], COLUMNS)
    name = next(iter(both.parameters))
    assert both.sql == f'(coalesce(("orders" >= ${name}), FALSE) AND ("in__loyal" OR (NOT coalesce("member", FALSE))))'
    assert compiled_condition(project, [], COLUMNS).sql == "TRUE"


def test_a_named_condition_brings_what_it_needs(project: Project) -> None:
    """The aggregates of the warehouse and those of the ledger are asked for apart."""
    condition = {"all": [{"bought": {"category": "Milk", "within": "9d"}}, {"clicked": {"step": "a", "within": "9d"}}]}
    compiled = compiled_condition(project, condition, COLUMNS)
    assert [type(each).name for each in compiled.conditions] == ["bought", "clicked"]
    assert "Milk" not in compiled.sql
    assert compiled.parameters == {}


def test_mistakes_are_all_found_with_their_places(project: Project) -> None:
    """One wrong leaf does not hide the next (R50: nothing of them is compiled)."""
    condition = [
        "ordrs >= 3",
        {"any": ["loyalty", {"not": "tier > 3"}, {"bougt": {}}, {"bought": {"colour": "red", "within": "3d"}}]},
        {"in_segment": "lyal"},
        {"bought": {}, "ordered": {}},
        {"any": []},
        5,
    ]
    assert mistakes(project, condition) == [
        (("where", 0), "there is no column 'ordrs'"),
        (("where", 1, "any", 0), "there is no segment 'loyalty'"),
        (("where", 1, "any", 1, "not"), "a number is compared with text"),
        (("where", 1, "any", 2, "bougt"), "there is no condition 'bougt'"),
        (("where", 1, "any", 3, "bought", "colour"), "in `bought`: unknown key 'colour'"),
        (("where", 2, "in_segment"), "there is no segment 'lyal'"),
        (("where", 3), "a condition has one name; here: bought, ordered"),
        (("where", 4, "any"), "`any` needs a list of conditions"),
        (("where", 5), "5 is not a condition"),
    ]


def test_a_workspace_without_data_compiles(tmp_path: Path) -> None:
    """Where the warehouse cannot be read unknown columns pass, so that files can be checked without data."""
    assert '"tier"' in compiled_condition(workspace(tmp_path), "tier = 'gold'", None).sql


def test_not_of_opened_is_the_complement_of_whoever_opened_and_whatever_did(project: Project) -> None:
    """The column under an odd number of `not` counts machines too, under an even one people only (R37)."""  # R37
    opened = {"opened": {"campaign": "news", "within": "9d"}}

    def column(condition: Any) -> str:
        return compiled_condition(project, condition, COLUMNS).conditions[0].column  # type: ignore[attr-defined]

    yes, no = column(opened), column({"not": opened})
    assert yes != no
    assert column({"not": {"any": [opened, "member"]}}) == no
    assert column([{"not": {"not": opened}}]) == yes
    clicked = {"clicked": {"within": "9d"}}
    assert column({"not": clicked}) == column(clicked)


FAULTY = """from tidings.hookspecs import hookimpl
from tidings.model.base import Noun
from tidings.model.seams import Condition


class Odd(Condition):
    name = "odd"

    class Config(Noun):
        segment: str = "loyal"

    def sql(self, now):
        {body}


@hookimpl
def register_conditions():
    return [Odd]
"""


def odd(root: Path, body: str) -> Project:
    """A workspace whose plugin has a condition that answers so."""
    (root / "plugins").mkdir()
    (root / "plugins/odd.py").write_text(FAULTY.format(body=body))
    return workspace(root, segments={"loyal": ["orders >= 3"]})


def test_a_plugin_that_fails_over_its_sql_is_named(tmp_path: Path) -> None:
    """Where it was asked; the other conditions are looked into all the same (R55)."""  # R55
    project = odd(tmp_path, "return 1 / 0")
    assert mistakes(project, [{"odd": {}}, "ordrs > 3"]) == [
        (("where", 0, "odd"), "the condition 'odd' fails: ZeroDivisionError: division by zero"),
        (("where", 1), "there is no column 'ordrs'"),
    ]


def test_a_plugin_s_condition_is_asked_after_the_segment_it_names(tmp_path: Path) -> None:
    """It may read the segment's column, so the segment is answered first."""
    made = compiled_condition(odd(tmp_path, "return '\"in__loyal\"'"), {"odd": {}}, COLUMNS)
    assert made.segments == {"loyal"}


def test_a_wrong_condition_is_false(project: Project) -> None:
    """What cannot be read holds for nobody."""
    assert Compiler(project, NOW, scope_of(project, COLUMNS)).compile("ordrs > 3") == NEVER


def test_sql_may_be_written_as_a_mapping(project: Project) -> None:
    """The same as the string; a bare word in it is a column, never a segment."""
    string = compiled_condition(project, "orders >= 3", COLUMNS)
    assert compiled_condition(project, {"sql": "orders >= 3"}, COLUMNS) == string
    assert compiled_condition(project, {"not": {"sql": " member"}}, COLUMNS).sql == '(NOT coalesce("member", FALSE))'
    asked = [{"sql": "loyal"}, {"sql": ""}, {"sql": ["orders >= 3"]}, {"sql": "ordrs > 3"}]
    assert [mistakes(project, each) for each in asked] == [
        [(("where", "sql"), "there is no column 'loyal'")],
        [(("where", "sql"), "`sql` takes an expression, not ''")],
        [(("where", "sql"), "`sql` takes an expression, not a list")],
        [(("where", "sql"), "there is no column 'ordrs'")],
    ]
