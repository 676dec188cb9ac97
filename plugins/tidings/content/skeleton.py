"""A message cut into what many have in common and what is one person's own, for providers that join the two.

The templates are those of `render`, with a mark before and after each thing they print. What lies between two marks is
a hole, the rest is the skeleton. What an `if` prints is one hole as a whole, so that people on both sides of it share a
skeleton. A `for`, or an `if` around one, is too long for a hole: its own words belong to the skeleton, so lists of two
and of three products are two skeletons.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import nodes

from tidings.content.compile import CompiledTemplate
from tidings.content.environment import Extend, shared_environment
from tidings.content.render import Rendered, render, render_raw, template_of, without_gaps
from tidings.errors import TidingsError
from tidings.model.delivery import Skeleton

# Not even a customer who has seen other messages knows it: it stands in none.
_MARK = secrets.token_hex(8)
KEPT = 256  # skeletons remembered at once: a template of loops in loops may make one for each person


class Splitter:
    """Renders the messages of one plan, each joined and, where it can be, as a skeleton and its holes."""

    def __init__(self, token: str | None = None) -> None:
        # Random for each plan: nobody's words hold a tag, unless somebody guesses it, and that is looked for.
        self._token = token or secrets.token_hex(4)
        self._known: dict[tuple[tuple[str, ...], ...], Skeleton | None] = {}

    def render(
        self, compiled: CompiledTemplate, locale: str, context: Mapping[str, Any], *, extend: Extend | None = None
    ) -> tuple[Rendered, Skeleton | None, dict[str, str]]:
        """What `render` gives, its skeleton and the value of each tag; TidingsError as from `render`.

        Without a skeleton where the person's words hold a tag, or where the marks make the message too large.
        """
        try:
            marked = render_raw(compiled, locale, context, _marked_template, extend=extend)
        except TidingsError:
            return render(compiled, locale, context, extend=extend), None, {}
        subject, html = _cut(marked.subject), None if marked.html is None else _cut(marked.html)
        text = _cut_text(marked.text)
        joined = Rendered.model_construct(
            subject="".join(subject),
            html=None if html is None else "".join(html),
            text="".join(text),
            locale=marked.locale,
        )
        values = [*subject[1::2], *(html or ())[1::2], *text[1::2]]
        skeleton = self._skeleton(subject, html, text)
        if skeleton is None or any(self._token in value for value in values):
            return joined, None, {}
        return joined, skeleton, dict(zip(self._tags(), values, strict=False))

    def _tags(self) -> Iterator[str]:
        """Endless; none is a part of another, and none has a character that HTML or a link would rewrite."""
        number = 0
        while True:
            yield f"-{self._token}x{number}-"
            number += 1

    def _skeleton(self, subject: Sequence[str], html: Sequence[str] | None, text: Sequence[str]) -> Skeleton | None:
        """The one of these fixed pieces; None where they hold the token."""
        fixed = tuple(tuple(part[::2]) for part in (subject, html or (), text))
        if fixed not in self._known:
            if len(self._known) >= KEPT:
                self._known.clear()
            tags = self._tags()
            parts = ["".join(_between(part, tags)) for part in fixed]
            clash = any(self._token in piece for part in fixed for piece in part)
            identity = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
            made = Skeleton(id=identity, subject=parts[0], html=None if html is None else parts[1], text=parts[2])
            self._known[fixed] = None if clash else made
        return self._known[fixed]


def _between(pieces: Sequence[str], tags: Iterator[str]) -> Iterator[str]:
    for number, piece in enumerate(pieces):
        if number:
            yield next(tags)
        yield piece


def _cut(marked: str) -> list[str]:
    """Fixed text at even places, holes at odd ones; holes with nothing between them are one."""
    first, *rest = marked.split(_MARK)
    pieces = [first]
    for hole, fixed in zip(rest[::2], rest[1::2], strict=True):
        if not pieces[-1] and len(pieces) > 1:
            pieces.pop()
            pieces[-1] += hole
        else:
            pieces.append(hole)
        pieces.append(fixed)
    return pieces


def _cut_text(marked: str) -> list[str]:
    """As `_cut`, for a text that loses its gaps and the space around it.

    White space beside a hole belongs to the hole: whether it is a gap depends on what the hole holds.
    """
    first, *rest = marked.split(_MARK)
    pieces = [first]
    for value, after in zip(rest[::2], rest[1::2], strict=True):
        before, fixed = pieces[-1].rstrip(), after.lstrip()
        hole = pieces.pop()[len(before) :] + value + after[: len(after) - len(fixed)]
        if before or not pieces:
            pieces += [before, hole, fixed]
        else:
            pieces[-1] += hole
            pieces.append(fixed)
    pieces = [without_gaps(piece) for piece in pieces]
    start = 0 if pieces[0] or len(pieces) == 1 else 1
    pieces[start] = pieces[start].lstrip()
    end = -1 if pieces[-1] or len(pieces) == 1 else -2
    pieces[end] = pieces[end].rstrip()
    return pieces


@lru_cache(maxsize=1_024)
def _marked_template(source: str, name: str, locale: str, currency: str, extend: Extend | None) -> jinja2.Template:
    environment = shared_environment(locale, currency, extend)
    tree = environment.parse(source, name, name)
    tree.body = list(_marked(tree.body))
    return template_of(environment, tree, name)


def _marked(body: Sequence[nodes.Node]) -> Iterator[nodes.Node]:
    for node in body:
        if isinstance(node, nodes.Output):
            yield nodes.Output(list(_marked_output(node)), lineno=node.lineno)
        elif isinstance(node, nodes.If) and node.find(nodes.For) is None:
            yield nodes.Output([_edge(node)], lineno=node.lineno)
            yield node
            yield nodes.Output([_edge(node)], lineno=node.lineno)
        else:
            _open(node)
            yield node


def _marked_output(node: nodes.Output) -> Iterator[nodes.Expr]:
    for child in node.nodes:
        if isinstance(child, nodes.TemplateData | nodes.Const):
            yield child
        else:
            yield from (_edge(child), child, _edge(child))


def _open(node: nodes.Node) -> None:
    """Mark inside a statement instead of around it."""
    if isinstance(node, nodes.For | nodes.If):
        node.body = list(_marked(node.body))
        node.else_ = list(_marked(node.else_))
    if isinstance(node, nodes.If):
        for other in node.elif_:
            _open(other)


def _edge(node: nodes.Node) -> nodes.TemplateData:
    return nodes.TemplateData(_MARK, lineno=node.lineno)
