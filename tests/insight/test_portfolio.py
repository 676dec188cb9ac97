"""Every person is in one cell or in none, and the cells add up."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from tests.verbs.commands import answer
from tests.warehouse.workspaces import NOW, ago, cost, customer, line, order, product, workspace
from tidings.errors import TidingsError
from tidings.model.portfolio import PortfolioShape
from tidings.project import Project, load_project
from tidings.verbs.portfolio import portfolio
from tidings.verbs.refresh import refresh

OWNER = "lan@corner.example"
CELLS: dict[str, Any] = {
    "bands": [{"band": "gold", "top": "25%"}, {"band": "rest"}],
    "cells": [
        {"cell": "keep", "bands": ["gold"], "states": ["active"], "aim": "care", "owner": OWNER, "budget": "12.50 USD"},
        {"cell": "wake", "bands": ["gold", "rest"], "states": ["lost"], "aim": "win_back", "owner": OWNER},
        {"cell": "grow", "bands": ["rest"], "states": ["active"], "aim": "build", "owner": OWNER},
        {"cell": "back", "bands": ["gold"], "states": ["won_back"], "aim": "care", "owner": OWNER},
    ],
}


def write(project: Project, **changes: Any) -> Project:
    """The portfolio of that project."""
    (project.root / "config/portfolio.yaml").write_text(yaml.safe_dump(CELLS | changes, sort_keys=False))
    return load_project(project.root)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Six customers, five persons: the two records of one are worth most together, and one of them is long silent."""
    both = {"email": "x@corner.example"}
    tables = {
        "customers": [customer("a", **both), customer("b", **both), *(customer(name) for name in "cdef")],
        "orders": [
            order("1", "a", ago(3), "30"), order("2", "b", ago(300), "30"), order("3", "c", ago(2), "50"),
            order("4", "d", ago(1), "10"), order("5", "e", ago(300), "20"),
        ],
        "order_lines": [line("1", "milk")], "products": [product("milk")],
        "activity_costs": [cost("2026-10", "picking", "0.25")],
    }  # fmt: skip
    campaigns = {
        "letter": {"audience": {"include": "big"}},
        "grow": {"aim": "build", "audience": {"include": "everybody", "exclude": ["small"]}},
        "draft": {"aim": "win_back", "status": "draft", "audience": {"include": "everybody"}},
    }
    segments = {"everybody": ["orders >= 0"], "big": ["total_spend >= 30"], "small": ["total_spend <= 10"]}
    project = workspace(tmp_path_factory.mktemp("portfolio"), tables, segments=segments, campaigns=campaigns)
    refresh(project, NOW)
    return write(project)


def test_cells_rest_and_total(made: Project) -> None:
    """A quarter of five persons are two; the person of two records is one, with the sum and the status of one."""
    shape = answer(made, PortfolioShape, "portfolio")
    lines = {each.cell: each for each in shape.cells}
    assert {name: (each.persons, each.value) for name, each in lines.items()} == {
        "keep": (2, 11000), "wake": (1, 2000), "grow": (1, 1000), "back": (0, 0)
    }  # fmt: skip
    assert (shape.rest.persons, shape.rest.value) == (1, 0)  # the prospect
    for name in ("persons", "value", "profit"):
        assert sum(getattr(each, name) for each in shape.cells) + getattr(shape.rest, name) == getattr(
            shape.total, name
        )
    assert (shape.total.persons, shape.total.value, shape.total.profit) == (5, 14000, 100)
    [people] = (made.state / "snapshots").glob("*/people.parquet")
    expected = pd.read_parquet(people)["predicted_value_12m"].sum()
    assert (shape.total.expected, shape.total.spend) == (expected, None)
    assert (lines["keep"].budget, lines["grow"].budget) == (1250, None)
    assert sum(each.persons for each in shape.grid) == shape.total.persons
    assert {each.cell for each in shape.grid if not each.persons} >= {"back"}


def test_who_serves_a_cell(made: Project) -> None:
    """A live campaign with its aim whose audience holds somebody of it; an empty cell needs none."""
    shape = portfolio(made)
    served = {each.cell: [(one.campaign, one.persons) for one in each.campaigns] for each in shape.cells}
    assert served == {"keep": [("letter", 2)], "wake": [], "grow": [], "back": []}
    assert shape.unserved == ["wake", "grow"]


def test_a_campaign_edited_since_is_named(made: Project) -> None:
    """What the snapshot was not asked is not guessed."""
    path = made.root / "config/campaigns/letter.yaml"
    text = path.read_text()
    path.write_text(text.replace("include: big", "include: {sql: total_spend >= 40}"))
    try:
        shape = portfolio(load_project(made.root))
    finally:
        path.write_text(text)
    assert (shape.unasked, shape.unserved) == (["letter"], ["keep", "wake", "grow"])


def test_by_profit_and_level(made: Project) -> None:
    """Other columns make other bands; a person's profit is that of their records."""
    cells = [{"cell": "first", "bands": ["gold"], "states": ["first_time"], "aim": "care", "owner": OWNER}]
    shape = portfolio(write(made, value="profit", by="level", cells=cells))
    write(made)
    assert [(each.persons, each.value) for each in shape.cells] == [(2, 116)]
    assert {(each.band, each.state): each.persons for each in shape.grid} == {
        ("gold", "first_time"): 2, ("rest", "first_time"): 2, ("rest", "prospect"): 1
    }  # fmt: skip


def test_what_it_needs(made: Project, tmp_path: Path) -> None:
    """A file, a column of the snapshot, and a value that is known of somebody."""
    bare = workspace(tmp_path, {"customers": [customer("a", created_at=NOW - timedelta(days=1))]})
    refresh(bare, NOW)
    with pytest.raises(TidingsError, match=r"there is no config/portfolio\.yaml"):
        portfolio(bare)
    with pytest.raises(TidingsError, match="profit is not known of anybody"):
        portfolio(write(bare, value="profit"))
    assert portfolio(write(bare)).rest.persons == 1
