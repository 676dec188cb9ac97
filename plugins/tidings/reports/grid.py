"""Two dimensions as a grid of shaded squares: the ladder, the portfolio, what segments share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tidings.reports.canvas import BLUE, INK, MUTED, ORANGE, PAPER, WIDTH, Sheet
from tidings.reports.pictures import LABEL, MARGIN, head

if TYPE_CHECKING:
    from tidings.model.portfolio import PortfolioShape
    from tidings.model.segment_counts import SegmentsShape

ROW = 36.0
WIDEST = 170.0
DARK = 0.55
"""A square darker than this has white words in it."""


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
    top = y + 16 * tall - 8
    for line, row in enumerate(rows):
        middle = top + ROW * line + ROW / 2 + LABEL * 0.36
        sheet.write(MARGIN, middle, _fitting(sheet, row, left - MARGIN - 8), size=LABEL)
        for place, column in enumerate(columns):
            square = squares.get((row, column))
            if square is None:
                continue
            x = left + wide * place
            sheet.bar(x + 1, top + ROW * line + 1, wide - 2, ROW - 2, _blend(square.colour, square.shade))
            ink = PAPER if square.shade > DARK else INK
            sheet.write(x + wide / 2, middle, square.words, size=LABEL, colour=ink, align="center")
    return top + ROW * len(rows) + 16


def draw_ladder(
    sheet: Sheet,
    title: str,
    subtitle: str,
    cells: Mapping[tuple[str, str], float | None],
    write: Callable[[float], str],
) -> float:
    """Two dimensions of a cube, the first down and the second across; losses are orange. The height."""
    y = head(sheet, title, subtitle)
    rows, columns = (list(dict.fromkeys(key[place] for key in cells)) for place in (0, 1))
    most = max((abs(value) for value in cells.values() if value is not None), default=0) or 1
    squares = {
        key: Square("?", 0) if value is None else Square(write(value), abs(value) / most, ORANGE if value < 0 else BLUE)
        for key, value in cells.items()
    }
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
    rows, columns = (list(dict.fromkeys(key[place] for key in squares)) for place in (0, 1))
    return draw_grid(sheet, y + 8, rows, columns, squares)


def draw_overlap(sheet: Sheet, shape: SegmentsShape) -> float:
    """Of who is in the row's segment, the share who are in the column's too; columns are numbered as rows. The height.

    `shape` has its overlaps.
    """
    known = [line for line in shape.segments if line.persons is not None]
    number = {line.segment: str(place) for place, line in enumerate(known, 1)}
    rows = [f"{number[line.segment]}  {line.segment}" for line in known]
    squares = {
        (f"{number[pair.segment]}  {pair.segment}", number[pair.other]): Square(f"{pair.share:.0%}", pair.share)
        for pair in shape.overlap or []
        if pair.share is not None
    }
    pairs = [pair for pair in shape.overlap or [] if pair.persons and pair.share is not None]
    most = max(pairs, key=lambda pair: (pair.share or 0.0, pair.persons), default=None)
    title = f"{most.share:.0%} of {most.segment} are in {most.other} too" if most else "No two segments share anybody"
    y = head(sheet, title, f"Share of the row's segment that is in the column's; n = {shape.persons:,} persons")
    return draw_grid(sheet, y + 8, rows, list(number.values()), squares)


def _fitting(sheet: Sheet, words: str, room: float) -> str:
    while len(words) > 1 and sheet.width_of(words, size=LABEL) > room:
        words = f"{words[:-2]}…"
    return words


def _blend(colour: str, share: float) -> str:
    """The colour laid over paper; a little of it is always seen."""
    share = 0.06 + 0.94 * share
    parts = zip(bytes.fromhex(colour[1:]), bytes.fromhex(PAPER[1:]), strict=True)
    return "#" + bytes(round(over * share + under * (1 - share)) for over, under in parts).hex()
