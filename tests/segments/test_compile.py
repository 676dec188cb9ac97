from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.workspaces import NOW, customer, workspace
from tidings.errors import ProjectErrors
from tidings.project import Project
from tidings.segments.compile import Compiler, compile_condition, is_event, scope_of
from tidings.segments.conditions import Bought, InSegment

COLUMNS = {"orders": "number", "total_spend": "money", "tier": "text", "member": "boolean"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A workspace with one segment."""
    return workspace(tmp_path_factory.mktemp("w"), {"customers": [customer("1")]}, segments={"loyal": ["orders >= 3"]})


def mistakes(project: Project, condition: Any, *, since_entry: bool = False) -> list[tuple[Any, str]]:
    """Place and reason of everything wrong in a condition."""
    compiler = Compiler(project, NOW, scope_of(project, COLUMNS), since_entry)
    compiler.compile(condition, ("where",))
    return [(mistake.place, mistake.reason) for mistake in compiler.mistakes]


def test_a_name_is_a_segment_before_it_is_a_column(project: Project) -> None:
    """Audiences name segments; a boolean column can be named too."""
    named = compile_condition(project, "loyal", NOW, columns=COLUMNS)
    assert (named.sql, named.segments) == ('"in__loyal"', {"loyal"})
    assert compile_condition(project, {"in_segment": "loyal"}, NOW, columns=COLUMNS) == named
    assert compile_condition(project, "member", NOW, columns=COLUMNS).sql == 'coalesce("member", FALSE)'


def test_lists_mean_and(project: Project) -> None:
    """Under `where`; nothing at all is true of everybody."""
    both = compile_condition(project, ["orders >= 3", {"any": ["loyal", {"not": "member"}]}], NOW, columns=COLUMNS)
    name = next(iter(both.parameters))
    assert both.sql == f'(coalesce(("orders" >= ${name}), FALSE) AND ("in__loyal" OR (NOT coalesce("member", FALSE))))'
    assert compile_condition(project, [], NOW, columns=COLUMNS).sql == "TRUE"


def test_a_named_condition_brings_what_it_needs(project: Project) -> None:
    """The aggregates of the warehouse and those of the ledger are asked for apart."""
    condition = {"all": [{"bought": {"category": "Milk", "within": "9d"}}, {"clicked": {"step": "a", "within": "9d"}}]}
    compiled = compile_condition(project, condition, NOW, columns=COLUMNS)
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


def test_an_event_needs_a_time_but_not_in_a_branch(project: Project) -> None:
    """`within` is compulsory in segments and audiences; in an `if` step its absence means since entry."""
    for condition in ({"ordered": {}}, {"bought": {"category": "Milk"}}, {"clicked": "miss_you"}):
        [(place, reason)] = mistakes(project, condition)
        assert reason == f"`{place[-1]}` needs `within` here"
        assert mistakes(project, condition, since_entry=True) == []


def test_compiling_for_real_raises_every_mistake(project: Project) -> None:
    """What `check` would have said comes as one error."""
    with pytest.raises(ProjectErrors) as caught:
        compile_condition(project, ["ordrs >= 3", {"ordered": {}}], NOW, columns=COLUMNS)
    assert len(caught.value.errors) == 2


def test_the_warehouse_is_asked_for_its_columns(project: Project) -> None:
    """Without `columns` the customers' own attributes are known from the source."""
    assert "timezone" in compile_condition(project, "timezone = 'UTC'", NOW).sql
    with pytest.raises(ProjectErrors):
        compile_condition(project, "tier = 'gold'", NOW)


def test_events_are_what_can_say_within() -> None:
    """A plugin's condition is an event where its Config has `within`."""
    assert is_event(Bought)
    assert not is_event(InSegment)


def test_a_workspace_without_data_compiles(tmp_path: Path) -> None:
    """Where the warehouse cannot be read unknown columns pass, so that files can be checked without data."""
    bare = workspace(tmp_path, warehouse={"folder": "nowhere"})
    assert '"tier"' in compile_condition(bare, "tier = 'gold'", NOW).sql
