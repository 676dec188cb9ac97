"""Two dimensions as a grid of shaded squares: the ladder, the portfolio, what segments share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tidings.model.money import exponent
from tidings.model.portfolio import STATES
from tidings.reports.canvas import BLUE, INK, MUTED, ORANGE, PAPER, WIDTH, Sheet
from tidings.reports.pictures import LABEL, MARGIN, head

if TYPE_CHECKING:
    from tidings.model.cube import CubeShape
    from tidings.model.portfolio import PortfolioShape
    from tidings.model.segment_counts import SegmentsShape

ROW = 36.0
WIDEST = 170.0
SMALLEST = 8.0
"""Words that would have to be smaller to fit a square are left out: its shade still says it."""
DARK = 0.2
"""The relative luminance (WCAG 2.2) below which white is told better from a colour than ink is."""


@dataclass(frozen=True)
class Square:
    """What stands in a square; `shade` from 0, paper, to 1, its colour."""

    words: str
    shade: float
    colour: str = BLUE


def draw_grid(
    sheet: Sheet,
    y: float,
    rows: Sequence[str],
    columns: Sequence[str],
    squares: Mapping[tuple[str, str], Square],
) -> float:
    """The grid below the baseline `y`, column names above it; a square that is not there stays empty. The height."""
    left = MARGIN + min(max(sheet.width_of(row, size=LABEL) for row in rows) + 12, WIDEST)
    wide = (WIDTH - MARGIN - left) / len(columns)
    names = [sheet.wrap(column.replace("_", " "), wide - 2, size=LABEL) for column in columns]
    tall = max(map(len, names))
    for place, lines in enumerate(names):
        for number, words in enumerate(lines):
            at = y + 16 * (tall - len(lines) + number)
            sheet.write(left + wide * (place + 0.5), at, words, size=LABEL, colour=MUTED, align="center")
    top, size = y + 16 * tall - 8, LABEL
    widest = max((square.words for square in squares.values()), key=len, default="")
    while size >= SMALLEST and sheet.width_of(widest, size=size) > wide - 6:
        size -= 0.5
    for line, row in enumerate(rows):
        middle = top + ROW * line + ROW / 2 + LABEL * 0.36
        sheet.write(MARGIN, middle, _fitting(sheet, row, left - MARGIN - 8), size=LABEL)
        for place, column in enumerate(columns):
            square = squares.get((row, column))
            if square is None:
                continue
            x = left + wide * place
            colour = _blend(square.colour, square.shade)
            sheet.bar(x + 1, top + ROW * line + 1, wide - 2, ROW - 2, colour)
            if size >= SMALLEST:
                ink = PAPER if _luminance(colour) < DARK else INK
                sheet.write(x + wide / 2, middle, square.words, size=size, colour=ink, align="center")
    return top + ROW * len(rows) + 16


def draw_cube(sheet: Sheet, shape: CubeShape, currency: str) -> float:
    """One measure of a cube, its first dimension down and its second across; losses are orange. The height."""
    [measure] = shape.measures
    scale = 1 if measure in ("people", "orders") else 10 ** exponent(currency)
    words = measure.replace("_", " ")
    found = {(cell.values[0] or "unknown", cell.values[1] or "unknown"): cell.measures[measure] for cell in shape.cells}
    known = {both: value for both, value in found.items() if value is not None}
    most = max(known, key=lambda both: known[both], default=None)
    title = f"Most {words}: {most[0]} and {most[1]}".replace("_", " ") if most else f"No {words}"
    every = (shape.total.measures[measure] or 0) / scale
    unit = "" if scale == 1 else f" in {currency}"
    y = head(sheet, title, f"{words.capitalize()} by {' and '.join(shape.by)}{unit}; all {every:,.0f}")
    if not found:
        return y
    deepest = max(map(abs, known.values()), default=0) or 1
    squares = {both: Square("?", 0) for both in found} | {
        both: Square(f"{value / scale:,.0f}", abs(value) / deepest, ORANGE if value < 0 else BLUE)
        for both, value in known.items()
    }
    rows, columns = (_in_order(name, {both[place] for both in found}) for place, name in enumerate(shape.by))
    return draw_grid(sheet, y + 8, rows, columns, squares)


def draw_portfolio(sheet: Sheet, shape: PortfolioShape) -> float:
    """Persons by band and state; orange where no campaign serves the cell. The height."""
    persons = shape.total.persons
    unserved = sum(line.persons for line in shape.cells if line.cell in shape.unserved)
    title = f"No campaign serves {unserved:,} of {persons:,} customers" if unserved else "Every cell is served"
    subtitle = f"Persons by {shape.value.replace('_', ' ')} and {shape.by}; n = {persons:,}"
    y = head(sheet, title, f"{subtitle}; orange: a cell without a campaign" if unserved else subtitle)
    most = max((each.persons for each in shape.grid), default=0) or 1
    squares = {
        (each.band or "no value", each.state): Square(
            f"{each.persons:,}", each.persons / most, ORANGE if each.cell in shape.unserved else BLUE
        )
        for each in shape.grid
    }
    rows = list(dict.fromkeys(row for row, _ in squares))
    return draw_grid(sheet, y + 8, rows, _in_order(shape.by, {column for _, column in squares}), squares)


def draw_overlap(sheet: Sheet, shape: SegmentsShape) -> float:
    """Of who is in the row's segment, the share who are in the column's too; columns are numbered as rows. The height.

    `shape` has its overlaps.
    """
    known = [line for line in shape.segments if line.persons is not None]
    number = {line.segment: str(place) for place, line in enumerate(known, 1)}
    rows = [f"{number[line.segment]}  {line.segment}" for line in known]
    squares = {
        (f"{number[pair.segment]}  {pair.segment}", number[pair.other]): Square(f"{pair.share * 100:.0f}", pair.share)
        for pair in shape.overlap or []
        if pair.share is not None
    }
    pairs = [pair for pair in shape.overlap or [] if pair.persons and pair.share is not None]
    most = max(pairs, key=lambda pair: (pair.share or 0.0, pair.persons), default=None)
    title = f"{most.share:.0%} of {most.segment} are in {most.other} too" if most else "No two segments share anybody"
    y = head(sheet, title, f"% of the row's segment that are in the column's; n = {shape.persons:,}")
    return draw_grid(sheet, y + 8, rows, list(number.values()), squares)


def _in_order(name: str, values: Iterable[str]) -> list[str]:
    """Levels and statuses in their own order, all else by the alphabet, what is not known last."""
    order = STATES.get(name, ())
    return sorted(
        values, key=lambda each: (each == "unknown", order.index(each) if each in order else len(order), each)
    )


def _fitting(sheet: Sheet, words: str, room: float) -> str:
    while len(words) > 1 and sheet.width_of(words, size=LABEL) > room:
        words = f"{words[:-2]}…"
    return words


def _blend(colour: str, share: float) -> str:
    """The colour laid over paper; a little of it is always seen."""
    share = 0.06 + 0.94 * share
    parts = zip(bytes.fromhex(colour[1:]), bytes.fromhex(PAPER[1:]), strict=True)
    return "#" + bytes(round(over * share + under * (1 - share)) for over, under in parts).hex()


def _luminance(colour: str) -> float:
    parts = [part / 255 for part in bytes.fromhex(colour[1:])]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
