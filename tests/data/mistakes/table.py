"""Mistakes people make in a workspace, and the exact words they get for each; docs/mistakes.md prints them.

mistakes.txt has a block for each: `=== title`; `--- file` with its whole text, or `--- in file` with a text that
stands there (-) and what is written instead (+); `--- says` with every line that `check` prints.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
WORKSPACE = HERE / "workspace"


@dataclass
class Mistake:
    """Files to add and texts to replace, and what `check` says then."""

    title: str
    files: dict[str, str] = field(default_factory=dict)
    edits: dict[str, tuple[str, str]] = field(default_factory=dict)
    says: list[str] = field(default_factory=list)

    def make(self, root: Path) -> None:
        """Make the mistake in a workspace."""
        for name, text in self.files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for name, (old, new) in self.edits.items():
            text = (root / name).read_text(encoding="utf-8")
            assert text.count(old) == 1, f"{self.title}: {old!r} is not there once"
            (root / name).write_text(text.replace(old, new), encoding="utf-8")


def new_workspace(folder: Path) -> Path:
    """A copy of the workspace without mistakes."""
    return shutil.copytree(WORKSPACE, folder / "corner")


def _read(text: str) -> Mistake:
    title, *parts = text.split("\n--- ")
    mistake = Mistake(title)
    for part in parts:
        head, _, body = part.partition("\n")
        if head == "says":
            mistake.says = body.split("\n")
        elif head.startswith("in "):
            old, new = body.split("\n")
            mistake.edits[head.removeprefix("in ")] = (old.removeprefix("- "), new.removeprefix("+ "))
        else:
            mistake.files[head] = f"{body}\n"
    return mistake


def mistakes() -> list[Mistake]:
    """All of them, in the order of the file."""
    blocks = (HERE / "mistakes.txt").read_text(encoding="utf-8").split("=== ")[1:]
    return [_read(block.rstrip("\n")) for block in blocks]


def page() -> str:
    """docs/mistakes.md: each mistake by the lines that hold it and the words it gets."""
    return "\n".join(_section(mistake) for mistake in mistakes())


def _section(mistake: Mistake) -> str:
    lines = [f"## {mistake.title}", ""]
    for said in mistake.says:
        file, number = said.split(":")[:2]
        if number.isdecimal():
            held = _text(mistake, file).split("\n")[int(number) - 1]
            lines += [f"`{file}`, line {number}:", "", "```text", held.strip().replace("\t", "→   "), "```", ""]
        lines += ["```text", said, "```", ""]
    return "\n".join(lines)


def _text(mistake: Mistake, name: str) -> str:
    """A file of the workspace once the mistake is made."""
    if name in mistake.files:
        return mistake.files[name]
    old, new = mistake.edits[name]
    return (WORKSPACE / name).read_text(encoding="utf-8").replace(old, new)
