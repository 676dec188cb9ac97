"""Which values a template asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import jinja2
from jinja2 import nodes

from tidings.content.compile import CompiledTemplate, Part, place_of
from tidings.content.environment import Extend, shared_environment
from tidings.errors import Where


@dataclass(frozen=True, order=True)
class Variable:
    """A value a template asks for: `customer.first_name`, `products.price` for one product of the list."""

    path: str
    where: Where | None


def compiled_variables(compiled: CompiledTemplate, *, extend: Extend | None = None) -> Iterator[Variable]:
    """The values that the parts of a compiled template ask for."""
    for part in compiled.parts.values():
        for kind in ("subject", "preheader", "html", "text"):
            yield from part_variables(part, kind, extend=extend)


def part_variables(part: Part, kind: str, *, extend: Extend | None = None) -> Iterator[Variable]:
    """The values that one source of a part asks for, with the place of each in the marketer's file."""
    source = getattr(part, kind)
    if source is not None:
        lines = part.lines.get(kind, {})
        for path, line in _asked(source, extend)[0]:
            yield Variable(path, place_of(lines, line))


def unconditional(source: str, *, extend: Extend | None = None) -> frozenset[str]:
    """The paths that a source prints whatever the values are: outside every `if` and `for`."""
    return _asked(source, extend)[1]


@lru_cache(maxsize=512)
def _asked(source: str, extend: Extend | None) -> tuple[tuple[tuple[str, int], ...], frozenset[str]]:
    """Path and line of every value, and the paths that are printed always; every check asks the same files again."""
    environment = shared_environment("en", "USD", extend)
    tree = environment.parse(source)
    always = nodes.Template([node for node in tree.body if isinstance(node, nodes.Output)], lineno=1)
    return tuple(_paths(tree, environment)), frozenset(path for path, _ in _paths(always, environment))


def _paths(tree: nodes.Template, environment: jinja2.Environment) -> Iterator[tuple[str, int]]:
    names: dict[str, str | None] = dict.fromkeys([*environment.globals, "loop"])
    yield from _visit(tree, names)


def _visit(node: nodes.Node, names: dict[str, str | None]) -> Iterator[tuple[str, int]]:
    if isinstance(node, nodes.For):
        yield from _visit(node.iter, names)
        inner = names | dict.fromkeys(_targets(node.target))
        if isinstance(node.target, nodes.Name):
            inner[node.target.name] = _path(node.iter, names)
        for child in (*node.body, *node.else_, *([node.test] if node.test else [])):
            yield from _visit(child, inner)
    elif isinstance(node, nodes.Assign):
        yield from _visit(node.node, names)
        names |= dict.fromkeys(_targets(node.target))
        if isinstance(node.target, nodes.Name):
            names[node.target.name] = _path(node.node, names)
    elif isinstance(node, (nodes.Getattr, nodes.Getitem, nodes.Name)):
        path = _path(node, names)
        if path is not None:
            yield path, node.lineno
        elif not isinstance(node, nodes.Name):
            yield from _visit(node.node, names)
    else:
        for child in node.iter_child_nodes():
            yield from _visit(child, names)


def _path(node: nodes.Node, names: dict[str, str | None]) -> str | None:
    """The dotted path a chain of names stands for; None for what is made in the template or computed."""
    if isinstance(node, nodes.Name):
        return names.get(node.name, node.name)
    if isinstance(node, nodes.Getattr):
        base = _path(node.node, names)
        return None if base is None else f"{base}.{node.attr}"
    if isinstance(node, nodes.Getitem):
        base = _path(node.node, names)
        word = node.arg.value if isinstance(node.arg, nodes.Const) else None
        return f"{base}.{word}" if base is not None and isinstance(word, str) else base
    if (
        isinstance(node, nodes.Filter)
        and node.node is not None
        and node.name in ("first", "last", "batch", "sort", "list")
    ):
        return _path(node.node, names)
    return None


def _targets(node: nodes.Node) -> list[str]:
    return [name.name for name in node.find_all(nodes.Name)] if not isinstance(node, nodes.Name) else [node.name]
