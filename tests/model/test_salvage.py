"""What is left of data with mistakes: enough to look for more of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Discriminator, Field, Tag

from tidings.model.base import Noun
from tidings.model.salvage import Salvaged, StandIns, look_up, remove, salvage


class Nap(Noun):
    """One kind of step."""

    id: str
    nap: int


class Walk(Noun):
    """Another kind."""

    id: str
    walk: str
    pace: int = 3
    dog: dict[str, int] | None = None


def _kind(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((f"<{key}>" for key in ("nap", "walk") if key in value), None)
    return f"<{type(value).__name__.lower()}>"


class Day(Noun):
    """A day of steps."""

    name: str
    mood: Literal["good", "bad"] = "good"
    steps: list[Annotated[Annotated[Nap, Tag("<nap>")] | Annotated[Walk, Tag("<walk>")], Discriminator(_kind)]] = Field(
        default=[]
    )
    guests: list[str] = Field(default=["Ann"])


STAND_INS = StandIns(keys={"name": "someday", "id": "a step", "nap": 1}, items={"steps": {"nap": 1}})


def salvaged(**data: Any) -> Salvaged[Day]:
    """The day of these data."""
    return salvage(Day, data, STAND_INS)


def test_what_is_right_is_left_as_it_is() -> None:
    """No mistake, nothing mended."""
    assert salvaged(name="monday") == Salvaged(Day(name="monday"), [], frozenset())


@pytest.mark.parametrize(
    ("data", "noun", "mended"),
    [
        ({}, {"name": "someday"}, {("name",)}),
        ({"name": 3, "mood": "odd"}, {"name": "someday"}, {("name",), ("mood",)}),
        ({"name": "x", "moood": "good"}, {"name": "x"}, {("moood",)}),
        (
            {"name": "x", "steps": [{"id": "a", "nap": "long"}, {"id": "b", "walk": "far"}]},
            {"name": "x", "steps": [{"id": "a", "nap": 1}, {"id": "b", "walk": "far"}]},
            {("steps", 0, "nap")},
        ),
        (
            {"name": "x", "steps": [{"id": "a", "wlak": "far", "pace": 3}, "run", {"nap": 2}]},
            {"name": "x", "steps": [{"id": "a", "nap": 1}, {"id": "a step", "nap": 1}, {"id": "a step", "nap": 2}]},
            {("steps", 0), ("steps", 1), ("steps", 2, "id")},
        ),
        (
            {"name": "x", "steps": [{"id": "a", "walk": "far", "dog": {"legs": "four", "ears": 2}}]},
            {"name": "x", "steps": [{"id": "a", "walk": "far", "dog": {"ears": 2}}]},
            {("steps", 0, "dog", "legs")},
        ),
        ({"name": "x", "guests": ["Bob", 3]}, {"name": "x"}, {("guests", 1)}),
        ({"name": "x", "steps": 3}, {"name": "x"}, {("steps",)}),
    ],
)
def test_what_is_wrong_gets_a_stand_in_or_is_left_out(data: Any, noun: Any, mended: Any) -> None:
    """One that is there for its key; items of lists stay where they are, or the list is left out whole."""
    before = repr(data)
    found = salvaged(**data)
    assert found.noun == Day.model_validate(noun)
    assert found.mended == mended
    assert len(found.mistakes) == len(mended)
    assert repr(data) == before


def test_stand_ins_bring_no_mistakes_of_their_own() -> None:
    """What a mended step lacks or has too much was never written."""
    found = salvaged(name="x", steps=[{"wlak": "far", "pace": 3}])
    assert [mistake.place for mistake in found.mistakes] == [("steps", 0)]
    assert found.noun == Day.model_validate({"name": "x", "steps": [{"id": "a step", "nap": 1}]})


def test_where_nothing_stands_in_there_is_nothing() -> None:
    """A noun without its name is none."""
    found = salvage(Day, {"mood": "good"}, StandIns())
    assert (found.noun, len(found.mistakes)) == (None, 1)


def test_places_that_lead_nowhere() -> None:
    """Looking there finds nothing, and nothing is removed."""
    data = {"a": [1, {"b": 2}]}
    assert [look_up(data, place) for place in ((), ("a", 1, "b"), ("a", 7), ("x", "y"))] == [data, 2, None, None]
    for place in ((), ("a", 7), ("x", "y"), ("a", 0, "z")):
        remove(data, place)
    assert data == {"a": [1, {"b": 2}]}
    remove(data, ("a", 0))
    assert data == {"a": [{"b": 2}]}
