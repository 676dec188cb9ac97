"""What the generated pages say is held to the code."""

from __future__ import annotations

import re
from datetime import timedelta
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from tests.docs.conftest import ROOT
from tidings import settings
from tidings.delivery import claim, dispatch
from tidings.ledger.messages import COUNTED
from tidings.ledger.tables import metadata
from tidings.model import campaign, insight, portfolio, steps
from tidings.model.base import Noun
from tidings.reports.reasons import REASONS
from tidings.settings import Part, Settings


def _fields(models: list[type[BaseModel]]) -> set[str]:
    return {f"{model.__name__}.{name}" for model in models for name in model.model_fields}


def _module(generate: ModuleType, name: str) -> Any:
    return getattr(generate, name)


def test_every_field_of_a_shape_has_a_meaning(generate: ModuleType) -> None:
    """Either the code describes it or the page's words do, never both."""
    shapes = generate.all_shapes()
    described = {
        f"{shape.__name__}.{name}"
        for shape in shapes
        for name, field in shape.model_fields.items()
        if field.description
    }
    assert set(_module(generate, "_words").SHAPES) == _fields(shapes) - described


def test_every_key_of_a_file_has_a_meaning(generate: ModuleType) -> None:
    """Campaigns, offers, segments and settings: no key is missing, none is left over."""
    words = _module(generate, "_words")
    nouns = [noun for module in (campaign, steps, portfolio) for noun in generate.members(module, Noun)]
    assert set(words.KEYS) == _fields(nouns)
    parts = [*generate.members(settings, Part), *generate.members(insight, Noun)]
    assert set(words.SETTINGS) == _fields([Settings, *parts])
    assert set(words.TAKES) <= set(words.KEYS) | set(words.SETTINGS)


def test_every_table_and_column_has_a_meaning(generate: ModuleType) -> None:
    """A comment in the code, or words; and no words for what is not there."""
    words = _module(generate, "_words")
    assert set(words.TABLES) == set(metadata.tables)
    used = set()
    for table in metadata.tables.values():
        for column in table.columns:
            assert generate.column_words(table.name, column)
            if not column.comment:
                own = f"{table.name}.{column.name}"
                used.add(own if own in words.COLUMNS else column.name)
    assert set(words.COLUMNS) == used


def test_every_reason_of_a_plan_has_a_sentence(generate: ModuleType) -> None:
    """The page of the gates names no code that reports and terminal cannot say."""
    codes = re.findall(r"\| `([a-z_:]+)` \|", generate.gates("win_back"))
    assert len(codes) > 15
    assert {code.partition(":")[0] for code in codes} <= set(REASONS["en"])


def test_the_page_of_the_ledger_has_every_state_of_a_message() -> None:
    """The states that count, those an outcome leads to, and the two that end a message before it is sent."""
    page = (ROOT / "docs" / "ledger.md").read_text(encoding="utf-8")
    states = page.partition("## States")[2].partition("A plan is")[0]
    known = {*COUNTED, *dispatch.STATES.values(), "skipped", "expired"}
    assert sorted(known) == sorted(re.findall(r"^\| `(\w+)` \|", states, re.MULTILINE))


def test_the_page_of_delivery_has_the_numbers_of_the_code() -> None:
    """Batch, lease and the waits are what the dispatcher uses."""
    page = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")
    minutes = int(dispatch.RETRY.total_seconds() // 60)
    assert f"messages, {settings.Delivery().batch} by default" in page
    assert f"lease of {claim.LEASE_SECONDS:g} seconds" in page
    assert f"after {minutes} minutes, doubled each time up to an hour" in page
    assert timedelta(hours=1) == dispatch.LONGEST_RETRY
