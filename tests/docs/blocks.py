"""The YAML blocks of the pages, and a workspace in which one of them stands."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from tidings.demo.small_shop import write_small_shop
from tidings.model.campaign import Campaign
from tidings.settings import Settings
from tidings.yamlfile import load_yaml

ROOT = Path(__file__).parent.parent.parent
FOLDERS = {"campaign": "config/campaigns", "segment": "segments", "offer": "config/offers"}
# A part of a file is tried inside a whole one of the workspace.
HOST = "win_back"

_BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One block of a page; `line` is where its fence opens."""

    page: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @cached_property
    def data(self) -> Any:
        """What it says."""
        return load_yaml(self.text, str(self)).data

    @property
    def kind(self) -> str | None:
        """`campaign`, `segment`, `offer` or `workspace`: the first key of a whole file; `portfolio` by its cells; None
        for a part of one.
        """
        first = next(iter(self.data), None) if isinstance(self.data, dict) else None
        if isinstance(self.data, dict) and "cells" in self.data:
            return "portfolio"
        return first if first in {*FOLDERS, "workspace"} else None

    @property
    def part_of(self) -> str | None:
        """`campaign` or `workspace` where every key is one of such a file; None for a whole file and all else."""
        keys = set(self.data) if isinstance(self.data, dict) and self.kind is None else set()
        models = {"campaign": Campaign, "workspace": Settings}
        return next((kind for kind, model in models.items() if keys and keys <= set(model.model_fields)), None)


def blocks(pages: list[Path]) -> Iterator[Block]:
    """Every YAML block of the pages, in order."""
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for found in _BLOCK.finditer(text):
            yield Block(page, text[: found.start()].count("\n") + 1, found[1])


def write_workspace(root: Path) -> None:
    """A copy of the repository's workspace, without what belongs to one machine, on a small shop."""
    for folder in ("config", "segments", "templates"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("local.yaml"))
    shutil.copytree(ROOT / "plugins", root / "plugins", ignore=shutil.ignore_patterns("tidings", "__pycache__"))
    write_small_shop(root / "data", end=date(2026, 11, 20))


def put(root: Path, block: Block) -> None:
    """Write the block into the workspace: a whole file as it is, a part of one laid over a whole one."""
    if block.kind is not None:
        path = _place(root, block.kind, str(block.data.get(block.kind)))
        path.write_text(block.text, encoding="utf-8")
    elif block.part_of is not None:
        path = _place(root, block.part_of, HOST)
        whole = load_yaml(path.read_text(encoding="utf-8"), path.name).data | block.data
        path.write_text(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _place(root: Path, kind: str, name: str) -> Path:
    alone = {"workspace": "config/tidings.yaml", "portfolio": "config/portfolio.yaml"}
    return root / alone[kind] if kind in alone else root / FOLDERS[kind] / f"{name}.yaml"
