"""Grids: what they say, that it fits, and that it can be read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.reports.test_charts import colours, near
from tidings.model.cube import CubeShape
from tidings.model.portfolio import PortfolioShape
from tidings.model.segment_counts import Overlap, SegmentLine, SegmentsShape
from tidings.reports.canvas import BLUE, ORANGE, Sheet
from tidings.reports.grid import draw_cube, draw_overlap, draw_portfolio
from tidings.reports.pictures import save_picture

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def ladder(*cells: tuple[str, str | None, int | None]) -> CubeShape:
    """Profit by level and status."""
    return CubeShape.model_validate(
        {
            "snapshot": "s", "as_of": NOW, "by": ["level", "status"], "measures": ["profit"],
            "cells": [{"values": cell[:2], "measures": {"profit": cell[2]}, "unknown": {}} for cell in cells],
            "total": {"values": [], "measures": {"profit": sum(cell[2] or 0 for cell in cells)}, "unknown": {}},
        }
    )  # fmt: skip


def segments(number: int) -> SegmentsShape:
    """So many, each with half of every other."""
    names = [f"segment_number_{each}" for each in range(number)]
    known = {"persons": 4, "share": 0.1, "entered": None, "left": None, "by_edit": False, "unknown": 0, "edited": False}
    lines = [SegmentLine.model_validate({"segment": name, "title": name, **known}) for name in names]
    pairs = [Overlap(segment=a, other=b, persons=2, share=0.5) for a in names for b in names if a != b]
    return SegmentsShape(snapshot="s", as_of=NOW, age_hours=1, persons=40, segments=lines, overlap=pairs)


def test_a_loss_is_orange_and_levels_are_in_order(tmp_path: Path) -> None:
    """Figures in major units, what is not known as such, and the most of it in the title."""
    shape = ladder(("loyal", "active", 50_000), ("prospect", None, -50_000), ("loyal", "lost", None))
    save_picture(tmp_path / "ladder.png", lambda sheet: draw_cube(sheet, shape, "USD"))
    found = colours((tmp_path / "ladder.png").read_bytes())
    assert [near(colour, found) for colour in (BLUE, ORANGE)] == [True, True]
    save_picture(tmp_path / "ladder.svg", lambda sheet: draw_cube(sheet, shape, "USD"))
    text = (tmp_path / "ladder.svg").read_text()
    order = [
        text.index(f">{words}<") for words in ("active", "lost", "unknown", "prospect", "-500", "loyal", "500", "?")
    ]
    assert order == sorted(order)
    assert ">Most profit: loyal and active<" in text


def test_nothing_can_be_drawn(tmp_path: Path) -> None:
    """A cube without a cell is a sentence."""
    save_picture(tmp_path / "none.svg", lambda sheet: draw_cube(sheet, ladder(), "USD"))
    assert ">No profit<" in (tmp_path / "none.svg").read_text()


@pytest.mark.parametrize(("number", "shown"), [(2, True), (11, True), (40, False)])
def test_words_fit_their_squares(tmp_path: Path, number: int, shown: bool) -> None:
    """The more segments, the smaller they are; where nobody could read them the shade is left."""
    save_picture(tmp_path / "overlap.svg", lambda sheet: draw_overlap(sheet, segments(number)))
    text = (tmp_path / "overlap.svg").read_text()
    assert (">50<" in text) is shown
    assert ">50% of segment_number_0" in text


def test_a_cell_without_a_campaign_is_orange(tmp_path: Path) -> None:
    """And the title says how many customers that are."""
    sums = {"persons": 5, "value": 0, "profit": None, "expected": None, "spend": None}
    cell = {**sums, "title": "", "bands": ["gold"], "states": ["lost"], "aim": "care", "owner": "a@b.example"}
    shape = PortfolioShape.model_validate(
        {
            "snapshot": "s", "as_of": NOW, "value": "total_spend", "by": "status", "rest": sums | {"persons": 0},
            "total": sums, "cells": [{**cell, "cell": "wake", "budget": None, "campaigns": []}],
            "grid": [{"band": "gold", "state": "lost", "cell": "wake", "persons": 5}],
            "unserved": ["wake"], "unasked": [],
        }
    )  # fmt: skip
    save_picture(tmp_path / "cells.png", lambda sheet: draw_portfolio(sheet, shape))
    assert near(ORANGE, colours((tmp_path / "cells.png").read_bytes()))
    with Sheet(500, "en") as sheet:
        assert draw_portfolio(sheet, shape) < 300
