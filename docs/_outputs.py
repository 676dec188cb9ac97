"""What the commands of README and tour print, in a workspace on which the demo has been played."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select

from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.tables import messages
from tidings.project import load_project

CAMPAIGN, TEMPLATE, STEP = "win_back", "win_back/miss_you", "miss_you"
WIDTH = 80
PLAIN = {"COLUMNS": str(WIDTH), "NO_COLOR": "1", "TERM": "dumb", "LC_ALL": "C.UTF-8"}

IN_SHORT = {"check": slice(0, 1), "why": slice(-1, None), "preview": slice(0, 2), "report": slice(0, 2)}
"""Which lines of an output answer the question, the last one, which says what is next, left out."""

PAGES = {
    "profit": ["profit"],
    "portfolio": ["portfolio"],
    "cube": ["cube", "--by", "level,status", "--measure", "people,spend,profit"],
}
"""The commands that other pages show, by the name of the file that keeps their output."""

PICTURES = {
    "whale": ["profit"],
    "portfolio": ["portfolio"],
    "ladder": ["cube", "--by", "level,status"],
    "overlap": ["segments", "--overlap"],
}
"""The commands that draw the pages' pictures, by the name of the file."""

_RANDOM = re.compile(r"\b[0-9a-f]{32}\b")


def command_lines(customer: str) -> dict[str, list[str]]:
    """The five commands by the name of the file that keeps their output."""
    return {
        "check": ["check"],
        "plan": ["plan", CAMPAIGN],
        "why": ["why", customer, CAMPAIGN],
        "preview": ["preview", TEMPLATE, "--as", customer],
        "report": ["report", CAMPAIGN],
    }


def record(root: Path, customer: str | None = None) -> Iterator[tuple[str, str]]:
    """Name and text of each: the command line and what it printed at 80 columns, with paths relative to `root`."""
    for name, words in command_lines(customer or first_customer(root)).items():
        yield name, _run(root, words)


def record_pages(root: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """The same of PAGES; PICTURES are drawn into `folder`."""
    for name, words in PICTURES.items():
        _run(root, [*words, "--picture", str(folder / f"{name}.png")])
    for name, words in PAGES.items():
        yield name, _run(root, words)


def _run(root: Path, words: list[str]) -> str:
    tidings = Path(sys.executable).with_name("tidings")
    done = subprocess.run(  # noqa: S603 - this project's own commands
        [tidings, *words], cwd=root, env=os.environ | PLAIN, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise TidingsError(f"`tidings {' '.join(words)}` failed: {done.stderr.strip()}", "play the demo there first")
    shown = "".join(f"{line.rstrip()}\n" for line in done.stdout.replace(f"{root}/", "").splitlines())
    return f"$ tidings {' '.join(words)}\n{shown}"


def in_short(name: str, text: str) -> str:
    """The command line and the lines of IN_SHORT; `…` stands for lines before them."""
    command, *lines = text.splitlines(keepends=True)
    kept = lines[:-1][IN_SHORT[name]]
    return "".join([command, *([] if lines[0] == kept[0] else ["…\n"]), *kept])


def first_customer(root: Path) -> str:
    """The first customer, by id, whom win_back has written to."""
    project = load_project(root)
    mailed = select(messages.c.customer_id).where(
        messages.c.campaign == CAMPAIGN, messages.c.step == STEP, messages.c.state == "accepted"
    )
    with Ledger.open(project, create=False) as ledger, ledger.read() as connection:
        found = connection.execute(mailed.order_by(messages.c.customer_id).limit(1)).scalar()
    if found is None:
        raise TidingsError(f"{CAMPAIGN} has written to nobody there", "play the demo there first")
    return str(found)


def comparable(text: str) -> str:
    """The text without what differs between two runs of one demo: ids drawn at random, such as a snapshot's."""
    return _RANDOM.sub("…", text)
