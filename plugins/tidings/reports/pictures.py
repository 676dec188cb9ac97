"""A chart as a file of its own, PNG or SVG."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tidings.errors import TidingsError
from tidings.reports.canvas import MUTED, WIDTH, Sheet

MARGIN = 8.0
INNER = WIDTH - 2 * MARGIN
TITLE, SUBTITLE, LABEL = 17.0, 14.0, 13.0
TALLEST = 4000.0


def save_picture(path: Path, draw: Callable[[Sheet], float]) -> None:
    """Write what `draw`, which returns the height, puts on a sheet; the whole file, or none.

    TidingsError for another ending than .png and .svg, and where it cannot be written.
    """
    if path.suffix not in (".png", ".svg"):
        raise TidingsError(f"a picture cannot be written as {path.name!r}", "name the file *.png or *.svg")
    with Sheet(TALLEST, "en") as sheet:
        height = draw(sheet)
        content = sheet.png(height) if path.suffix == ".png" else sheet.svg(height)
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        raise TidingsError(f"{path} cannot be written: {error.strerror}", "name another file with --picture") from error


def head(sheet: Sheet, title: str, subtitle: str) -> float:
    """The finding, and what it is of; the baseline below."""
    y = sheet.paragraph(MARGIN, 8 + TITLE, title, INNER, size=TITLE, bold=True)
    return sheet.paragraph(MARGIN, y - 4, subtitle, INNER, size=SUBTITLE, colour=MUTED) + 8
