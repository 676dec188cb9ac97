"""Templates cannot reach the interpreter, nor fill the machine."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import jinja2
import pytest

from tests.content.samples import context
from tidings.content.environment import make_environment


def render(source: str, **values: Any) -> str:
    """The source rendered with a person's context in the English environment."""
    return make_environment("en", currency="USD").from_string(source).render(context() | values)


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''['__class__'] }}",
        "{{ customer['__class__'] }}",
        "{{ customer.__init__.__globals__ }}",
        "{{ ''|attr('__class__') }}",
        "{{ products|map(attribute='__class__')|list|first }}",
        "{{ products|map('attr', '__class__')|list|first }}",
        "{{ '{0.__class__}'.format(customer) }}",
        "{{ '{0.__class__}'['format'](customer) }}",
        "{{ ('{0.__class__}'.format_map)(customer) }}",
        "{{ self.__init__.__globals__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ lipsum.__globals__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ joiner('x').__init__ }}",
        "{{ namespace() }}",
        "{{ range.__self__ }}",
        "{{ range }}",
        "{{ customer.get }}",
        "{{ customer.update({'first_name': 'x'}) }}",
        "{{ customer.pop('first_name') }}",
        "{{ products.append(1) }}",
        "{{ customer|xmlattr }}",
        "{{ customer.first_name|safe }}",
        "{% autoescape false %}{{ customer.first_name }}{% endautoescape %}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% from 'os' import path %}",
        "{% extends 'x' %}",
        "{% set ns.x = 1 %}",
        "{% do products.clear() %}",
        "{% debug %}",
        "{{ loop }}",
        "{% for p in products %}{{ loop.__init__ }}{% endfor %}",
        "{% for p in products recursive %}{{ loop(products) }}{% endfor %}",
        "{{ (customer.items)() }}{{ customer.first_name.format() }}",
        "{{ dangerous() }}",
        "{{ customer.dangerous() }}",
    ],
)
def test_escapes_are_contained(source: str) -> None:
    """Known ways out of the sandbox end in an error, not in a value. R47"""
    called: list[int] = []
    values = {
        "dangerous": lambda: called.append(1),
        "customer": {"first_name": "A", "dangerous": called.append},
    }
    with pytest.raises(jinja2.TemplateError):
        render(source, **values)
    assert called == []


BOMBS = [
    "{{ 'a'*10**9 }}",
    "{{ 'a'*1000000000 }}",
    "{{ 1000000000*'a' }}",
    "{{ [0]*1000000000 }}",
    "{{ products*100000000 }}",
    "{{ 2**(2**(2**9)) }}",
    "{% set a = 9999999999999999999 %}" + "{% set a = a*a %}" * 40,
    "{{ '%1000000000d' % 1 }}",
    "{{ '{:>1000000000}'.format('a') }}",
    "{{ 'a'.ljust(1000000000) }}",
    "{{ 'a'|center(1000000000) }}",
    "{{ 'a'|indent(1000000000) }}",
    "{{ ('a' ~ 'b')|replace('', 'x' ~ ('y,'*1000)) }}",
    "{% set s = 'abcdefgh' %}" + "{% set s = s ~ s %}" * 40,
    "{% set s = 'abcdefgh' %}" + "{% set s = s + s %}" * 40,
    "{% set s = 'aaaaaaaa' %}" + "{% set s = s|replace('a', 'aaaaaaaa') %}" * 20,
    "{% set s = 'aaaaaaaa' %}" + "{% set s = s|list|join(s) %}" * 20,
    "{% set l = [1, 2, 3] %}" + "{% set l = l + l %}" * 40,
    "{% set l = 'x' %}" + "{% set l = [l, l, l, l] %}" * 40 + "{{ l|string }}",
    "{% set s %}{% for i in range(1000) %}aaaaaaaaaa{% endfor %}{% endset %}{{ s }}",
    "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(40) }}",
    "{{ range(1000000000)|list|length }}",
    "".join(f"{{% for x{depth} in range(1000) %}}" for depth in range(3)) + "{% endfor %}" * 3,
    "".join(f"{{% for x{depth} in 'aaaaaaaaaaaaaaaa' %}}" for depth in range(10)) + "{% endfor %}" * 10,
    "{% for a in range(1000) %}{{ 'abcdefghijklmnopqrstuvwxyz' ~ '" + "z" * 500 + "' }}{% endfor %}",
    "{{ 1|round(-1000000000) }}",
    "{{ lipsum(1000000) }}",
    "{{ '9'|int * " + "9" * 40 + " * " + "9" * 40 + " }}",
]


@pytest.mark.parametrize("source", BOMBS, ids=lambda source: source[:40])
def test_bombs_are_stopped(source: str) -> None:
    """Multiplication, doubling, nested loops and padding stop within a second and 20 MB. R47"""
    environment = make_environment("en", currency="USD")
    values = context()
    tracemalloc.start()
    started = time.process_time()
    try:
        with pytest.raises(jinja2.TemplateError):
            environment.from_string(source).render(values)
        taken, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 1
    assert peak < 20_000_000


_DEAR = "1:Blueberry jam;2:Oat bars;"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ products[:2] | map(attribute='name') | join(', ') }}", "Whole milk, 2 l, Blueberry jam"),
        ("{% for p in products if p.price > 400 %}{{ loop.index }}:{{ p.name }};{% endfor %}", _DEAR),
        ("{% for row in products | batch(2) %}{{ row | length }}{% endfor %}", "21"),
        ("{% for p in products %}{{ loop.cycle('a', 'b') }}{{ '-' if not loop.last }}{% endfor %}", "a-b-a"),
        ("{% for key, value in {'a': 1}.items() %}{{ key }}{{ value }}{% endfor %}", "a1"),
        ("{{ 7 // 2 }} {{ 7 % 2 }} {{ 2 * 3 }} {{ 1 + 1 }} {{ -1 }}", "3 1 6 2 -1"),
        ("{{ customer.first_name.upper() }} {{ customer.get('nick', 'none') }}", "ANA none"),
        ("{% for n in range(3) %}{{ n }}{% else %}none{% endfor %}", "012"),
        ("{{ products | sum(attribute='price') | money }} {{ 2.345 | round(1) }}", "$13.24 2.3"),
        ("{{ 'a-b' | replace('-', '+') }} {{ ('<b>' | e) | replace('b', 'i') }}", "a+b &amp;lt;i&amp;gt;"),
        ("{{ customer.items }}", "3"),
    ],
)  # fmt: skip
def test_everyday_templates_work(source: str, expected: str) -> None:
    """What a marketer needs is inside the language and the limits."""
    customer = {"first_name": "Ana", "items": 3}
    assert expected == render(source, customer=customer)
