"""What holds of a file with mistakes in it, so that one mistake does not hide the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from tidings.model.mistakes import Mistake, Place, bare, in_plain_words

T = TypeVar("T", bound=BaseModel)

# A stand-in may bring new mistakes of its own, one level further up each time.
ROUNDS = 40


@dataclass(frozen=True)
class StandIns:
    """Values that fit where the file's own do not: by key, and by the key of a list for an item of it."""

    keys: Mapping[str, Any] = field(default_factory=dict)
    items: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Salvaged(Generic[T]):
    """The noun as far as it holds (None where nothing does), every mistake, and the places that were `mended`."""

    noun: T | None
    mistakes: list[Mistake]
    mended: frozenset[Place]


def salvage(model: type[T], data: Any, stand_ins: StandIns) -> Salvaged[T]:
    """The noun that `data` describes: what is wrong in it gets a stand-in, or is left out where there is none.

    What is left out takes what cannot be without it along. Items of lists keep their places.
    """
    rest, tried = deepcopy(data), set[Place]()
    mistakes: list[Mistake] = []
    mended: frozenset[Place] = frozenset()
    for _ in range(ROUNDS):
        try:
            return Salvaged(model.model_validate(rest), mistakes, mended)
        except ValidationError as error:
            findings = [(bare(finding["loc"]), finding["type"]) for finding in error.errors(include_url=False)]
            if not mended:  # later rounds find only what the stand-ins bring
                mistakes, mended = in_plain_words(error, model), frozenset(place for place, _ in findings)
        fresh = set[Place]()
        for place, kind in findings:
            _mend(rest, place, kind, stand_ins, tried, fresh)
        tried |= fresh
    return Salvaged(None, mistakes, mended)


def _mend(data: Any, place: Place, kind: str, stand_ins: StandIns, tried: set[Place], fresh: set[Place]) -> None:
    """Put a stand-in at a place, or take out what is there; `fresh` are the places mended in this round."""
    if not place or any(place[: len(above)] == above for above in fresh):
        return
    *above, last = place
    owner = look_up(data, above)
    if type(owner) not in (dict, list):
        return  # something above has been mended
    stand_in = stand_ins.keys.get(last) if isinstance(last, str) else stand_ins.items.get(str(place[-2]))
    if kind != "extra_forbidden" and stand_in is not None and place not in tried:
        fresh.add(place)
        old = look_up(owner, [last])
        both = isinstance(old, dict) and isinstance(stand_in, dict)
        owner[last] = deepcopy(old | stand_in if both else stand_in)
    elif kind == "missing":
        _mend(data, tuple(above), "incomplete", stand_ins, tried, fresh)
    elif isinstance(last, int):
        remove(data, tuple(above))
    else:
        remove(data, place)


def look_up(data: Any, place: Sequence[str | int]) -> Any:
    """What stands at a place; None where nothing does."""
    for part in place:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def remove(data: Any, place: Place) -> None:
    """Take out what stands at a place, if anything does; an item of a list closes the gap."""
    owner = look_up(data, place[:-1]) if place else None
    if isinstance(owner, dict):
        owner.pop(place[-1], None)
    elif isinstance(owner, list) and isinstance(index := place[-1], int) and index < len(owner):
        del owner[index]
