"""YAML 1.2 core scalars with the line and column of every key and value.

PyYAML's C parser composes the nodes; the scalars are resolved here, because YAML 1.1 turns `no` into False,
`22:00` into 1320 and `010` into 8.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from tidings.errors import TidingsError, Where
from tidings.model.mistakes import Mistake, Place, in_plain_words, shown

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
MAX_VALUES = 20_000

# Python refuses to read very long digit strings; they stay text.
_INT = re.compile(r"[-+]?\d[\d_]{0,30}")
_FLOAT = re.compile(r"[-+]?(\d[\d_]*\.[\d_]*|\.\d[\d_]*|\d[\d_]*(?=[eE]))([eE][-+]?\d+)?")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_UNCLOSED = re.compile(r"end of stream|expected ',' or")
_OTHERS: dict[str, Any] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_OTHERS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True)
class YamlDocument:
    """Plain data and where each part of it stands; `empty` are the places where nothing is written, not even null."""

    data: Any
    file: str
    keys: dict[Place, tuple[int, int]] = field(default_factory=dict)
    values: dict[Place, tuple[int, int]] = field(default_factory=dict)
    empty: list[Place] = field(default_factory=list)

    def where(self, path: Sequence[str | int] = (), *, key: bool = False) -> Where:
        """The place of the value (or key) at `path`; of its nearest ancestor where the path leads nowhere."""
        here = tuple(path)
        if key and here in self.keys:
            return Where(self.file, *self.keys[here])
        while here and here not in self.values:
            here = here[:-1]
        return Where(self.file, *self.values.get(here, (1, 1)))


def read_yaml(path: Path, root: Path | None = None) -> YamlDocument:
    """The document in a file; errors name it relative to `root`."""
    name = str(path.relative_to(root)) if root and path.is_relative_to(root) else str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise TidingsError(
            f"the file cannot be read: {error.strerror}", "write it, or mend its rights", Where(name)
        ) from error
    if len(raw) > MAX_BYTES:
        raise TidingsError(f"the file is larger than {MAX_BYTES:,} bytes", "split it", Where(name))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise TidingsError("the file is not UTF-8 text", "save it as UTF-8", Where(name, line, 1)) from error
    return _kept(text, name)


@lru_cache(maxsize=256)
def _kept(text: str, file: str) -> YamlDocument:
    """The document of a text that was read before: every task reads all files, and nobody changes a document."""
    return load_yaml(text, file)


def load_yaml(text: str, file: str) -> YamlDocument:
    """One YAML document; TidingsError for what is not YAML, for duplicate keys, aliases and nesting (R49)."""
    try:
        _refuse_bombs(text, file)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        unclosed = _UNCLOSED.search(str(error.problem)) and error.context_mark
        mark = unclosed or error.problem_mark or error.context_mark
        where = Where(file, mark.line + 1, mark.column + 1) if mark else Where(file)
        reason, fix = _syntax(str(error.problem), text, where)
        raise TidingsError(reason, fix, where) from error
    except yaml.YAMLError as error:
        reason = f"not valid YAML: {error}".splitlines()[0]
        raise TidingsError(reason, "remove the character", Where(file, *_unprintable(text))) from error
    if node is None:
        raise TidingsError("the file is empty", "write the keys it needs, or delete it", Where(file, 1, 1))
    document = YamlDocument(None, file)
    data = _build(node, document, ())
    return YamlDocument(data, file, document.keys, document.values, document.empty)


def _refuse_bombs(text: str, file: str) -> None:
    """Look at the event stream, which is linear in the text, before anything multiplies or recurses."""
    depth = values = 0
    lines = _BREAK.split(text)
    checked = 0
    for event in _events(text, file, lines):
        mark: Any = event.start_mark
        line: int = mark.line
        where = Where(file, line + 1, mark.column + 1)
        _refuse_tabs(lines, checked, line, file)
        checked = max(checked, _text_ends(event) if isinstance(event, yaml.ScalarEvent) else line)
        if isinstance(event, yaml.AliasEvent):
            raise TidingsError("aliases (*name) are not used here", "write the value out", where)
        if isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)):
            values += 1
            if event.tag is not None:
                raise TidingsError(f"the tag {shown(event.tag)} is not used here", "remove it", where)
            if values > MAX_VALUES:
                raise TidingsError(f"more than {MAX_VALUES:,} values", "split the file", where)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise TidingsError(f"nested deeper than {MAX_DEPTH} levels", "flatten it", where)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _text_ends(event: yaml.ScalarEvent) -> int:
    """The first line whose indentation is not the scalar's own text: in quotes and blocks a tab is text."""
    start: Any = event.start_mark
    end: Any = event.end_mark
    if event.style in ("'", '"'):
        return int(end.line) + 1
    return int(end.line if event.style else start.line)


