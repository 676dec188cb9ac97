"""Build hook: puts the workspace of this repository into the wheel, for `tidings init` to write.

The folders stand beside `plugins/tidings` here and under `tidings/_starter` there. `plugins/` holds both
the engine and the one-file plugins of the workspace, which no static inclusion rule of hatchling can part.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STARTER = "tidings/_starter"
FOLDERS = ("config", "dags", "segments", "templates")
NOT_FOR_OTHERS = {"local.yaml"}


def starter_files(root: Path) -> Iterator[Path]:
    """Every file of the workspace that a new one starts with, sorted; none that belongs to one machine."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.name not in NOT_FOR_OTHERS:
                yield path
    yield from sorted((root / "plugins").glob("*.py"))
    yield root / "plugins" / ".airflowignore"


class StarterHook(BuildHookInterface[Any]):
    """Adds the starter to a real wheel; an editable install reads the folders where they stand."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        root = Path(self.root)
        for path in starter_files(root):
            build_data["force_include"][str(path)] = f"{STARTER}/{path.relative_to(root).as_posix()}"
