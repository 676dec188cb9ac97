"""Every YAML block of the pages is what the product accepts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, Block, blocks, put, write_workspace
from tests.docs.conftest import page_files
from tidings.verbs.check import check

BLOCKS = list(blocks(page_files()))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example workspace with data, so that columns are checked too."""
    root = tmp_path_factory.mktemp("pages") / "workspace"
    root.mkdir()
    write_workspace(root)
    return root


AT = "2026-11-20T12:00"  # the day after the shop's last one


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_of_yaml_is_accepted(block: Block, workspace: Path, tmp_path: Path) -> None:
    """A campaign, segment, offer or settings file, or a part of one, makes no mistake in the workspace.

    All whole files of its page are there with it, so that they may name each other. Other YAML can be read.
    """
    root = tmp_path / "workspace"
    shutil.copytree(workspace, root)
    for other in BLOCKS:
        if other.page == block.page and other.kind in ("segment", "offer"):
            put(root, other)
    put(root, block)
    assert block.data is not None
    assert [f"{found.file}:{found.line}: {found.reason}" for found in check(root, AT).findings] == []


def test_readme_shows_a_campaign_and_the_pages_show_each_kind_of_file() -> None:
    """A reader sees a campaign first, and somewhere every kind of file there is."""
    assert {block.kind for block in BLOCKS if block.page == ROOT / "README.md"} == {"campaign"}
    assert {block.kind for block in BLOCKS} >= {"campaign", "offer", "workspace"}
