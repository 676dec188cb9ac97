"""How profit, portfolio and cube look at 80 columns, and what bad input is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import AT, Run
from tests.cli.test_commands import readable

COSTS = """period,activity,amount,driver,cost_level
2026-10,picking,320.00,order_lines,unit
2026-10,delivery,1310.55,deliveries,batch
2026-10,letters,20.00,contacts,batch
2026-10,rent,400.00,,business
"""


def test_profit_without_costs_says_what_is_missing(refreshed: Path, run: Run) -> None:
    """Margins are there; the last line says what to write."""
    ran = run("profit", "-C", refreshed)
    readable(ran)
    assert "margin of customers" in ran.out
    assert "profit of customers" not in ran.out
    assert ran.last == "next: write the table activity_costs, and refresh: docs/profit.md"


def test_profit_with_costs(shop: Path, run: Run) -> None:
    """Activities with their rates, what nobody caused by its reason, and tenths that end at the profit."""
    (shop / "data/activity_costs.csv").write_text(COSTS)
    run("refresh", "--at", AT, "-C", shop)
    ran = run("profit", "-C", shop)
    readable(ran)
    lines = [line.split() for line in ran.out.splitlines()]
    [delivery] = [line for line in lines if line[:1] == ["delivery"]]
    assert delivery[-2:] == ["1,310.55", "0.00"]
    [rent] = [line for line in lines if line[:1] == ["rent"]]
    assert rent[-2:] == ["0.00", "400.00"]
    [profit] = [line[-1] for line in lines if line[:3] == ["profit", "of", "customers"]]
    [last] = [line for line in lines if line[:1] == ["10"]]
    assert last[3] == profit
    assert ran.last == "next: tidings profit --picture whale.png"


def test_portfolio_is_a_table(refreshed: Path, run: Run) -> None:
    """A line a cell, its aim and budget below, then the campaigns that serve it, and the cells that none does."""
    ran = run("portfolio", "-C", refreshed)
    readable(ran)
    assert "  win_back, budget 400" in [line.rstrip() for line in ran.out.splitlines()]
    assert "welcome: no live campaign with the aim acquire reaches anybody in it" in ran.out
    persons = [line.split()[1] for line in ran.out.splitlines() if line.split()[:1] in (["keep"], ["all"])]
    assert len(persons) == 2
    assert ran.last == "next: tidings portfolio --picture portfolio.png"


def test_cube_is_a_table(refreshed: Path, tmp_path: Path, run: Run) -> None:
    """A line a cell, the total below, what is not known by word; and the picture where it was asked for."""
    picture = tmp_path / "ladder.png"
    ran = run("cube", "--by", "level,status", "--picture", picture, "-C", refreshed)
    readable(ran)
    rows = [line.split() for line in ran.out.splitlines()[2:-1]]
    assert rows[0][:2] == ["prospect", "unknown"]
    assert sum(int(row[2]) for row in rows[:-1]) == int(rows[-1][1])
    assert ran.last == f"next: open {picture}"
    assert picture.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cube", "--by", "levle"], "no dimension is called 'levle'; did you mean 'level'?"),
        (["cube", "--measure", "profits"], "no measure is called 'profits'; did you mean 'profit'?"),
        (["cube", "--by", "month", "--picture", "x.png"], "a picture shows one measure by two dimensions"),
        (["profit", "--picture", "whale.png"], "there is no profit to draw"),
        (["portfolio", "--picture", "cells.gif"], "a picture cannot be written as 'cells.gif'"),
        (["segments", "--picture", "overlap.png"], "there are no overlaps to draw"),
    ],
)
def test_arguments_that_make_no_sense(refreshed: Path, run: Run, arguments: list[str], words: str) -> None:
    """Exit code 2 and what would make sense."""
    ran = run(*arguments, "-C", refreshed)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert "Traceback" not in ran.err
