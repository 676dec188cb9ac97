"""docs/templates.md shows what happens."""

from __future__ import annotations

import re
from pathlib import Path

from tests.content.samples import BRAND, ROOT, context
from tidings.content.compile import compile_template
from tidings.content.environment import make_environment
from tidings.content.limits import MAX_OUTPUT, MAX_STEPS, MAX_VALUE
from tidings.content.lint import lint
from tidings.content.render import render

PAGE = (ROOT / "docs/templates.md").read_text(encoding="utf-8")


def test_the_example_gives_the_text_it_shows(tmp_path: Path) -> None:
    """The files of the page compile, pass the lint, and make the text part that stands below them."""
    for name, text in re.findall(r"^`(templates/\S+)`\n\n```\w+\n(.*?)```$", PAGE, re.MULTILINE | re.DOTALL):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    one = compile_template(tmp_path, "fresh_bread/hello", channel="email", locales=["en", "vi"], default_locale="en")
    assert [] == lint(one, purpose="marketing", customer_columns=[])
    brand = BRAND | {"address": "12 Orchard Lane, Springfield, OH 45501, USA"}
    values = context(
        "vi",
        customer={"first_name": "Lan"},
        brand=brand,
        unsubscribe_url="https://crm.example.com/u/0123456789abcdef",
    )
    shown = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    assert shown[1] == render(one, "vi", values).text.replace("\xa0", " ") + "\n"


def test_filters_and_limits_are_those_of_the_code() -> None:
    """Every filter is named, with Jinja's aliases left out, and the limits are the real ones."""
    named = {
        word
        for line in PAGE.split("## What a template may name")[1].split("##")[0].split("|")
        for word in re.findall(r"`(\w+)`", line)
    }
    filters = {name for name in make_environment("en", currency="USD").filters if name.isidentifier()}
    assert filters - {"d", "e", "count"} <= named
    assert f"{MAX_STEPS:,} loop steps and have {MAX_OUTPUT // 1024} KB" in PAGE
    assert f"{MAX_VALUE:,} characters" in PAGE
