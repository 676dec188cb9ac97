"""How segments look in a terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from tidings.cli.printing import columns, heading, next_step, say
from tidings.model.money import exponent

if TYPE_CHECKING:
    from tidings.model.segment_counts import ColumnValue, ExplainShape, SegmentLine, SegmentsShape

TITLE_WIDTH = 36
AT_ONCE = 6
"""Columns of the matrix of overlaps that fit beside each other."""


def segments_view(shape: SegmentsShape) -> None:
    """Each segment with its figures, then what an edit has to do with them, then the overlaps."""
    heading(f"{shape.persons:,} persons", f"as of {shape.as_of:%Y-%m-%d %H:%M} UTC, {_age(shape.age_hours)}")
    if not shape.segments:
        say("there is no segment yet")
        next_step("write one in segments/, such as those of docs/segments.md")
        return
    rows = [_line(line) for line in shape.segments]
    columns(["segment", "persons", "share", "in", "out", "unknown"], rows, right=frozenset(range(1, 6)))
    _of_edits(shape.segments)
    if shape.overlap is not None:
        _matrix(shape)
    stale = any(line.edited or line.persons is None for line in shape.segments)
    next_step("tidings refresh" if stale else "tidings segment NAME --explain CUSTOMER")


def explain_view(told: ExplainShape, title: str, currency: str) -> None:
    """The tree with answers and values, then the verdict and what it hangs on."""
    heading(f"{told.segment}: {title}")
    say(f"{told.customer} as of {told.as_of:%Y-%m-%d %H:%M} UTC")
    rows = [
        [
            f"{'  ' * line.depth}{line.words}",
            line.answer,
            ", ".join(_value(value, currency) for value in line.values),
        ]
        for line in told.lines
    ]
    columns(["condition", "answer", "values"], rows)
    others = [record for record in told.records if record != told.customer]
    if told.inside:
        say(f"{told.customer} is in {told.segment}")
    elif told.member:
        say(f"{told.customer} does not meet it, but the person is in {told.segment} by {', '.join(others)}")
    else:
        say(f"{told.customer} is not in {told.segment}, for this does not hold:")
        for words in told.failed:
            say(f"  {words}")
    next_step("tidings segments")


def _line(line: SegmentLine) -> list[str]:
    name = "\n".join([line.segment, *(f"  {each}" for each in textwrap.wrap(line.title, TITLE_WIDTH))])
    return [
        name,
        _number(line.persons),
        "-" if line.share is None else f"{line.share:.1%}",
        "-" if line.entered is None else f"+{line.entered:,}",
        "-" if line.left is None else f"-{line.left:,}",
        _number(line.unknown),
    ]


def _of_edits(lines: list[SegmentLine]) -> None:
    by_edit = [line.segment for line in lines if line.by_edit]
    if by_edit:
        say(f"what changed by an edit of a file, not by the data: {', '.join(by_edit)}")
    stale = [line.segment for line in lines if line.edited]
    if stale:
        say(f"edited after this refresh: {', '.join(stale)}")
    new = [line.segment for line in lines if line.persons is None]
    if new:
        say(f"written after this refresh: {', '.join(new)}")


def _matrix(shape: SegmentsShape) -> None:
    """Blocks of columns: of who is in the row's segment, how many are in the column's too, and their share."""
    shares = {(pair.segment, pair.other): pair for pair in shape.overlap or []}
    known = [line for line in shape.segments if line.persons is not None]
    numbered = {line.segment: str(number) for number, line in enumerate(known, 1)}
    say("")
    say("of those in the segment of the row, the share who are in that of the column too:")
    for start in range(0, len(known), AT_ONCE):
        across = [line.segment for line in known[start : start + AT_ONCE]]
        rows = []
        for line in known:
            cells = [shares.get((line.segment, other)) for other in across]
            figures = ["-" if cell is None or cell.share is None else f"{cell.share:.0%}" for cell in cells]
            rows.append([f"{numbered[line.segment]} {line.segment}", _number(line.persons), *figures])
        headers = ["segment", "persons", *(numbered[name] for name in across)]
        columns(headers, rows, right=frozenset(range(1, len(headers))))


def _value(value: ColumnValue, currency: str) -> str:
    name, _, rest = value.column.partition("__")
    name = f"in {rest}" if name == "in" else name
    held = value.value
    if held is None:
        return f"{name} unknown" if not rest else f"{name} never"
    if value.kind == "money" and isinstance(held, (int, float)):
        digits = exponent(currency)
        return f"{name} {held / 10**digits:,.{digits}f} {currency}"
    if isinstance(held, bool):
        return f"{name} {'true' if held else 'false'}"
    if value.kind == "time":
        return f"{name} {str(held)[:16].replace('T', ' ')}"
    return f"{name} {held:,.4g}" if isinstance(held, float) else f"{name} {held}"


def _number(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _age(hours: float) -> str:
    if hours < 48:
        return f"{hours:.0f} hours old"
    return f"{hours / 24:.0f} days old"
