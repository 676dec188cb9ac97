"""The plain-text alternative of an HTML message."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

_SKIPPED = frozenset({"head", "style", "script", "title"})
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
_BEFORE = dict.fromkeys(("h1", "h2", "h3", "h4", "tr", "table", "ul", "ol", "blockquote"), 2)
_BEFORE |= dict.fromkeys(("p", "div", "td", "li", "br"), 1)
_AFTER = dict.fromkeys(("p", "tr", "table", "ul", "ol", "blockquote"), 2)
_AFTER |= dict.fromkeys(("h1", "h2", "h3", "h4", "div", "td", "li"), 1)
"""Line ends before and after an element; between two elements the larger number counts."""


def to_text(html: str, meaning: Callable[[str], str] = str) -> str:
    """The words of a page, a blank line between blocks, links as `label: url`, images as their own words.

    Left out: what is hidden (`display:none`, `aria-hidden="true"`) and what only Outlook reads. `meaning`
    tells what a word of the page stands for, where it stands for something else.
    """
    reader = _Reader(meaning)
    reader.feed(html)
    reader.close()
    lines = map(reader.line, "".join(reader.parts).split("\n"))
    return "\n".join(lines).strip() + "\n"


class _Reader(HTMLParser):
    def __init__(self, meaning: Callable[[str], str]) -> None:
        super().__init__(convert_charrefs=True)
        self.meaning = meaning
        self.parts: list[str] = []
        self.pending = 0
        self.hidden: list[str] = []
        self.link: tuple[str, list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        unseen = found.get("aria-hidden") == "true" or "display:none" in found.get("style", "").replace(" ", "")
        if self.hidden or unseen or tag in _SKIPPED:
            if tag not in _VOID:
                self.hidden.append(tag)
            return
        self._break(_BEFORE.get(tag, 0))
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

    def handle_data(self, data: str) -> None:
        if not self.hidden and (data.strip() or self.pending == 0):
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
        meaning = self.meaning(word)
        return meaning.startswith("{%") and meaning.endswith("%}")

    def _linked(self, label: str, address: str) -> str:
        return label if self.meaning(label) in ("", self.meaning(address)) else f"{label}: {address}"

    def _write(self, text: str) -> None:
        if self.link is not None:
            self.link[1].append(text)
            return
        self.parts.append("\n" * self.pending + text)
        self.pending = 0

    def _break(self, lines: int) -> None:
        if self.link is None:
            self.pending = max(self.pending, lines)
