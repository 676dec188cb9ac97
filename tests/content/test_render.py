"""One message for one person: right, quick, and refused with a place where it cannot be made."""

from __future__ import annotations

import html
from pathlib import Path

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.content.samples import EMAIL, ROOT, TEXTS, compiled, context, workspace
from tidings.content.compile import CompiledTemplate, Part
from tidings.content.render import render
from tidings.errors import TidingsError


def hello(tmp_path: Path, expression: str) -> CompiledTemplate:
    """The small e-mail with another expression in place of its greeting."""
    return compiled(workspace(tmp_path, {"news/hello.mjml": EMAIL.replace("{{ t.hello }}", expression)}))


def plain(text: str, subject: str | None = None) -> CompiledTemplate:
    """A template of one English part that is not read from files."""
    part = Part(subject=subject, html=None if subject is None else text, text=text)
    return CompiledTemplate(name="a/b", channel="x", file="a/b", default_locale="en", parts={"en": part})


def test_a_message_has_its_parts(tmp_path: Path) -> None:
    """Subject, HTML and text come out in the language the template speaks."""
    message = render(compiled(workspace(tmp_path)), "en-GB", context())
    assert ("News", "en") == (message.subject, message.locale)
    assert 'lang="en-GB"' in str(message.html)
    assert "Hello Ana\n" in message.text


def test_formats_follow_the_region_of_the_reader() -> None:
    """The region counts where the template speaks the reader's language, and not otherwise."""
    source = "{{ today | date('short') }} {{ locale }}"
    assert "20/11/2026 en-GB" == render(plain(source), "en-GB", context()).text
    assert "11/20/26 en" == render(plain(source), "de", context()).text


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("{{ customer.nickname }}", "there is no value 'nickname'"),
        ("{{ nobody.name }}", "there is no value 'nobody'"),
        ("{{ customer.last_name }}", "empty for this person"),
        ("{{ offer.code.part }}", "there is no value 'part'"),
        ("{% for p in products %}\n{{ p.name }}\n{{ p.colour }}{% endfor %}", "there is no value 'colour'"),
        ("{{ customer.first_name + 1 }}", "the template failed: TypeError"),
        ("{{ customer.first_name | money }}", "`money` wants minor units"),
        ("{{ 'a' * 1000000000 }}", "refused: only numbers can be multiplied"),
    ],
)
def test_what_cannot_be_said_names_file_and_line(tmp_path: Path, expression: str, said: str) -> None:
    """A missing or empty value, a failing filter and a limit all point into the marketer's file. R47"""
    one = hello(tmp_path, f"{{# note #}}\n{expression}")
    with pytest.raises(TidingsError, match=said) as caught:
        render(one, "en", context())
    line = 7 if "colour" in expression else 5
    assert str(caught.value.where).startswith(f"templates/news/hello.mjml:{line}:")
    assert caught.value.fix


def test_a_value_missing_in_a_text_names_the_strings_file(tmp_path: Path) -> None:
    """Words are placed in the file of their language, those of partials in theirs."""
    root = workspace(tmp_path, {"news/hello.en.yaml": TEXTS + "leave: Bye {{ customer.nickname }}\n"})
    with pytest.raises(TidingsError, match="no value 'nickname'") as caught:
        render(compiled(root), "en", context())
    assert "templates/news/hello.en.yaml:4:8" == str(caught.value.where)


@pytest.mark.parametrize(
    "sign", ["\r", "\n", "\0", "\r\nBcc: eve@example.com", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"]
)
def test_a_header_cannot_be_injected(tmp_path: Path, sign: str) -> None:
    """Whatever ends a line, and NUL, is refused in a subject, with the place that put it there. R48"""
    root = workspace(tmp_path, {"news/hello.en.yaml": TEXTS.replace("News", "News for {{ customer.first_name }}")})
    one = compiled(root)
    with pytest.raises(TidingsError, match="line break or NUL") as caught:
        render(one, "en", context(customer={"first_name": f"Ana{sign}x"}))
    assert "templates/news/hello.en.yaml:1:10" == str(caught.value.where)


def test_names_are_not_templates(tmp_path: Path) -> None:
    """Jinja in a customer's name is text. R47"""
    message = render(compiled(workspace(tmp_path)), "en", context(customer={"first_name": "{{ 7 * 7 }}{% for %}"}))
    assert "Hello {{ 7 * 7 }}{% for %}" in message.text


@given(st.text(st.characters(blacklist_categories=["Cs"]), min_size=1).filter(str.strip))
def test_markup_in_names_is_escaped(name: str) -> None:
    """Any name comes out of the HTML as it went in, and adds no markup to it; the text part has it bare. R47"""
    message = render(
        plain("<p>{{ customer.first_name }}</p>", subject="s"), "en", context(customer={"first_name": name})
    )
    inner = str(message.html)[3:-4]
    assert not set("<>\"'") & set(inner)
    assert name == inner.replace("&lt;", "<").replace("&gt;", ">").replace("&#34;", '"').replace("&#39;", "'").replace(
        "&amp;", "&"
    )
    assert f"<p>{name}</p>" == message.text or "\n" in name


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '" onload="x', "' x", "a & b", "</title><b>"])
def test_markup_in_names_stays_text_in_shipped_templates(name: str) -> None:
    """The same in the subject, the title and the greeting of a real e-mail. R47"""
    one = compiled(ROOT, "cross_sell_weekly/picks", subject="For {{ customer.first_name }}")
    message = render(one, "en", context(customer={"first_name": name}))
    assert f"For {name}" == message.subject
    assert f"Hello {name}," in message.text
    assert name not in str(message.html).replace("a & b", "")
    assert f"Hello {name}," in html.unescape(str(message.html))


def test_blank_lines_of_vanished_blocks_close_up() -> None:
    """At most one empty line stands between two lines of the text part."""
    message = render(plain("a\n\n{% if offer %}\n\n{% endif %}\n\n  \n\nb\n"), "en", context())
    assert "a\n\nb" == message.text


def test_a_plugin_fails_under_its_own_name(tmp_path: Path) -> None:
    """A filter that raises is an error of this message, with its place. R55"""

    def extend(env: jinja2.Environment) -> None:
        env.filters["broken"] = lambda value: value / 0

    root = workspace(tmp_path, {"news/hello.mjml": EMAIL.replace("{{ t.hello }}", "{{ 1 | broken }}")})
    one = compiled(root, extend=extend)
    with pytest.raises(TidingsError, match="ZeroDivisionError") as caught:
        render(one, "en", context(), extend=extend)
    assert "templates/news/hello.mjml:4:16" == str(caught.value.where)
