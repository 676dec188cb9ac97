"""The text part says what the page says."""

from __future__ import annotations

import pytest

from tidings.content.expressions import Marks, split
from tidings.content.plaintext import to_text
from tidings.errors import TidingsError, Where


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo\n"),
        ("<h1>Head</h1><p>Two\n  words</p>", "Head\nTwo words\n"),
        ("<div>a</div><div>b</div>c<br>d", "a\nb\nc\nd\n"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a\nb\n\nc\n"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b\n"),
        (
            '<a href="https://x.example/?a=1&amp;b=2">Read <b>on</b></a>',
            "Read on: https://x.example/?a=1&b=2\n",
        ),
        ('<a href="https://x.example"> https://x.example </a>', "https://x.example\n"),
        ('<a href="mailto:a@x.example">a@x.example</a>', "a@x.example\n"),
        ('<a href="mailto:a@x.example">Write</a>', "Write: a@x.example\n"),
        ('<a href="https://x.example"><img src="y" alt=""></a>after', "after\n"),
        ("<a name='x'>here</a>", "here\n"),
        ('<img src="y" alt="a cow"> and <img src="z" alt="">none', "[a cow] and none\n"),
        ('<div style="display: none">pre</div><span aria-hidden="true">M<br></span>shown', "shown\n"),
        ("<head><title>t</title><style>p{}</style></head><body><script>x</script>b</body>", "b\n"),
        ("<!--[if mso]><table><tr><td>Outlook</td></tr></table><![endif]-->a", "a\n"),
        ("Tom &amp; Ana&nbsp;&lt;3", "Tom & Ana <3\n"),
        ('<p aria-hidden="true"><b>x</i></p>after', "after\n"),
    ],
)
def test_pages_become_text(html: str, expected: str) -> None:
    """Blocks stand apart, links keep their address, pictures speak by their alternative text. R57"""
    assert expected == to_text(html, Marks())


def marked(html: str) -> tuple[str, Marks]:
    """The page with marks in place of its expressions."""
    marks = Marks()
    return marks.hide(split(html, Where("a.mjml", 1, 1))), marks


IF, END, V = "{% if x %}", "{% endif %}", "{{ name }}"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (f"<p>{IF} {END} {V}</p>", f"{IF}{END}{V}\n"),
        (f'<a href="u">{IF} <b> {END} </b> {V}</a>', f"{IF}{END}{V}: u\n"),
        (f"<p>{V} {IF} {V} {END} {V}</p>", f"{V} {IF} {V} {END} {V}\n"),
        (f"<p>{V}</p> {IF} <p>{V}</p> {END} ", f"{V}\n\n{IF}\n{V}\n\n{END}\n"),
    ],
)
def test_statements_leave_no_gaps(html: str, expected: str) -> None:
    """Spaces around a statement that vanishes would indent the line."""
    page, marks = marked(html)
    assert expected == marks.meaning(to_text(page, marks))


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (f"<!--[if mso | IE]></tr>{IF}<tr><![endif]--><p>a</p><!-- {V} {END} -->", f"{IF}\na\n\n{END}\n"),
        (f'<p style="{IF}color:red{END}">a</p>', f"{IF}{END}a\n"),
        (f"<p {IF}hidden{END}>a</p>", f"{IF}{END}a\n"),
        (f'<p aria-hidden="true">{IF}a{END}</p>b', f"{IF}{END}b\n"),
        ("<head><style>{% set x = 1 %}p{}</style></head>{{ x }}", "{% set x = 1 %}{{ x }}\n"),
        (f'<a href="{IF}u{END}"><img src="y" alt=""></a>', f"{IF}{END}\n"),
    ],
)
def test_statements_are_kept_where_words_are_not(html: str, expected: str) -> None:
    """A condition holds in the text as in the page, wherever its beginning and its end stand. R57"""
    page, marks = marked(html)
    assert expected == marks.meaning(to_text(page, marks))


def test_a_statement_without_a_place_in_the_text_is_refused() -> None:
    """Half a condition would say what the page does not say."""
    page, marks = marked(f"<p>a\n</p {IF}>b{END}")
    with pytest.raises(TidingsError, match=r"lose '\{% if x %\}'; write the text part yourself") as caught:
        to_text(page, marks)
    assert "a.mjml:2:5" == str(caught.value.where)
