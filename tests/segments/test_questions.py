from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.workspaces import NOW, workspace
from tidings.errors import ProjectErrors
from tidings.planning.facts import ORDERS, TOUCHES
from tidings.project import Project
from tidings.project.conditions import SINCE_ENTRY
from tidings.segments.columns import condition_column
from tidings.segments.compile import CompiledCondition
from tidings.segments.questions import Questions, campaign_conditions, compile_questions, in_layers
from tidings.warehouse.features import BASE

SEGMENTS = {
    "everybody": ["orders >= 0"],
    "loyal": ["everybody", "orders >= 3"],
    "best": [{"in_segment": "loyal"}, {"not": {"in_segment": "everybody"}}],
}
FLOW: dict[str, Any] = {
    "audience": {
        "include": "loyal",
        "exclude": ["best", {"bought": {"within": "3d"}}, "recency_days < 9"],
        "enter": "on_entry",
    },
    "steps": [
        {"id": "first", "send": "email", "template": "flow/first"},
        {"id": "wait", "wait": "5d"},
        {
            "id": "silent",
            "if": {"not": {"any": [{"ordered": {}}, {"clicked": "first"}, "total_spend > 50", {"in_segment": "best"}]}},
            "then": [
                {"id": "again", "if": "orders > 7", "then": [{"id": "sms", "send": "sms", "template": "flow/sms"}]},
            ],
        },
    ],
}


def compiled(project: Project) -> Questions:
    """Every question of a project, with the base columns."""
    return compile_questions(project, NOW, BASE)


def test_a_segment_comes_after_those_it_reads(tmp_path: Path) -> None:
    """Layers let one pass answer all, each once."""
    questions = compiled(workspace(tmp_path, segments=SEGMENTS))
    assert [sorted(layer) for layer in questions.layers] == [["in__everybody"], ["in__loyal"], ["in__best"], []]
    assert questions.segments == {"best": "in__best", "everybody": "in__everybody", "loyal": "in__loyal"}


def test_every_condition_of_a_campaign_has_its_column(tmp_path: Path) -> None:
    """Audience, exclusions, and the questions of branches about the customer; what happens since entry is not asked."""
    questions = compiled(workspace(tmp_path, segments=SEGMENTS, campaigns={"flow": FLOW}))
    asked = [{"bought": {"within": "3d"}}, "recency_days < 9", "total_spend > 50", {"in_segment": "best"}, "orders > 7"]
    assert sorted(questions.layers[-1]) == sorted(condition_column(each) for each in asked)
    assert [type(condition).name for condition in questions.conditions] == ["bought"]


def test_places_of_a_campaign_s_conditions(tmp_path: Path) -> None:
    """Each stands where the file has it."""
    project = workspace(tmp_path, segments=SEGMENTS, campaigns={"flow": FLOW})
    places = [place for place, _ in campaign_conditions(project.campaigns["flow"])]
    assert places == [
        ("audience", "include"), ("audience", "exclude", 0), ("audience", "exclude", 1), ("audience", "exclude", 2),
        ("steps", 2, "if", "not", "any", 2), ("steps", 2, "if", "not", "any", 3), ("steps", 2, "then", 0, "if"),
    ]  # fmt: skip


def test_mistakes_come_with_file_line_and_column(tmp_path: Path) -> None:
    """All of them, of all files, before anything is read from the warehouse."""
    campaign = {"audience": {"include": "everybody", "exclude": ["recensy_days < 9"]}}
    project = workspace(
        tmp_path, segments=SEGMENTS | {"odd": ["ordrs > 3", {"not": "orders > 'three'"}]}, campaigns={"news": campaign}
    )
    with pytest.raises(ProjectErrors) as caught:
        compiled(project)
    assert [f"{error.where}: {error.reason}" for error in caught.value.errors] == [
        "config/campaigns/news.yaml:10:5: there is no column 'recensy_days'",
        "segments/odd.yaml:4:3: there is no column 'ordrs'",
        "segments/odd.yaml:5:8: a number is compared with text",
    ]


def test_a_circle_is_refused() -> None:
    """Segments that read each other have no first one; the message names them."""
    reads = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}
    segments = {name: CompiledCondition("TRUE", "TRUE", segments=frozenset(others)) for name, others in reads.items()}
    with pytest.raises(ProjectErrors, match=r"segments/a.yaml: segments ask about each other in a circle: a, b, c"):
        in_layers(segments)


PLUGIN = """from tidings.hookspecs import hookimpl
from tidings.model.base import Noun
from tidings.model.scalars import Duration
from tidings.model.seams import Condition


class Big(Condition):
    name = "big"

    class Config(Noun):
        within: Duration | None = None

    def sql(self, now):
        return "total_spend > 5"


@hookimpl
def register_conditions():
    return [Big]
"""


def test_a_plugin_s_condition_in_a_branch_is_answered_by_the_snapshot(tmp_path: Path) -> None:
    """Those that the time since entry answers are the built-in ones that planning knows, and no others."""
    assert set(SINCE_ENTRY) == {*ORDERS, *TOUCHES}
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/big.py").write_text(PLUGIN)
    asked = {"big": {"within": "9d"}}
    branch = {"id": "a", "if": {"any": [{"ordered": {}}, asked]}, "then": [{"id": "b", "wait": "1d"}]}
    project = workspace(tmp_path, segments=SEGMENTS, campaigns={"flow": FLOW | {"steps": [branch]}})
    assert condition_column(asked) in compiled(project).layers[-1]
