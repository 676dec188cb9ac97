"""One folder of files, one noun in each: read as far as each holds, with every mistake."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from tidings.errors import TidingsError, Where
from tidings.model.base import Noun
from tidings.model.mistakes import Mistake, Place
from tidings.model.salvage import StandIns, salvage
from tidings.model.scalars import NAME
from tidings.yamlfile import YamlDocument, empty_values, place_mistake, read_yaml

T = TypeVar("T", bound=Noun)

ANYBODY = "1 = 1"
PAUSE = {"wait": "1d"}
STAND_INS = StandIns(
    keys={
        "campaign": "stand_in", "segment": "stand_in", "offer": "stand_in", "id": "stand_in", "template": "stand_in",
        "title": "", "aim": "care", "owner": "nobody@example.com", "schedule": "@daily",
        "audience": {"include": ANYBODY}, "include": ANYBODY, "where": [ANYBODY],
        "goal": {"event": "order", "within": "1d"}, "event": "order", "within": "1d",
        "steps": [PAUSE], "send": "email", "wait": "1d", "if": ANYBODY, "then": [PAUSE],
        "code": "STANDIN", "value": "10%", "valid_for": "1d",
    },
    items={
        "exclude": ANYBODY, "where": ANYBODY, "any_of": "email", "steps": PAUSE, "then": PAUSE, "else": PAUSE,
    },
)  # fmt: skip
# What stands below these is a condition, and read as one.
CLAUSES = ("include", "exclude", "if", "where")


@dataclass(frozen=True)
class Entry(Generic[T]):
    """One file: `noun` is what it says as far as it holds; at the places `mended` it has stand-ins."""

    name: str
    noun: T
    document: YamlDocument
    mended: frozenset[Place]

    def placed(self, mistakes: Iterable[Mistake]) -> list[TidingsError]:
        """Mistakes with file, line and column; without those about a stand-in."""
        return [place_mistake(each, self.document) for each in mistakes if not self.doubts(each.place)]

    def doubts(self, place: Place) -> bool:
        """Whether the file does not say, or says wrongly, what is there or above it."""
        return any(place[: len(mended)] == mended for mended in self.mended)


@dataclass
class Shelf(Generic[T]):
    """The files of one folder.

    `names` also holds those whose file is broken: who refers to one has made no mistake of his own.
    """

    entries: list[Entry[T]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    documents: dict[str, YamlDocument] = field(default_factory=dict)

    @property
    def nouns(self) -> dict[str, T]:
        """The nouns by the name of their file."""
        return {entry.name: entry.noun for entry in self.entries}


def read_shelf(root: Path, folder: Path, model: type[T], key: str, errors: list[TidingsError]) -> Shelf[T]:
    """The nouns of a folder; `key` is the one that holds their name."""
    shelf: Shelf[T] = Shelf()
    for path in sorted((root / folder).rglob("*.y*ml")):
        name = path.relative_to(root).as_posix()
        if path.suffix != ".yaml" or path.parent != root / folder:
            fix = f"move it to {folder}/{path.stem}.yaml"
            errors.append(TidingsError("the file is not read", fix, Where(name, 1, 1)))
            continue
        shelf.names.add(path.stem)
        try:
            document = read_yaml(path, root)
            shelf.documents[name] = document
            if not isinstance(document.data, dict):
                raise TidingsError("the file is not a mapping", "write `key: value` lines", document.where())
        except TidingsError as error:
            errors.append(error)
            continue
        done = salvage(model, document.data, STAND_INS)
        found = [place_mistake(mistake, document) for mistake in done.mistakes]
        errors += found + empty_values(document, {error.where for error in found}, CLAUSES)
        if done.noun is not None:
            entry = Entry(path.stem, done.noun, document, done.mended)
            shelf.entries.append(entry)
            errors += entry.placed(_misnamed(path.stem, key, getattr(done.noun, key)))
            if not entry.doubts((key,)):
                shelf.names.add(getattr(done.noun, key))
    return shelf


def _misnamed(file: str, key: str, name: str) -> list[Mistake]:
    if file == name:
        return []
    other = f", or write `{key}: {file}`" if NAME.fullmatch(file) else ""
    reason = f"the file is called {file}, the {key} in it {name}"
    return [Mistake((key,), reason, f"rename the file to {name}.yaml{other}")]
