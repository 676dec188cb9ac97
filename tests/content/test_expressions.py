"""Expressions are found where they stand, hidden from a converter, and put back."""

from __future__ import annotations

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.content.expressions import Marks, Piece, blank, fill, split
from tidings.errors import TidingsError, Where

START = Where("a.mjml", 1, 1)


def test_pieces_know_their_place() -> None:
    """Line and column count from 1, in the file as written."""
    found = list(split("one {{ two }}\n  {% if x %}{# note #}end", START))
    assert [
        ("one ", "a.mjml:1:1", False),
        ("{{ two }}", "a.mjml:1:5", True),
        ("\n  ", "a.mjml:1:14", False),
        ("{% if x %}", "a.mjml:2:3", True),
        ("{# note #}", "a.mjml:2:13", True),
        ("end", "a.mjml:2:23", False),
    ] == [(piece.text, str(piece.where), piece.expression) for piece in found]


def test_quotes_may_hold_braces() -> None:
    """A closing brace inside a quoted text does not close the expression."""
    found = list(split("""{{ "}}" ~ '%}' }}{% if x == "%}" %}""", START))
    assert ["""{{ "}}" ~ '%}' }}""", '{% if x == "%}" %}'] == [piece.text for piece in found]


@pytest.mark.parametrize(
    ("text", "place"), [("a\n {{ b", "2:2"), ("{% if", "1:1"), ("x {# y", "1:3"), ('{{ "}} ', "1:1")]
)
def test_an_open_expression_is_refused_where_it_opens(text: str, place: str) -> None:
    """The error points at the opening brace."""
    with pytest.raises(TidingsError, match="is never closed") as caught:
        list(split(text, START))
    assert f"a.mjml:{place}" == str(caught.value.where)


def test_opening_braces_without_end_take_no_time() -> None:
    """A file of nothing but braces is refused at once, not after squaring its length. R47"""
    with pytest.raises(TidingsError):
        list(split("{{" * 60_000, START))


def test_blanking_keeps_every_place() -> None:
    """What is left stands where it stood, line ends inside expressions too."""
    assert "<p>    \n         \n    </p>" == blank(split("<p>{{ a\n}}{{ b }}\n{##}</p>", START))


def test_marks_come_back_as_what_they_stand_for() -> None:
    """A converter may move and copy the words; each still stands for its expression."""
    marks = Marks()
    skeleton = marks.hide(split("{{ a }}-{{ b }}{# gone #}", START))
    moved = skeleton.split("-")[1] + skeleton
    assert ["{{ b }}", "{{ a }}", "-", "{{ b }}"] == [piece.text for piece in marks.show(moved)]
    assert "{{ b }}{{ a }}-{{ b }}" == marks.meaning(moved)
    assert [] == marks.lost(moved)
    assert ["{{ b }}"] == [piece.text for piece in marks.lost(skeleton.split("-")[0])]


def test_a_text_may_not_hold_a_mark() -> None:
    """Words of ours in the marketer's text would be taken for expressions."""
    with pytest.raises(TidingsError, match="reserved"):
        Marks().hide(split("a zq0qz b", START))


def test_filling_escapes_the_words_and_not_the_expressions() -> None:
    """A text in markup is escaped outside its expressions; in plain text it stays as written."""
    texts = {"hi": list(split('Tom & {{ "<b>" ~ x }} "q"', Where("a.en.yaml", 3, 5)))}
    pieces = list(split("<p>{{ t.hi }}</p>", START))
    assert '<p>Tom &amp; {{ "<b>" ~ x \n}} &quot;q&quot;</p>' == fill(pieces, texts, markup=True).source
    plain = fill(pieces, texts, markup=False)
    assert '<p>Tom & {{ "<b>" ~ x \n}} "q"</p>' == plain.source
    assert {1: "a.en.yaml:3:11"} == plain.lines


def test_every_expression_ends_a_line_of_its_own() -> None:
    """The line of an error names one expression, with whitespace control or without."""
    filled = fill(list(split("{{ a -}} {%- if b %}\n{{ c }}{%- endif -%}", START)), {}, markup=False)
    assert {1: "a.mjml:1:1", 2: "a.mjml:1:10", 4: "a.mjml:2:1", 5: "a.mjml:2:8"} == filled.lines
    assert "1\nx" == jinja2.Template(filled.source).render(a="1", b=True, c="x")


def test_an_unknown_text_names_the_nearest_known_one() -> None:
    """A slip in a key is answered with the key that was meant."""
    texts = {"headline": [Piece("x", START)]}
    with pytest.raises(TidingsError, match=r"no text 'headlin'.*did you mean 'headline'") as caught:
        fill(list(split("\n {{ t.headlin }}", START)), texts, markup=True)
    assert "a.mjml:2:2" == str(caught.value.where)


@given(
    st.lists(
        st.sampled_from(["<p>", "a b", "\n", "{{ x }}", "{% set y = 1 %}", "{# c #}", "}", "%", "{ "]),
        max_size=12,
    )
)
def test_splitting_loses_nothing(parts: list[str]) -> None:
    """The pieces put together are the text, and each stands where its place says."""
    text = "".join(parts)
    found = list(split(text, START))
    assert text == "".join(piece.text for piece in found)
    lines = text.split("\n")
    for piece in found:
        assert piece.where.line is not None
        assert piece.where.column is not None
        rest = "\n".join([lines[piece.where.line - 1][piece.where.column - 1 :], *lines[piece.where.line :]])
        assert rest.startswith(piece.text)
