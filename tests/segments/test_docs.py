"""docs/segments.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from tests.segments.test_expressions import compiled
from tests.warehouse.workspaces import NOW, ago, customer, order, workspace
from tidings.model.insight import Ladder
from tidings.segments.expressions import FUNCTIONS
from tidings.segments.features import STAGE_2
from tidings.segments.ladder import LEVELS, STATUSES
from tidings.verbs.refresh import refresh
from tidings.warehouse.contract import SOURCES
from tidings.warehouse.features import BASE
from tidings.warehouse.identity import MOST_PROFILES

PAGE = (Path(__file__).parent.parent.parent / "docs/segments.md").read_text(encoding="utf-8")


def table(heading: str) -> dict[str, str]:
    """Names in the first column of the table below a heading, with the rest of their row."""
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", PAGE.split(f"# {heading}\n")[1].split("\n#")[0], re.MULTILINE)
    return {name: rest for names, rest in rows for name in re.findall(r"`(\w+)`", names)}


def test_every_feature_is_described() -> None:
    """Base features and those of the second stage, none missing, none left over."""
    assert set(table("Features")) == {*BASE, *STAGE_2}


def test_every_level_and_status_is_described() -> None:
    """With the settings that decide them."""
    described = table("Level and status")
    assert set(described) == {*LEVELS, *STATUSES}
    section = PAGE.split("### Level and status")[1].split("\n## ")[0]
    assert {name for name in Ladder.model_fields if f"`{name}`" in section} == set(Ladder.model_fields)


def test_every_function_is_named() -> None:
    """The list is the allow-list, in its order."""
    listed = PAGE.split("and these functions:\n\n")[1].split("\n")[0]
    assert re.findall(r"`(\w+)`", listed) == FUNCTIONS


def test_the_source_tables_have_the_columns_of_the_contract() -> None:
    """Every table and column, and which may be missing."""
    tables = table("The source tables")
    assert set(tables) == set(SOURCES)
    for name, source in SOURCES.items():
        required, _, optional = tables[name].partition(";")
        words = set(re.findall(r"`(\w+)`", required)) - {"granted", "withdrawn"}
        assert words == {column for column, each in source.columns.items() if each.required}
        assert {column for column, each in source.columns.items() if not each.required} <= set(
            re.findall(r"`(\w+)`", optional)
        )


def test_examples_of_strings_compile() -> None:
    """Text, dates and times as the page writes them."""
    for text in ("total_spend >= 300 USD", "level = 'loyal'", "last_order_at < '2026-06-01T09:00'"):
        assert f"`{text}`" in PAGE
        compiled(text)


def test_numbers_are_those_of_the_code() -> None:
    """Five records may share an address."""
    assert MOST_PROFILES == 5
    assert "more than five records" in PAGE


def test_the_condition_of_the_page_works(tmp_path: Path) -> None:
    """The block is a plugin as it stands: a segment asks with it, the refresh answers."""
    (tmp_path / "plugins").mkdir()
    block = PAGE.split("```python\n")[1].split("```")[0]
    (tmp_path / "plugins/ordered_via.py").write_text(block, encoding="utf-8")
    tables = {
        "customers": [customer("1"), customer("2"), customer("3")],
        "orders": [
            order("a", "1", ago(3), channel="app"), order("b", "2", ago(3)), order("c", "3", ago(30), channel="app"),
        ],
    }  # fmt: skip
    where = [{"ordered_via": {"channel": "app", "within": "9d"}}]
    project = workspace(tmp_path, tables, segments={"app": where, "not_app": [{"not": where[0]}]})
    assert refresh(project, NOW).segments == {"app": 1, "not_app": 2}
