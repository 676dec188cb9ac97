"""ARCHITECTURE.md leads through the house as it stands."""

from __future__ import annotations

import re

from tests.docs.conftest import ROOT

PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_the_reading_order_is_eight_files_long() -> None:
    """Eight numbered files, each of them there."""
    order = re.findall(r"^(\d)\. \[`[^`]+`\]\((\S+)\)", PAGE, re.MULTILINE)
    assert [str(number) for number in range(1, 9)] == [number for number, _ in order]
    assert all((ROOT / path).is_file() for _, path in order)


def test_every_verb_is_in_the_line_or_beside_it() -> None:
    """The two tables of verbs name every file of verbs/ once."""
    named = re.findall(r"^\| \[`(\w+)`\]\(plugins/tidings/verbs/\1\.py\)", PAGE, re.MULTILINE)
    files = (ROOT / "plugins" / "tidings" / "verbs").glob("*.py")
    assert sorted(named) == sorted(path.stem for path in files if path.stem != "__init__")
