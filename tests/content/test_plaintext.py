"""The text part says what the page says."""

from __future__ import annotations

import pytest

from tidings.content.plaintext import to_text


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
    assert expected == to_text(html)


def meaning(text: str) -> str:
    """S and E stand for statements, V for a value."""
    return text.translate({ord("S"): "{% if x %}", ord("E"): "{% endif %}", ord("V"): "{{ name }}"})


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>S E V</p>", "SEV\n"),
        ('<a href="u">S <b> E </b> V</a>', "SEV: u\n"),
        ("<p>V S V E V</p>", "V S V E V\n"),
        ("<p>V</p> S <p>V</p> E ", "V\n\nS\nV\n\nE\n"),
    ],
)
def test_statements_leave_no_gaps(html: str, expected: str) -> None:
    """Spaces around a statement that vanishes would indent the line."""
    assert expected == to_text(html, meaning)
