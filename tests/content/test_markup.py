"""MJML is checked before the converter passes over what it does not know."""

from __future__ import annotations

import pytest

from tidings.content.markup import check_markup, to_html
from tidings.errors import TidingsError, Where

START = Where("a.mjml", 1, 1)


@pytest.mark.parametrize(
    "text",
    [
        "<mj-text>a <br> b <img src='x' alt='a > b'></mj-text>",
        '<mj-divider /><mj-text css-class="a/b"></mj-text>',
        "<!-- <mj-oops> --><mj-raw><!doctype html></mj-raw>",
        "1 < 2 & 3 > 2",
        "",
    ],
)
def test_good_markup_passes(text: str) -> None:
    """Void elements, comments and signs in text are no mistakes."""
    check_markup(text, START)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("<mj-body>\n  <mj-txt>a</mj-txt>", "2:3", "no element <mj-txt>; did you mean 'mj-text'"),
        ("<mj-body>\n<mj-text>", "2:1", "<mj-text> is never closed"),
        ("<mj-body></mj-text>", "1:10", "</mj-text> closes what is not open"),
        ("</p>", "1:1", "</p> closes what is not open"),
        ("<mj-text><p><b></p></mj-text>", "1:16", "</p> closes what is not open"),
    ],
)
def test_a_mistake_is_named_at_its_place(text: str, place: str, said: str) -> None:
    """Unknown and unbalanced elements are errors, though the converter would drop them without a word."""
    with pytest.raises(TidingsError, match=said) as caught:
        check_markup(text, START)
    assert f"a.mjml:{place}" == str(caught.value.where)


def test_html_is_what_html_validators_expect() -> None:
    """The document type is in capitals, void elements have no slash. R57"""
    head = "<mj-head><mj-raw><meta name='a' /></mj-raw></mj-head>"
    page = f"<mjml>{head}<mj-body><mj-text>a<br/>b</mj-text></mj-body></mjml>"
    html = to_html(page, "a.mjml")
    assert html.startswith("<!DOCTYPE html>")
    assert '<meta name="a">' in html
    assert "a<br>b" in html
    assert "/>" not in html.replace("<o:AllowPNG/>", "")


def test_what_the_converter_cannot_read_is_an_error_of_the_file() -> None:
    """Its words are passed on with the file."""
    with pytest.raises(TidingsError, match=r"^a.mjml: not valid MJML: "):
        to_html("<mjml><mj-body>", "a.mjml")
