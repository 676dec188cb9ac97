"""Blocks of a section, each rendered both as HTML for e-mail and as plain text, so that the two say the same.

Everything is escaped here; only a plugin's own `SectionContent.html` is taken as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from markupsafe import Markup, escape

from tidings.model.seams import Chart, SectionContent

CHART_WIDTH = 560
CONTENT_ID = "{name}@tidings"

_SHAPES = {"good": "▲", "watch": "◆", "bad": "▼"}

_PARAGRAPH = Markup('<p style="margin:0 0 16px;font-size:16px">{}</p>')
_NOTE = Markup('<p class="muted" style="margin:0 0 16px;font-size:14px">{}</p>')
_VERDICT = Markup('<p class="{}" style="margin:0 0 8px;font-weight:600">{} {}</p>')
_WHOLE = Markup('<span style="white-space:nowrap">{}</span>')
_BENEATH = Markup('{}<br><span class="muted" style="font-size:14px">{}</span>')
_TABLE = Markup(
    '<table style="width:100%;border-collapse:collapse;margin:0 0 16px">'
    '<tr><td style="padding:0"></td>{}</tr>{}</table>'
)
_HEAD = Markup(
    '<th scope="col" class="muted" style="padding:8px 0 8px 16px;text-align:right;vertical-align:bottom;'
    'font-weight:normal;font-size:14px">{}</th>'
)
_ROW = Markup(
    '<tr class="line"><th scope="row" '
    'style="padding:8px 0;text-align:left;vertical-align:top;font-weight:normal">{}</th>{}</tr>'
)
_NUMBER = Markup('<td style="padding:8px 0 8px 16px;text-align:right;vertical-align:top">{}</td>')
_CODE = Markup("<code>{}</code>")
_LIST = Markup('<ul style="margin:0 0 16px;padding:0 0 0 24px">{}</ul>')
_ITEM = Markup('<li style="margin:0 0 8px">{}</li>')
_PICTURE = Markup(
    '<p style="margin:0 0 16px"><img src="cid:{}" alt="{}" width="{}" '
    'style="display:block;width:100%;max-width:{}px;height:auto;border:0;border-radius:8px"></p>'
)


class Block(Protocol):
    """A part of a section."""

    def html(self) -> Markup:
        """The fragment for the e-mail's column of 560 px."""

    def text(self) -> str:
        """The same in plain text, without a newline at its end."""


@dataclass(frozen=True)
class Paragraph:
    """One paragraph; `muted` for a note that explains."""

    words: str
    muted: bool = False

    def html(self) -> Markup:
        return (_NOTE if self.muted else _PARAGRAPH).format(_with_code(self.words))

    def text(self) -> str:
        return self.words


@dataclass(frozen=True)
class Verdict:
    """Good, watch or bad: a shape and a word, and a colour for those who see it."""

    state: Literal["good", "watch", "bad"]
    words: str

    def html(self) -> Markup:
        return _VERDICT.format(self.state, _SHAPES[self.state], self.words)

    def text(self) -> str:
        return f"{_SHAPES[self.state]} {self.words}"


@dataclass(frozen=True)
class Cell:
    """A table's cell: a number, and beneath it what belongs to it, such as its interval."""

    words: str
    beneath: str = ""

    def html(self) -> Markup:
        words = _WHOLE.format(self.words)
        return _BENEATH.format(words, self.beneath) if self.beneath else words

    def text(self) -> str:
        return f"{self.words} ({self.beneath})" if self.beneath else self.words


@dataclass(frozen=True)
class Table:
    """Rows of a label and its cells; `head` names the columns, empty where the cells say it themselves."""

    head: Sequence[str]
    rows: Sequence[tuple[Cell, Sequence[Cell]]]

    def html(self) -> Markup:
        head = Markup().join(_HEAD.format(name) for name in self.head)
        rows = (
            _ROW.format(_label(label), Markup().join(_NUMBER.format(cell.html()) for cell in cells))
            for label, cells in self.rows
        )
        return _TABLE.format(head, Markup().join(rows))

    def text(self) -> str:
        lines = []
        for label, cells in self.rows:
            heads = self.head if len(self.head) > 1 else [""]
            named = (f"{name} {cell.text()}".strip() for name, cell in zip(heads, cells, strict=True))
            lines.append(f"  {label.text()}: {'; '.join(named)}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: Sequence[str]

    def html(self) -> Markup:
        return _LIST.format(Markup().join(_ITEM.format(item) for item in self.items))

    def text(self) -> str:
        return "\n".join(f"- {item}" for item in self.items)


@dataclass(frozen=True)
class Figure:
    """A chart where it stands; plain text has `lines` instead, or its alternative text."""

    chart: Chart
    lines: Sequence[str] = ()

    def html(self) -> Markup:
        return picture(self.chart)

    def text(self) -> str:
        return "\n".join(f"  {line}" for line in self.lines) or self.chart.alt


def _with_code(words: str) -> Markup:
    """Escaped words; what stands between back-ticks as code."""
    parts = words.split("`")
    # An odd number of parts means that every back-tick has its partner.
    if len(parts) % 2 == 0:
        return escape(words)
    return Markup().join(_CODE.format(part) if place % 2 else part for place, part in enumerate(parts))


def _label(label: Cell) -> Markup:
    """A row's label, which may break where a number may not."""
    return _BENEATH.format(label.words, label.beneath) if label.beneath else escape(label.words)


def picture(chart: Chart) -> Markup:
    """The image of a chart, by its content id; a reader without pictures gets its alternative text."""
    return _PICTURE.format(content_id(chart), chart.alt, CHART_WIDTH, CHART_WIDTH)


def content_id(chart: Chart) -> str:
    """The Content-ID of a chart's part, without its angle brackets."""
    return CONTENT_ID.format(name=chart.name)


def compose(title: str, blocks: Sequence[Block]) -> SectionContent:
    """A section of these blocks; its charts are those of its figures."""
    return SectionContent(
        title=title,
        html=str(Markup("\n").join(block.html() for block in blocks)),
        text="\n\n".join(block.text() for block in blocks),
        charts=tuple(block.chart for block in blocks if isinstance(block, Figure)),
    )
