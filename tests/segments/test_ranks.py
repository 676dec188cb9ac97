from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.segments.asking import compiled_condition
from tests.segments.test_stage2 import people
from tests.warehouse.workspaces import NOW, ago, customer, order, workspace
from tidings.errors import ProjectErrors
from tidings.project import Project, load_project
from tidings.segments.compile import Compiler, scope_of
from tidings.verbs.check import check


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """Ten customers: b has no points, c and d as many as each other; only those from 5 on ordered."""
    points = {"a": 9, "b": None, "c": 7, "d": 7, "e": 5, "f": 4, "g": 3, "h": 2, "i": 1, "j": 0}
    customers = [customer(who, points=each, tier="gold") for who, each in points.items()]
    orders = [order(who, who, ago(n + 1), 10 * (n + 1)) for n, who in enumerate("fghij")]
    return workspace(tmp_path, {"customers": customers, "orders": orders})


def who(project: Project, **asked: Any) -> dict[str, str]:
    """For each condition the ids of those it holds for, as one word."""
    rows, _ = people(project, project.root, asked)
    return {name: "".join(row["customer_id"] for row in rows if row[name]) for name in asked}


def test_ranking_leaves_the_file_in_order(shop: Project) -> None:
    """A rank that goes against the order of ids is worked out in its own order, which is not that of the rows."""
    rows, _ = people(shop, shop.root, {"money": {"top": {"by": "average_order", "count": 2}}})
    assert [row["customer_id"] for row in rows] == list("abcdefghij")


def test_the_first_are_counted_among_all(shop: Project) -> None:
    """By number, money and time; ties by customer_id; who has no value is never in, and always in the complement."""
    found = who(
        shop,
        two={"top": {"by": "points", "count": 2}},
        three={"top": {"by": "points", "count": 3}},
        all={"top": {"by": "points", "count": 99}},
        not_two={"not": {"top": {"by": "points", "count": 2}}},
        money={"top": {"by": "average_order", "count": 2}},
        latest={"top": {"by": "last_order_at", "count": 2}},
        both=[{"top": {"by": "points", "count": 3}}, "points < 9"],
    )
    assert found == {
        "two": "ac", "three": "acd", "all": "acdefghij", "not_two": "bdefghij", "money": "ij", "latest": "fg",
        "both": "cd",
    }  # fmt: skip


def test_a_share_is_of_those_who_have_a_value(shop: Project) -> None:
    """Nine have points: a ninth is one, a little more is two, all are nine; no float makes one more of it."""
    shares = {"one": "11.1%", "two": "11.2%", "three": "33%", "all": "100%", "tiny": "0.1%"}
    found = who(shop, **{name: {"top": {"by": "points", "share": share}} for name, share in shares.items()})
    assert found == {"one": "a", "two": "ac", "three": "acd", "all": "acdefghij", "tiny": "a"}
    assert who(shop, fifth={"top": {"by": "last_order_at", "share": "20%"}}) == {"fifth": "f"}


def test_nobody_is_first_of_nobody(tmp_path: Path) -> None:
    """An empty table, and one in which nobody has a value."""
    asked = {"count": {"top": {"by": "last_order_at", "count": 3}}, "share": {"top": {"by": "orders", "share": "50%"}}}
    assert who(workspace(tmp_path), **asked) == {"count": "", "share": ""}
    assert who(workspace(tmp_path, {"customers": [customer("a")]}), **asked) == {"count": "", "share": "a"}


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"by": "pionts", "count": 3}, "there is no column 'pionts'"),
        ({"by": "tier", "count": 3}, "nobody is first by 'tier', which holds text"),
    ],
)
def test_top_names_a_column_that_has_an_order(shop: Project, config: dict[str, Any], reason: str) -> None:
    """The mistake stands at the column's name; where the warehouse is not there, any name passes."""
    columns = {"points": "number", "tier": "text"}
    compiler = Compiler(shop, NOW, scope_of(shop, columns))  # type: ignore[arg-type]
    compiler.compile({"top": config}, ("where", 0))
    assert [(each.place, each.reason) for each in compiler.mistakes] == [(("where", 0, "top", "by"), reason)]
    assert compiled_condition(shop, {"top": config}, None).parameters == {}


def test_check_and_refresh_say_where_a_column_is_wrong(shop: Project) -> None:
    """With file, line and column."""
    path = shop.root / "segments/best.yaml"
    path.parent.mkdir()
    path.write_text("segment: best\ntitle: Best\nwhere:\n  - top: {by: pionts, count: 3}\n", encoding="utf-8")
    [finding] = check(shop.root).findings
    assert (finding.file, finding.line, finding.column) == ("segments/best.yaml", 4, 15)
    assert "did you mean 'points'" in finding.fix
    with pytest.raises(ProjectErrors, match=r"segments/best\.yaml:4:15: there is no column 'pionts'"):
        people(load_project(shop.root), shop.root)


def test_fifths_are_asked_for_by_name(tmp_path: Path) -> None:
    """One, or a range; all that are named must hold; who never ordered is in none."""
    customers = [customer(str(n)) for n in range(6)]
    orders = [order(f"{n}{k}", str(n), ago(1 + n), 100 - n) for n in range(5) for k in range(1 if n else 2)]
    found = who(
        workspace(tmp_path, {"customers": customers, "orders": orders}),
        best={"rfm": {"recency": 5}},
        good={"rfm": {"recency": "4-5", "money": "1-5"}},
        both={"rfm": {"recency": "1-2", "money": "2-5"}},
        rest={"not": {"rfm": {"frequency": "1-5"}}},
    )
    assert found == {"best": "0", "good": "01", "both": "3", "rest": "5"}


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ({"top": {"by": "orders"}}, "it takes either `count` or `share`"),
        ({"top": {"by": "orders", "count": 3, "share": "3%"}}, "it takes either `count` or `share`"),
        ({"top": {"by": "orders", "share": "0%"}}, "`share` must be more than 0"),
        ({"rfm": {}}, "it says nothing"),
        ({"rfm": {"money": 6}}, "6 is none of the fifths 1 to 5"),
        ({"rfm": {"money": "5-4"}}, "'5-4' is none of the fifths 1 to 5"),
        ({"rfm": {"money": True}}, "true is none of the fifths 1 to 5"),
    ],
)
def test_what_says_nothing_sound_is_a_mistake(tmp_path: Path, condition: Any, reason: str) -> None:
    """Neither or both of two keys, and numbers that are no fifths."""
    with pytest.raises(ProjectErrors, match=reason):
        workspace(tmp_path, segments={"odd": [condition]})
