"""The whale curve as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidings.model.costing import Whale
from tidings.model.money import exponent
from tidings.reports.canvas import BLUE, INK, MUTED, ORANGE, WIDTH, Sheet
from tidings.reports.pictures import INNER, LABEL, MARGIN, head

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HEIGHT = 240.0
POINTS = 400
"""So many of a long curve are drawn: more would be finer than a screen."""


def draw_whale(sheet: Sheet, ordered: NDArray[np.int64], curve: Whale, currency: str) -> float:
    """Cumulative profit by customers in falling order of theirs, from zero; the height of the picture.

    Up to its peak the curve is blue; where losses bring it down it is orange.
    """
    import numpy as np

    y = head(sheet, _finding(curve), f"Profit added up, the most profitable first, in {currency}; n = {len(ordered):,}")
    sums = np.concatenate([[0], np.cumsum(ordered)])
    earning = len(ordered) - curve.losing
    low, high = min(int(sums.min()), 0), max(int(sums.max()), 1)
    top, bottom = y + 24, y + 24 + HEIGHT

    def across(count: float) -> float:
        return MARGIN + INNER * count / len(ordered)

    def up(profit: float) -> float:
        return bottom - (profit - low) / (high - low) * HEIGHT

    sheet.line((across(0), across(len(ordered))), (up(0), up(0)), INK, 1)
    for start, end, colour in ((0, earning, BLUE), (earning, len(ordered), ORANGE)):
        if end > start:
            at = np.unique(np.linspace(start, end, POINTS).round().astype("int64"))
            sheet.curve([across(float(each)) for each in at], [up(float(sums[each])) for each in at], colour, 3)
    peak, total = across(earning), across(len(ordered))
    sheet.line((peak, peak), (up(curve.peak), up(0)), MUTED, 1, dashed=True)
    _beside(sheet, peak, top - 8, f"peak {_money(curve.peak, currency)}", BLUE)
    _beside(sheet, total, min(up(curve.total) + 22, bottom - 8), f"all {_money(curve.total, currency)}", INK)
    sheet.write(MARGIN, bottom + 24, "0 customers", size=LABEL, colour=MUTED)
    if 0.25 < earning / len(ordered) < 0.75:
        sheet.write(peak, bottom + 24, f"{earning:,}", size=LABEL, colour=MUTED, align="center")
    sheet.write(WIDTH - MARGIN, bottom + 24, f"{len(ordered):,}", size=LABEL, colour=MUTED, align="right")
    return bottom + 40


def _finding(curve: Whale) -> str:
    if not curve.losing:
        return "No customer costs more than they earn"
    share = f"{curve.losing / curve.customers:.0%} of customers cost more than they earn"
    return f"{share}: they take {-curve.lost / curve.peak:.0%} of the peak away" if curve.peak else share


def _money(minor: int, currency: str) -> str:
    return f"{minor / 10 ** exponent(currency):,.0f}"


def _beside(sheet: Sheet, x: float, y: float, words: str, colour: str) -> None:
    """Bold words that end at `x`, or as far left as they have room."""
    room = sheet.width_of(words, size=LABEL, bold=True)
    sheet.write(max(x, MARGIN + room), y, words, size=LABEL, bold=True, colour=colour, align="right", clear=True)
