"""The whale curve as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.reports.test_charts import colours, near
from tidings.errors import TidingsError
from tidings.insight.whale import whale
from tidings.reports.canvas import BLUE, ORANGE, Sheet
from tidings.reports.pictures import save_picture
from tidings.reports.whale import draw_whale


def draw(path: Path, profits: list[int]) -> bytes:
    """The picture of these profits."""
    ordered = np.array(sorted(profits, reverse=True))

    def curve(sheet: Sheet) -> float:
        return draw_whale(sheet, ordered, whale(ordered), "USD")

    save_picture(path, curve)
    return path.read_bytes()


def test_losses_are_of_another_colour(tmp_path: Path) -> None:
    """Blue up to the peak, orange from there; without losses there is no orange."""
    both = colours(draw(tmp_path / "both.png", [50_000] * 60 + [-20_000] * 40))
    gain = colours(draw(tmp_path / "gain.png", [50_000] * 60))
    assert [near(colour, both) for colour in (BLUE, ORANGE)] == [True, True]
    assert [near(colour, gain) for colour in (BLUE, ORANGE)] == [True, False]


def test_svg_holds_its_words(tmp_path: Path) -> None:
    """The finding and the figures as text, and the same bytes each time."""
    profits = [50_000] * 60 + [-20_000] * 40
    first = draw(tmp_path / "one.svg", profits)
    assert first == draw(tmp_path / "two.svg", profits)
    for words in ("40% of customers cost more than they earn", "peak 30,000", "all 22,000"):
        assert words in first.decode()


@pytest.mark.parametrize("profits", [[0], [-5], [7], [-5, -5], [10**12] * 3])
def test_any_curve_can_be_drawn(tmp_path: Path, profits: list[int]) -> None:
    """One customer, nobody who earns, sums of any size."""
    assert draw(tmp_path / "curve.png", profits)


def test_where_it_cannot_be_written(tmp_path: Path) -> None:
    """Another ending, or a folder that is not there; nothing is left behind."""
    with pytest.raises(TidingsError, match=r"whale\.gif"):
        draw(tmp_path / "whale.gif", [1])
    with pytest.raises(TidingsError, match="name another file with --picture"):
        draw(tmp_path / "nowhere" / "whale.png", [1])
    assert list(tmp_path.iterdir()) == []
