"""Which values a template asks for, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.content.samples import compiled, workspace
from tidings.content.variables import compiled_variables, unconditional


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ customer.first_name or brand.name }}", ["brand.name", "customer.first_name"]),
        ("{{ customer['age'] }}{{ products[0].name }}", ["customer.age", "products.name"]),
        ("{% for p in products[:3] %}{{ p.name }}{{ loop.index }}{% endfor %}", ["products", "products.name"]),
        (
            "{% for p in products if p.price %}{% else %}{{ sender }}{% endfor %}",
            ["products", "products.price", "sender"],
        ),
        (
            "{% for row in products | batch(2) %}{% for p in row %}{{ p.url }}{% endfor %}{% endfor %}",
            ["products", "products.url"],
        ),
        ("{% set who = customer %}{{ who.age }}", ["customer", "customer.age"]),
        ("{% set n = 1 + orders %}{{ n }}", ["orders"]),
        ("{% for a, b in {'x': 1}.items() %}{{ a }}{{ b.c }}{% endfor %}", []),
        ("{{ (products | first).name }}", ["products.name"]),
        ("{{ range(3) | join }}{{ customer.first_name.upper() }}", ["customer.first_name.upper"]),
        ("{% if offer %}{{ offer.code ~ today }}{% endif %}", ["offer", "offer.code", "today"]),
    ],
)
def test_paths_are_followed_through_loops_and_names(tmp_path: Path, source: str, expected: list[str]) -> None:
    """A loop's name stands for one of what it runs over; what a template makes itself is not asked for."""
    root = workspace(tmp_path, {"news/short.en.txt": source})
    found = compiled_variables(compiled(root, "news/short", "sms"))
    assert expected == sorted({variable.path for variable in found})


def test_places_are_the_marketers(tmp_path: Path) -> None:
    """Every language, the partials and the strings files are read."""
    root = workspace(tmp_path, {"news/hello.vi.yaml": "subject: a\npreheader: b\nhello: '{{ customer.nick }}'\n"})
    (root / "templates/partials/strings.vi.yaml").write_text("leave: x\n")
    asked = compiled_variables(compiled(root, locales=["en", "vi"]))
    found = {(variable.path, str(variable.where)) for variable in asked}
    assert ("brand.address", "templates/partials/foot.mjml:1:13") in found
    assert ("customer.nick", "templates/news/hello.vi.yaml:3:8") in found
    assert ("customer.first_name", "templates/news/hello.en.yaml:3:8") in found


def test_what_is_printed_whatever_happens() -> None:
    """Only what stands outside every condition and loop counts."""
    source = "{{ a.b }}{% if a %}{{ c }}{% endif %}{% for x in y %}{{ d }}{% endfor %}<p>{{ e | upper }}</p>"
    assert {"a.b", "e"} == unconditional(source)
