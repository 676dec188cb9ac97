"""Pydantic's findings in plain words, at the place the file has them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Discriminator, Field, Tag, ValidationError, field_validator

from tidings.model.base import Noun
from tidings.model.mistakes import Mistake, in_plain_words, shown
from tidings.model.scalars import Duration, Name, form


class Inner(Noun):
    strategy: str
    count: Annotated[int, Field(ge=1, le=12)] = 3


class Wait(Noun):
    until: Literal["goal"]
    timeout: Duration


class Outer(Noun):
    title: str
    size: float = 1.0
    inner: Inner | None = None
    listed: Annotated[list[Inner], Field(max_length=2, default=[])]
    named: dict[str, Inner] = Field(default={})
    wait: Annotated[Annotated[Duration, Tag("<plain>")] | Annotated[Wait, Tag("<mapping>")], Discriminator(form)] = (
        Field(default="5d", validate_default=True)
    )
    code: Annotated[str | None, Field(pattern="^[A-Z]+$")] = None
    alias: Annotated[int, Field(alias="else")] = 1
    where: dict[Literal["category", "product"], str] = Field(default={})
    channels: dict[Name, int] = Field(default={})

    @field_validator("title")
    @classmethod
    def _no_shouting(cls, title: str) -> str:
        if title.isupper():
            raise ValueError("the title shouts; write it in small letters")
        return title


def said(data: dict[str, Any]) -> list[Mistake]:
    """The mistakes of data that do not fit."""
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"title": "x"} | data)
    return in_plain_words(caught.value, Outer)


@pytest.mark.parametrize(
    ("data", "mistake"),
    [
        ({"titel": 1}, Mistake(("titel",), "unknown key 'titel'", "did you mean 'title'?", True)),
        (
            {"inner": {"strategy": "a", "cuont": 1}},
            Mistake(("inner", "cuont"), "unknown key 'cuont'", "did you mean 'count'?", True),
        ),
        (
            {"listed": [{"strategy": "a"}, {"strategy": "b", "z": 1}]},
            Mistake(("listed", 1, "z"), "unknown key 'z'", "known: count, strategy", True),
        ),
        (
            {"named": {"a": {"strategy": "a", "kount": 1}}},
            Mistake(("named", "a", "kount"), "unknown key 'kount'", "did you mean 'count'?", True),
        ),
        (
            {"wait": {"until": "goal", "timeout": "1d", "timout": 1}},
            Mistake(("wait", "timout"), "unknown key 'timout'", "did you mean 'timeout'?", True),
        ),
        ({"els": 1}, Mistake(("els",), "unknown key 'els'", "did you mean 'else'?", True)),
        (
            {"where": {"catgory": "Milk"}},
            Mistake(("where", "catgory"), "unknown key 'catgory'", "did you mean 'category'?", True),
        ),
        (
            {"channels": {"E-mail": 1}},
            Mistake(
                ("channels", "E-mail"),
                "'E-mail' is not a name",
                "use lower-case letters, digits and _, letter first",
                True,
            ),
        ),
        ({"inner": {}}, Mistake(("inner",), "the key 'strategy' is missing", "add `strategy:`")),
        ({"title": 2026}, Mistake(("title",), "`title` must be text, not 2026", "put it in quotes")),
        ({"title": None}, Mistake(("title",), "`title` is empty", "write text, or remove the key")),
        ({"title": "LOUD"}, Mistake(("title",), "the title shouts", "write it in small letters")),
        (
            {"inner": "popular"},
            Mistake(
                ("inner",),
                "`inner` must be a mapping of keys and values, not 'popular'",
                "write `key: value` lines below it",
            ),
        ),
        (
            {"listed": "popular"},
            Mistake(
                ("listed",),
                "`listed` must be a list, not 'popular'",
                "write [one, another], or a line with - for each",
            ),
        ),
        ({"size": "big"}, Mistake(("size",), "`size` must be a number, not 'big'", "write digits, such as 2.5")),
        ({"else": 1.5}, Mistake(("else",), "`else` must be a whole number, not 1.5", "write digits, such as 3")),
        (
            {"inner": {"strategy": "a", "count": 13}},
            Mistake(("inner", "count"), "`count` must be at most 12, not 13", ""),
        ),
        (
            {"wait": "soon"},
            Mistake(("wait",), "'soon' is not a duration", "write a number and m, h, d or w, such as 5d"),
        ),
        (
            {"wait": {"until": "gaol", "timeout": "1d"}},
            Mistake(("wait", "until"), "'gaol' is not a value of `until`", "did you mean 'goal'?"),
        ),
        (
            {"code": "ten percent"},
            Mistake(("code",), "'ten percent' does not fit `code`", "write what matches ^[A-Z]+$"),
        ),
    ],
)
def test_a_finding_is_one_mistake_in_plain_words(data: dict[str, Any], mistake: Mistake) -> None:
    """The place as the file has it (no tags, no class names), what is wrong, and what mends it."""
    assert said(data) == [mistake]


def test_a_misspelt_compulsory_key_is_one_mistake() -> None:
    """Not an unknown key and a missing one."""
    assert said({"inner": {"stratgy": "a"}}) == [
        Mistake(("inner", "stratgy"), "unknown key 'stratgy'", "did you mean 'strategy'?", at_key=True)
    ]


def test_a_message_has_no_words_of_the_library() -> None:
    """What is left of pydantic's own messages at least starts small and says nothing of Python types."""
    [mistake] = said({"listed": [{"strategy": "a"}] * 3})
    assert mistake.reason == "`listed` takes at most 2, not 3"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"),
        (True, "true"),
        ([1], "a list"),
        ({}, "a mapping"),
        (3, "3"),
        ("x" * 100, f"'{'x' * 56}..."),
    ],
)
def test_a_value_is_shown_short_and_in_the_words_of_yaml(value: object, words: str) -> None:
    """Whatever somebody wrote, the message stays one line."""
    assert shown(value) == words
