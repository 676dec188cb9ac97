"""The plain-text alternative of an HTML message."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from tidings.content.expressions import Marks
from tidings.errors import TidingsError

_SKIPPED = frozenset({"head", "style", "script", "title"})
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
_BEFORE = dict.fromkeys(("h1", "h2", "h3", "h4", "tr", "table", "ul", "ol", "blockquote"), 2)
_BEFORE |= dict.fromkeys(("p", "div", "td", "li", "br"), 1)
_AFTER = dict.fromkeys(("p", "tr", "table", "ul", "ol", "blockquote"), 2)
_AFTER |= dict.fromkeys(("h1", "h2", "h3", "h4", "div", "td", "li"), 1)
"""Line ends before and after an element; between two elements the larger number counts."""


def to_text(html: str, marks: Marks) -> str:
    """The words of a page, a blank line between blocks, links as `label: url`, images as their own words.

    Left out: what is hidden (`display:none`, `aria-hidden="true"`) and what only Outlook reads. The statements
    among the page's `marks` are kept there too, so that what holds in the page holds in the text; TidingsError
    with the place of one that cannot be.
    """
    reader = _Reader(marks)
    reader.feed(html)
    reader.close()
    lines = map(reader.line, "".join(reader.parts).split("\n"))
    text = "\n".join(lines).strip() + "\n"
    if lost := [piece for piece in marks.lost(text) if piece.statement]:
        fix = "write the text part yourself, into a file of the template's name with the ending .txt"
        raise TidingsError(f"the text part would lose {lost[0].text!r}", fix, lost[0].where)
    return text


class _Reader(HTMLParser):
    def __init__(self, marks: Marks) -> None:
        super().__init__(convert_charrefs=True)
        self.marks = marks
        self.parts: list[str] = []
        self.pending = 0
        self.hidden: list[str] = []
        self.link: tuple[str, list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        written = self.get_starttag_text() or ""
        found = {name: value or "" for name, value in attrs}
        unseen = found.get("aria-hidden") == "true" or "display:none" in found.get("style", "").replace(" ", "")
        if self.hidden or unseen or tag in _SKIPPED:
            if tag not in _VOID:
                self.hidden.append(tag)
            self._keep_statements(written)
            return
        self._break(_BEFORE.get(tag, 0))
        self._keep_statements(written)
        if tag == "a" and found.get("href"):
            self.link = (found["href"], [])
        elif tag == "img" and found.get("alt"):
            self._write(f"[{found['alt']}]")
        elif tag == "li":
            self._write("- ")

    def handle_endtag(self, tag: str) -> None:
        if self.hidden:
            while tag in self.hidden and self.hidden.pop() != tag:
                pass
            return
        if tag == "a" and self.link is not None:
            (url, label), self.link = self.link, None
            self._write(self._linked(self.line("".join(label)), url.removeprefix("mailto:")))
        self._break(_AFTER.get(tag, 0))

    def handle_comment(self, data: str) -> None:
        self._keep_statements(data)

    def handle_data(self, data: str) -> None:
        if self.hidden:
            self._keep_statements(data)
        elif data.strip() or self.pending == 0:
            self._write(re.sub(r"\s+", " ", data))

    def line(self, text: str) -> str:
        """One line, its gaps one space wide, none between statements or after those that begin the line."""
        line = ""
        begun = False
        after_statement = True
        for word in text.split():
            statement = self._statement(word)
            closed = after_statement and (statement or not begun)
            line += word if closed else f" {word}"
            begun = begun or not statement
            after_statement = statement
        return line

    def _statement(self, word: str) -> bool:
        return self.marks.statements(word) == word

    def _linked(self, label: str, address: str) -> str:
        return label if self.marks.printed(label) in ("", self.marks.printed(address)) else f"{label}: {address}"

    def _keep_statements(self, text: str) -> None:
        if found := self.marks.statements(text):
            self._write(found)

    def _write(self, text: str) -> None:
        if self.link is not None:
            self.link[1].append(text)
            return
        self.parts.append("\n" * self.pending + text)
        self.pending = 0

    def _break(self, lines: int) -> None:
        if self.link is None:
            self.pending = max(self.pending, lines)
