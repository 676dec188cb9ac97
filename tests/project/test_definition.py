"""The definition hash: what an approval names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.data.mistakes.table import new_workspace
from tidings.project import definition_files, definition_hash, load_project


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace where `hello` uses `loyal`, which asks `fresh`, and one offer."""
    root = new_workspace(tmp_path)
    (root / "segments" / "other.yaml").write_text("segment: other\ntitle: Other\nwhere: [orders >= 1]\n")
    (root / "segments" / "loyal.yaml").write_text(
        "segment: loyal\ntitle: Loyal\nwhere: [orders >= 3, {not: {in_segment: fresh}}]\n"
    )
    return root


def hash_of(root: Path, *templates: str) -> str:
    """The definition hash of `hello` with these template files."""
    project = load_project(root)
    return definition_hash(project, project.campaigns["hello"], [root / name for name in templates])


def edit(root: Path, name: str, old: str, new: str) -> None:
    """Replace a text of a file."""
    text = (root / name).read_text()
    assert old in text
    (root / name).write_text(text.replace(old, new))


def test_a_definition_is_these_files(workspace: Path) -> None:
    """The campaign, the segments it asks about and those they ask about, its offers, the settings."""
    project = load_project(workspace)
    files = [path.relative_to(workspace).as_posix() for path in definition_files(project, project.campaigns["hello"])]
    assert files == [
        "config/campaigns/hello.yaml",
        "config/offers/ten_percent.yaml",
        "config/tidings.yaml",
        "segments/fresh.yaml",
        "segments/loyal.yaml",
    ]


def test_a_segment_named_by_a_bare_word_is_of_the_definition(workspace: Path) -> None:
    """Inside a segment too, at any depth, where such a word may be a column as well."""
    edit(workspace, "segments/loyal.yaml", "{not: {in_segment: fresh}}", "{any: [{not: other}, member]}")
    edit(workspace, "segments/other.yaml", "[orders >= 1]", "[fresh]")
    project = load_project(workspace)
    files = {path.name for path in definition_files(project, project.campaigns["hello"])}
    assert {"loyal.yaml", "other.yaml", "fresh.yaml"} <= files
    before = hash_of(workspace)
    edit(workspace, "segments/other.yaml", "[fresh]", "[fresh, orders >= 2]")
    assert hash_of(workspace) != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("config/campaigns/hello.yaml", "within: 14d", "within: 15d"),
        ("config/campaigns/hello.yaml", "22:00", "21:00"),
        ("config/campaigns/hello.yaml", "clicked: brief", "opened: brief"),
        ("config/offers/ten_percent.yaml", "10%", "12%"),
        ("segments/loyal.yaml", ">= 3", ">= 4"),
        ("segments/fresh.yaml", "<= 7", "<= 8"),
        ("config/tidings.yaml", "max: 2", "max: 3"),
        ("config/tidings.yaml", "Corner Shop, address", "Corner Store, address"),
        ("config/tidings.yaml", "news@", "letters@"),
        ("config/tidings.yaml", "end: 08:00", "end: 09:00"),
        ("config/tidings.yaml", "a-salt-for-tests-0123", "a-salt-for-tests-4567"),
        ("config/tidings.yaml", "{providers: [smtp]}", "{providers: [smtp, outbox]}"),
        ("templates/hello/brief.mjml", "t.hello", "t.leave"),
    ],
)
def test_the_hash_changes_with_what_people_would_get(workspace: Path, name: str, old: str, new: str) -> None:
    """Every file of the definition, and every byte of a template."""
    before = hash_of(workspace, "templates/hello/brief.mjml")
    assert re.fullmatch("[0-9a-f]{64}", before)
    edit(workspace, name, old, new)
    assert hash_of(workspace, "templates/hello/brief.mjml") != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("config/campaigns/hello.yaml", "within: 14d", "within: 2w"),
        ("config/campaigns/hello.yaml", "aim: care", "aim: care   # not acquire"),
        ("config/campaigns/hello.yaml", "title: Hello again\naim: care", "aim: care\ntitle: Hello again"),
        ("config/offers/ten_percent.yaml", "10%", "10.0%"),
        ("segments/other.yaml", ">= 1", ">= 2"),
        ("config/tidings.yaml", "username: shop", "username: stall"),
        ("config/tidings.yaml", "public_url", "clock: {at: 2026-11-22T09:00:00Z}\npublic_url"),
        ("config/tidings.yaml", "public_url", "warehouse: {folder: elsewhere}\npublic_url"),
        ("config/tidings.yaml", "public_url", "ledger: {url: 'sqlite:///other.db'}\npublic_url"),
    ],
)
def test_the_hash_stays_with_what_people_would_get(workspace: Path, name: str, old: str, new: str) -> None:
    """Comments, order, other spellings, other segments; and where the clock, the tables and the ledger are."""
    before = hash_of(workspace)
    edit(workspace, name, old, new)
    assert hash_of(workspace) == before


def test_the_hash_is_the_same_wherever_the_workspace_is(workspace: Path, tmp_path: Path) -> None:
    """Templates are named relative to the root."""
    moved = tmp_path / "with a space" / "corner"
    moved.parent.mkdir()
    before = hash_of(workspace, "templates/hello/brief.mjml")
    workspace.rename(moved)
    assert hash_of(moved, "templates/hello/brief.mjml") == before
