"""The records of decisions have one form."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.conftest import ROOT

PAGES = sorted((ROOT / "docs" / "adr").glob("*.md"))
HEADINGS = ["Date", "Status", "Context", "Decision", "Consequences"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_decision_has_its_five_headings_on_one_page(page: Path) -> None:
    """Title with its number, then date, status, context, decision and consequences, none of them empty."""
    text = page.read_text(encoding="utf-8")
    assert re.match(rf"# {int(page.stem[:4])}\. \S", text)
    _title, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    assert HEADINGS == [part.partition("\n")[0] for part in parts]
    assert all(part.partition("\n")[2].strip() for part in parts)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", parts[0].partition("\n")[2].strip())
    assert len(text.splitlines()) <= 60


def test_decisions_are_numbered_in_order() -> None:
    """No number is missing and none comes twice."""
    assert [int(page.stem[:4]) for page in PAGES] == list(range(1, len(PAGES) + 1))
