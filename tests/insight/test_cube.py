"""Cells add up to the total, whatever is asked."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import pytest

from tests.verbs.commands import answer
from tests.warehouse.workspaces import NOW, ago, cost, customer, line, order, product, workspace
from tidings.errors import TidingsError
from tidings.model.cube import CubeShape
from tidings.project import Project
from tidings.verbs.cube import cube
from tidings.verbs.refresh import refresh

ADDED = ("orders", "spend", "margin", "profit")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Five customers, four persons; one has two records, of another level each, one has no colour."""
    both = {"email": "x@corner.example"}
    edge = datetime(2026, 10, 31, 18, tzinfo=UTC)  # in Vietnam it is November
    tables = {
        "customers": [
            customer("a", colour="red", vip=True, **both), customer("b", colour="blue", vip=None, **both),
            customer("c", colour="red", vip=False), customer("d", colour=None, vip=False),
            customer("e", colour="blue", vip=True),
        ],
        "orders": [
            order("1", "b", ago(3), "30"), order("2", "b", ago(33), "10"), order("3", "a", ago(40), "5"),
            order("4", "c", ago(200), "7"), order("5", "d", edge, "9"), order("6", "d", ago(20), "1"),
        ],
        "order_lines": [line("1", "milk"), line("2", "milk"), line("5", "milk"), line("4", "milk")],
        "products": [product("milk")],
        "activity_costs": [cost("2026-10", "picking", "0.50"), cost("2026-09", "picking", "0.40")],
    }  # fmt: skip
    root = tmp_path_factory.mktemp("cube")
    project = workspace(root, tables, segments={}, timezone="Asia/Ho_Chi_Minh")
    refresh(project, NOW)
    return project


def figures(shape: CubeShape) -> dict[tuple[str | None, ...], tuple[int | None, ...]]:
    """The measures of each cell by its values."""
    return {tuple(cell.values): tuple(cell.measures.values()) for cell in shape.cells}


def test_the_examples_of_the_page(project: Project) -> None:
    """Levels in their order; a person with two records is one, on the level of the one that speaks for them."""
    shape = answer(project, CubeShape, "cube", "--by", "level", "--measure", "people,orders,spend")
    assert [cell.values[0] for cell in shape.cells] == ["prospect", "first_time", "repeat"]
    assert figures(shape) == {("prospect",): (1, 0, 0), ("first_time",): (1, 1, 700), ("repeat",): (2, 5, 5500)}
    assert shape.total.measures == {"people": 4, "orders": 6, "spend": 6200}


def test_by_month_in_the_time_of_the_shop(project: Project) -> None:
    """Who ordered in it; an order of the last evening in October is one of November there; profit where costs are."""
    shape = answer(project, CubeShape, "cube", "--by", "month", "--measure", "people,orders,profit")
    assert figures(shape) == {
        ("2026-04",): (1, 1, None), ("2026-09",): (1, 2, 125 - 40), ("2026-10",): (2, 2, 125 - 50),
        ("2026-11",): (1, 1, None),
    }  # fmt: skip
    assert shape.total.measures == {"people": 3, "orders": 6, "profit": 160}
    assert [cell.unknown for cell in shape.cells] == [{"profit": 1}, {}, {}, {"profit": 1}]


def test_unknown_is_a_cell_and_comes_last(project: Project) -> None:
    """Of a text and of true or false."""
    assert figures(cube(project, ["colour", "vip"], ["people"])) == {
        ("blue", "true"): (1,), ("blue", None): (1,), ("red", "false"): (1,), (None, "false"): (1,)
    }  # fmt: skip


@pytest.mark.parametrize("time", ["", "month", "quarter", "year"])
def test_what_adds_up_is_the_total(project: Project, time: str) -> None:
    """Of every two dimensions, with and without a time; and it is the same with each of them."""
    totals = []
    for by in combinations(("level", "status", "colour", "vip"), 1 if time else 2):
        shape = cube(project, [*by, *([time] if time else [])], ADDED)
        totals.append(shape.total.measures)
        for name in ADDED:
            assert sum(cell.measures[name] or 0 for cell in shape.cells) == shape.total.measures[name]
    assert all(each == totals[0] for each in totals)
    assert totals[0] == {"orders": 6, "spend": 6200, "margin": 250, "profit": 160}


@pytest.mark.parametrize(
    ("by", "measures", "words"),
    [
        (["levle"], ["people"], "no dimension is called 'levle'; did you mean 'level'"),
        (["orders"], ["people"], "'orders' is a number; known: "),
        (["customer_id"], ["people"], "everybody's own"),
        (["level"], ["profits"], "no measure is called 'profits'; did you mean 'profit'"),
        (["level", "level"], ["people"], "a dimension is asked for twice"),
        (["month", "year"], ["people"], "more than one of month, quarter and year"),
    ],
)
def test_what_cannot_be_asked(project: Project, by: list[str], measures: list[str], words: str) -> None:
    """It is said before anything is counted."""
    with pytest.raises(TidingsError, match=words):
        cube(project, by, measures)


def test_a_picture_has_two_dimensions(project: Project, tmp_path: Path) -> None:
    """One measure by two; its words are in the file, a loss and what is not known too."""
    picture = tmp_path / "ladder.svg"
    cube(project, ["level", "month"], ["profit"], picture=picture)
    drawn = picture.read_text()
    assert [words in drawn for words in (">2026-11<", ">first time<", ">?<", "all 2<")] == [True, False, True, True]
    with pytest.raises(TidingsError, match="one measure by two dimensions"):
        cube(project, ["level"], ["profit"], picture=picture)