def _events(text: str, file: str, lines: list[str]) -> Iterator[yaml.Event]:
    """The parser's events; where it gives up at a tab, the tab is the mistake."""
    try:
        yield from yaml.parse(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        if error.problem_mark:
            _refuse_tabs(lines, error.problem_mark.line, error.problem_mark.line + 1, file)
        raise


def _refuse_tabs(lines: list[str], first: int, end: int, file: str) -> None:
    for number in range(first, min(end, len(lines))):
        line = lines[number]
        indent = line[: len(line) - len(line.lstrip(" \t"))]
        if "\t" in indent and line.strip():
            where = Where(file, number + 1, indent.index("\t") + 1)
            raise TidingsError("a tab in the indentation", "indent with spaces", where)


def _syntax(problem: str, text: str, where: Where) -> tuple[str, str]:
    if "cannot start any token" in problem and where.line and where.column:
        character = _BREAK.split(text)[where.line - 1][where.column - 1]
        fix = "write a space instead" if character == "\t" else "put the value in quotes"
        return f"not valid YAML: {character!r} cannot start a value", fix
    if _UNCLOSED.search(problem):
        return "not valid YAML: what begins here is not closed, or lacks a comma", "close the quote or the bracket"
    if problem.startswith("mapping values"):
        return "not valid YAML: a `:` where no key can be", "put text with a colon in quotes"
    return f"not valid YAML: {problem.removeprefix('but ')}", "mend the indentation or the quotes"


def _unprintable(text: str) -> tuple[int, int]:
    """Line and column of the first character that YAML does not allow."""
    for number, line in enumerate(_BREAK.split(text), 1):
        for column, character in enumerate(line, 1):
            if not character.isprintable() and character not in "\t\r\u2028\u2029\x85\ufeff\xa0":
                return number, column
    return 1, 1


def _at(node: Any) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _build(node: Any, document: YamlDocument, path: Place) -> Any:
    document.values[path] = _at(node)
    if isinstance(node, yaml.ScalarNode):
        if not node.value and not node.style:
            document.empty.append(path)
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, document, (*path, index)) for index, item in enumerate(node.value)]
    return dict(_pairs(node, document, path))


def _pairs(node: Any, document: YamlDocument, path: Place) -> Iterator[tuple[str, Any]]:
    for key_node, value_node in node.value:
        where = Where(document.file, *_at(key_node))
        if not isinstance(key_node, yaml.ScalarNode):
            raise TidingsError("a key must be a word", "write `key: value`", where)
        key = (*path, key_node.value)
        if key in document.keys:
            first = document.keys[key][0]
            fix = f"it stands on line {first} already; keep one"
            raise TidingsError(f"the key {shown(key_node.value)} is written twice", fix, where)
        document.keys[key] = _at(key_node)
        yield key_node.value, _build(value_node, document, key)


def _scalar(node: Any) -> Any:
    text: str = node.value
    if node.style in ("'", '"', "|", ">"):
        return text
    if text in _OTHERS:
        return _OTHERS[text]
    if _INT.fullmatch(text) and not re.match(r"[-+]?0\d", text):
        return int(text.replace("_", ""))
    if _FLOAT.fullmatch(text):
        return float(text.replace("_", ""))
    return text


def mistakes(
    error: ValidationError, document: YamlDocument, model: type[BaseModel], below: Place = ()
) -> list[TidingsError]:
    """Pydantic's findings as places in the file, for a model whose data stand at `below` in the document."""
    return [place_mistake(mistake, document, below) for mistake in in_plain_words(error, model)]


def empty_values(
    document: YamlDocument, said: Collection[Where | None], beside: Collection[str] = ()
) -> list[TidingsError]:
    """Keys with nothing behind them, which would be read as if they were not there.

    Left out are places `said` before, and what stands below one of the keys `beside`.
    """
    found = []
    for place in document.empty:
        where = document.where(place)
        if place and isinstance(place[-1], str) and where not in said and not set(beside) & set(place[:-1]):
            found.append(TidingsError(f"`{place[-1]}` is empty", "write a value, or remove the key", where))
    return found


def place_mistake(mistake: Mistake, document: YamlDocument, below: Place = ()) -> TidingsError:
    """A mistake with file, line and column."""
    where = document.where((*below, *mistake.place), key=mistake.at_key)
    return TidingsError(mistake.reason, mistake.fix, where)
