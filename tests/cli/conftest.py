"""A small shop to run commands on, made by the commands themselves."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from tidings.cli.main import main
from tidings.demo.small_shop import write_small_shop
from tidings.project import load_project
from tidings.verbs.init import init
from tidings.verbs.refresh import refresh

AT = "2026-11-24T15:00"


@dataclass(frozen=True)
class Ran:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line."""
        return self.out.rstrip("\n").rpartition("\n")[2]


Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `tidings` in this process, 80 columns wide."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("TIDINGS_DEBUG", raising=False)

    def tidings(*arguments: str | Path) -> Ran:
        monkeypatch.setattr("sys.argv", ["tidings", *map(str, arguments)])
        capsys.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        out, err = capsys.readouterr()
        assert isinstance(code, int)
        return Ran(code, out, err)

    return tidings


@pytest.fixture(scope="session")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example workspace with its small shop, refreshed at noon of 24 November 2026; nobody writes into it."""
    root = tmp_path_factory.mktemp("cli") / "a shop"
    init(root, lambda data: write_small_shop(data, end=date(2026, 11, 24)))
    (root / "config" / "local.yaml").write_text("channels: {email: {providers: [outbox]}}\n")
    project = load_project(root)
    refresh(project, project.now("2026-11-24T12:00"))
    return root


@pytest.fixture
def shop(refreshed: Path, tmp_path: Path) -> Path:
    """A copy of it to write into."""
    return shutil.copytree(refreshed, tmp_path / "a shop")
