"""Skeleton and holes make the very message that `render` makes; as many as can share a skeleton."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.content.samples import LOCALES, OFFER, PRODUCTS, context
from tests.content.test_shipped import EMAILS, template
from tidings.content.compile import CompiledTemplate, Part
from tidings.content.render import render
from tidings.content.skeleton import Splitter
from tidings.errors import TidingsError

# What mangles text most: white space of every kind, markup, what a tag could be, other scripts, nothing.
WORDS = st.text(st.sampled_from("a<&'\"-x0 \t\n\r\u00a0\u3000é好\U0001f95b"), max_size=6)
NAMES = st.one_of(st.none(), WORDS, st.just("-7ea0c0dex1-"))
PRODUCT = st.builds(
    lambda name, **rest: {"product_id": "1", "name": name, **rest},
    st.text(min_size=1, max_size=12),
    category=st.sampled_from(["milk", "jam & preserves", ""]),
    price_minor=st.integers(0, 100_000),
    reason=st.sampled_from(["because_you_buy", "popular"]),
    reason_product=st.sampled_from([None, "whole <milk>"]),
)
PEOPLE = st.fixed_dictionaries(
    {
        "customer": st.fixed_dictionaries({"customer_id": st.just("7"), "first_name": NAMES, "last_name": NAMES}),
        "products": st.lists(PRODUCT, max_size=5),
        "offer": st.sampled_from([None, OFFER]),
    }
)


@cache
def splitter() -> Splitter:
    """With a token that the names above hold now and then."""
    return Splitter("7ea0c0de")


def same(compiled: CompiledTemplate, locale: str, values: dict[str, Any]) -> None:
    """Both ways give the same message, or the same mistake."""
    try:
        expected = render(compiled, locale, values)
    except TidingsError as error:
        with pytest.raises(TidingsError, match=re.escape(str(error))):
            splitter().render(compiled, locale, values)
        return
    joined, skeleton, holes = splitter().render(compiled, locale, values)
    assert expected == joined
    if skeleton is None:
        assert "7ea0c0de" in f"{values}"
    else:
        assert (expected.subject, expected.html, expected.text) == skeleton.filled(holes)
        assert not [value for value in holes.values() if "7ea0c0de" in value]


@pytest.mark.parametrize("name", [*EMAILS, "win_back/nudge"])
@settings(max_examples=60)
@given(locale=st.sampled_from(LOCALES), person=PEOPLE)
def test_filled_in_it_is_the_message(name: str, locale: str, person: dict[str, Any]) -> None:
    """Byte for byte, for every shipped template and whatever people are called and buy."""
    same(template(name), locale, context(locale, **person))


SHAPES = st.recursive(
    st.sampled_from(
        [
            *(" ", "\n", "\n\n\n", "a", "b\n", "\u3000", "{{ '' }}", "{{ 1 + 1 }}", "{{ customer.last_name }}"),
            *("{{ customer.first_name or '' }}", "{% set n = customer.first_name %}{{ n or 'x' }}"),
        ]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map("".join),
        inner.map(lambda body: "{% if customer.first_name %}" + body + "{% elif products %}-{% else %}\n{% endif %}"),
        inner.map(lambda body: "{% for p in products %}" + body + "{{ p.name }}{% else %}none\n{% endfor %}"),
    ),
    max_leaves=8,
)


@settings(max_examples=300)
@given(source=SHAPES, person=PEOPLE)
def test_whatever_the_template(source: str, person: dict[str, Any]) -> None:
    """Also for made-up templates, where holes touch each other, the edges and the gaps of a text."""
    part = Part(subject="{{ customer.first_name or 'x' }} ", html=source, text=source)
    compiled = CompiledTemplate(name="t", channel="email", file="t", default_locale="en", parts={"en": part})
    same(compiled, "en", context("en", **person))


def skeletons(name: str, *people: dict[str, Any]) -> list[str]:
    """The ids of the skeletons of some people's messages."""
    made = Splitter()
    found = [made.render(template(name), "en", context("en", **person))[1] for person in people]
    return [one.id for one in found if one]


def test_who_shares_a_skeleton() -> None:
    """Names, links, prices and the two sides of an `if` are holes; the length of a list is not."""
    someone = {
        "customer": {"customer_id": "8", "first_name": None, "last_name": "Õ"},
        "unsubscribe_url": "https://x.example/u",
    }
    pictured = {"products": [one | {"image_url": "https://x.example/1.png", "category": "a"} for one in PRODUCTS]}
    fewer = {"products": PRODUCTS[:2]}
    for name in ("win_back/miss_you", "cross_sell_weekly/picks", "second_order/thanks"):
        ids = skeletons(name, {}, someone, pictured, fewer)
        assert len(ids) == 4
        assert ids[0] == ids[1] == ids[2] != ids[3], name


def test_skeletons_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where everybody has a skeleton of their own, a plan of any size takes the memory of a few; ids stay the same."""
    monkeypatch.setattr("tidings.content.skeleton.KEPT", 3)
    made = Splitter()
    people = [context(products=[PRODUCTS[0]] * count) for count in (1, 2, 3, 4, 1)]
    found = [made.render(template("cross_sell_weekly/picks"), "en", person)[1] for person in people]
    assert len(made._known) <= 3
    assert found[0] == found[-1]
    assert 4 == len({one.id for one in found if one})


def test_another_plan_has_other_tags() -> None:
    """Nobody who has seen one message knows the tags of the next plan."""
    assert not set(skeletons("newsletter/weekly", {})) & set(skeletons("newsletter/weekly", {}))


@pytest.mark.parametrize("name", EMAILS)
def test_the_holes_are_small(name: str) -> None:
    """SendGrid takes 10,000 bytes of them a person; the shipped templates stay well below."""
    for locale in LOCALES:
        holes = Splitter().render(template(name), locale, context(locale))[2]
        size = sum(len(tag) + len(value.encode()) for tag, value in holes.items())
        assert 0 < size < 6_000, f"{size} in {locale}"
