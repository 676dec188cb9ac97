"""What a template finds in its environment."""

from __future__ import annotations

import jinja2
import pytest

from tests.content.samples import context
from tidings.content.environment import PLAIN_PARTS, make_environment, shared_environment


def render(source: str, name: str | None = None) -> str:
    """The source rendered as the part of that name."""
    environment = make_environment("en", currency="USD")
    template = jinja2.Template.from_code(environment, environment.compile(source, name), environment.globals)
    return template.render(context(customer={"first_name": "<b>", "nick": None}))


def test_html_is_escaped_and_text_is_not() -> None:
    """Escaping belongs to the part: HTML, and what has no name, is escaped. R47"""
    assert "&lt;b&gt;" == render("{{ customer.first_name }}", "html")
    assert "&lt;b&gt;" == render("{{ customer.first_name }}")
    assert ["<b>"] * 3 == [render("{{ customer.first_name }}", name) for name in PLAIN_PARTS]


@pytest.mark.parametrize(
    "source", ["{{ nobody }}", "{{ customer.age }}", "{{ customer['age'] }}", "{% if age %}{% endif %}"]
)
def test_a_missing_value_is_an_error_that_names_it(source: str) -> None:
    """Nothing that is not there turns into an empty text. R47"""
    with pytest.raises(jinja2.UndefinedError, match=r"there is no value '(nobody|age)'"):
        render(source)


def test_an_empty_value_needs_a_word_in_its_place() -> None:
    """None is never printed; `or` and `default` give something to print."""
    with pytest.raises(jinja2.UndefinedError, match="empty for this person"):
        render("Hello {{ customer.nick }}")
    assert "Hello you" == render("Hello {{ customer.nick or 'you' }}")
    assert "Hello you" == render("Hello {{ customer.age | default('you') }}")


def test_a_list_is_not_a_text() -> None:
    """A loop or a join is needed; a list printed as Python writes it is a mistake."""
    with pytest.raises(jinja2.UndefinedError, match="loop over it"):
        render("{{ products }}")
    with pytest.raises(jinja2.UndefinedError, match="loop over it"):
        render("{{ 'x' ~ products }}")


def test_a_statement_leaves_no_empty_line() -> None:
    """Statements on lines of their own vanish with them."""
    assert "a\nb\n" == render("a\n  {% if true %}\nb\n  {% endif %}\n", "text")


def test_a_plugin_adds_filters_and_globals() -> None:
    """The hook gets the environment after everything else is in it."""

    def extend(env: jinja2.Environment) -> None:
        env.filters["shout"] = str.upper
        env.globals["answer"] = lambda: 42

    environment = make_environment("en", currency="USD", extend=extend)
    assert "HI 42" == environment.from_string("{{ 'hi' | shout }} {{ answer() }}").render()
    assert shared_environment("en", "USD", extend) is shared_environment("en", "USD", extend)
