"""Jinja expressions in marketers' files: found with their place, taken out before MJML, put back after it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape

from tidings.errors import TidingsError, Where, did_you_mean

_OPEN = re.compile(r"\{[{%#]")
_TOKEN = re.compile(
    r"""\{\#.*?\#\}
      | \{\{ (?: "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | [^"'}] | \}(?!\}) )* \}\}
      | \{%  (?: "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | [^"'%] | %(?!\})  )* %\}""",
    re.VERBOSE | re.DOTALL,
)
_KEY = re.compile(r"\{\{-?\s*t\.([A-Za-z_]\w*)\s*-?\}\}")
_STATEMENT = re.compile(r"\{%[-+]?\s*(\w*)")
_MARK = re.compile(r"zq(\d+)qz")


@dataclass(frozen=True)
class Piece:
    """Plain text (`expression` False), or one Jinja expression, statement or comment, and where it stands."""

    text: str
    where: Where
    expression: bool = False

    @property
    def key(self) -> str | None:
        """The name in `{{ t.name }}`."""
        match = _KEY.fullmatch(self.text) if self.expression else None
        return match[1] if match else None

    @property
    def statement(self) -> bool:
        """Whether it is `{% … %}`, which prints nothing."""
        return self.expression and self.text.startswith("{%")

    @property
    def comment(self) -> bool:
        """Whether it is `{# … #}`."""
        return self.expression and self.text.startswith("{#")


@dataclass(frozen=True)
class Filled:
    """A Jinja source in which every expression ends a line, and the place that each such line comes from."""

    source: str
    lines: dict[int, str]


def place(text: str, offset: int, start: Where) -> Where:
    """Where an offset of a text lies, when the text begins at `start`."""
    lines = text.count("\n", 0, offset)
    column = offset - text.rfind("\n", 0, offset) if lines else (start.column or 1) + offset
    return Where(start.file, (start.line or 1) + lines, column)


def split(text: str, start: Where) -> Iterator[Piece]:
    """The pieces of a text in order; TidingsError for an expression that is not closed."""
    at = 0
    while (opening := _OPEN.search(text, at)) is not None:
        if opening.start() > at:
            yield Piece(text[at : opening.start()], place(text, at, start))
        match = _TOKEN.match(text, opening.start())
        where = place(text, opening.start(), start)
        if match is None:
            end = {"{{": "}}", "{%": "%}", "{#": "#}"}[opening[0]]
            raise TidingsError(f"{opening[0]!r} is never closed", f"end it with {end!r}", where)
        yield Piece(match[0], where, expression=True)
        at = match.end()
    if at < len(text):
        yield Piece(text[at:], place(text, at, start))


def blank(pieces: Iterable[Piece]) -> str:
    """The text with its expressions overwritten by spaces, so that places stay what they are."""
    return "".join(re.sub(r"[^\n]", " ", piece.text) if piece.expression else piece.text for piece in pieces)


def check_blocks(pieces: Iterable[Piece]) -> None:
    """TidingsError at the first `if` or `for` that is not closed, or is closed without being open."""
    opened: list[tuple[str, Where]] = []
    for piece in pieces:
        match = _STATEMENT.match(piece.text) if piece.expression else None
        word = match[1] if match else ""
        if word in ("if", "for"):
            opened.append((word, piece.where))
        elif word in ("endif", "endfor") and (not opened or opened.pop()[0] != word[3:]):
            fix = "close blocks in reverse order"
            raise TidingsError(f"{{% {word} %}} closes what is not open", fix, piece.where)
    if opened:
        word, where = opened[-1]
        raise TidingsError(f"{{% {word} %}} is never closed", f"add {{% end{word} %}}", where)


class Marks:
    """Words that stand for expressions while a text goes through a converter that knows no Jinja."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []

    def hide(self, pieces: Iterable[Piece]) -> str:
        """The text with a word for every expression; TidingsError where the text holds such a word itself."""
        parts: list[str] = []
        for piece in pieces:
            if piece.expression and not piece.comment:
                parts.append(f"zq{len(self.pieces)}qz")
                self.pieces.append(piece)
            elif not piece.expression:
                if clash := _MARK.search(piece.text):
                    raise TidingsError(f"{clash[0]!r} is reserved", "write something else", piece.where)
                parts.append(piece.text)
        return "".join(parts)

    def show(self, skeleton: str) -> Iterator[Piece]:
        """The pieces of a converted text; its plain parts have no place any more."""
        for number, part in enumerate(_MARK.split(skeleton)):
            if number % 2:
                yield self.pieces[int(part)]
            elif part:
                yield Piece(part, Where(""))

    def meaning(self, text: str) -> str:
        """The text with its words turned back into the expressions they stand for."""
        return "".join(piece.text for piece in self.show(text))

    def printed(self, text: str) -> str:
        """The same without statements: what it prints, if anything."""
        return "".join(piece.text for piece in self.show(text) if not piece.statement)

    def statements(self, text: str) -> str:
        """Those words of a text that stand for statements, one beside the other."""
        return "".join(match[0] for match in _MARK.finditer(text) if self.pieces[int(match[1])].statement)

    def lost(self, skeleton: str) -> list[Piece]:
        """The expressions that the converter dropped."""
        kept = {int(number) for number in _MARK.findall(skeleton)}
        return [piece for number, piece in enumerate(self.pieces) if number not in kept]


def fill(pieces: Iterable[Piece], texts: Mapping[str, list[Piece]], *, markup: bool) -> Filled:
    """The Jinja source of one language: `{{ t.key }}` replaced by its text, which is escaped in markup.

    A line end is put inside every expression, where Jinja ignores it: an error's line then names one
    expression.
    """
    parts: list[str] = []
    lines: dict[int, str] = {}
    line = 1
    for piece in _expanded(pieces, texts, markup=markup):
        text = piece.text
        if piece.expression:
            lines[line] = str(piece.where)
            end = -3 if text[-3] in "-+" else -2
            text = f"{text[:end]}\n{text[end:]}"
        parts.append(text)
        line += text.count("\n")
    return Filled("".join(parts), lines)


def _expanded(pieces: Iterable[Piece], texts: Mapping[str, list[Piece]], *, markup: bool) -> Iterator[Piece]:
    for piece in pieces:
        if piece.comment:
            continue
        key = piece.key
        if key is None:
            yield piece
        elif key in texts:
            for part in texts[key]:
                plain = not part.expression
                yield Piece(escape(part.text), part.where) if markup and plain else part
        else:
            fix = f"add it to the strings file; {did_you_mean(key, list(texts))}"
            raise TidingsError(f"there is no text {key!r}", fix, piece.where)
