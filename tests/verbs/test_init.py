"""init: a working example in a new folder, whole or not at all."""

from __future__ import annotations

import re
from datetime import date
from importlib import resources
from pathlib import Path

import pytest

from hatch_build import starter_files as wheel_files
from tidings.demo.small_shop import write_small_shop
from tidings.errors import TidingsError
from tidings.project import load_project
from tidings.verbs.init import init, starter_files, starter_root


def no_data(folder: Path) -> None:
    """A shop without goods."""
    folder.mkdir()


def test_what_init_writes_is_what_the_wheel_carries(root: Path) -> None:
    """One list for a clone, another for the wheel: they are the same."""
    assert starter_root() == root
    assert sorted(starter_files(root)) == sorted(wheel_files(root))


def test_an_installed_wheel_is_asked_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its starter stands inside the package; without one there is a sentence."""
    (tmp_path / "_starter" / "config").mkdir(parents=True)
    (tmp_path / "_starter" / "config" / "tidings.yaml").write_text("workspace: x\n")
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)
    assert starter_root() == tmp_path / "_starter"
    monkeypatch.setattr("tidings.__file__", str(tmp_path / "a" / "b" / "c" / "__init__.py"))
    monkeypatch.setattr(resources, "files", lambda _: tmp_path / "elsewhere")
    with pytest.raises(TidingsError, match="this installation of tidings lacks its starter"):
        starter_root()


def test_a_new_workspace_works(tmp_path: Path) -> None:
    """Folders that are missing are made; what machines write is ignored by git; data lie where the settings say."""
    folder = tmp_path / "some where" / "shop"
    written = init(folder, lambda data: write_small_shop(data, end=date(2026, 11, 24)))
    assert {"config/tidings.yaml", "plugins/complaints.py", "plugins/.airflowignore", ".gitignore"} <= set(written)
    assert written == sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert "/.tidings/\n" in (folder / ".gitignore").read_text()
    project = load_project(folder)
    assert set(project.campaigns) == {"cross_sell_weekly", "win_back", "second_order", "newsletter"}
    assert (project.warehouse_folder / "customers.csv").is_file()


def test_every_workspace_has_a_salt_of_its_own(root: Path, tmp_path: Path) -> None:
    """Who is held out cannot be reckoned from the example."""
    for name in ("one", "two"):
        init(tmp_path / name, no_data)
    salts = {load_project(folder).settings.salt for folder in (root, tmp_path / "one", tmp_path / "two")}
    assert len(salts) == 3
    assert all(len(salt) >= 16 for salt in salts)
    line = next(
        line for line in (tmp_path / "one" / "config" / "tidings.yaml").read_text().splitlines() if "salt" in line
    )
    assert re.fullmatch(r"salt: [0-9a-f]{32}\s+#.*", line)


def test_an_empty_folder_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody has made it and stands in it: it stays the same folder, and nothing is written beside it."""
    shop = tmp_path / "shop"
    shop.mkdir()
    monkeypatch.chdir(shop)
    before = shop.stat().st_ino, tmp_path.stat().st_mtime_ns
    written = init(Path(), no_data)
    assert (shop.stat().st_ino, tmp_path.stat().st_mtime_ns) == before
    assert "config/tidings.yaml" in written
    assert Path("config/tidings.yaml").is_file()
    assert sorted(path.name for path in shop.iterdir()) == sorted(
        [".gitignore", "config", "dags", "data", "plugins", "segments", "templates"]
    )


def test_a_folder_that_fills_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    """Something comes to lie where ours would: what had been moved already is taken back."""
    (tmp_path / "shop").mkdir()

    def and_mine(folder: Path) -> None:
        folder.mkdir()
        (tmp_path / "shop" / "segments").mkdir()
        (tmp_path / "shop" / "segments" / "mine.yaml").write_text("mine")

    with pytest.raises(OSError, match="segments"):
        init(tmp_path / "shop", and_mine)
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*"))] == [
        "shop", "shop/segments", "shop/segments/mine.yaml"
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["folder", "file", "hidden"])
def test_a_folder_that_holds_something_is_refused(tmp_path: Path, kind: str) -> None:
    """Nobody's work is written over."""
    target = tmp_path / "shop"
    if kind == "file":
        target.write_text("mine")
    else:
        target.mkdir()
        (target / (".git" if kind == "hidden" else "notes.txt")).write_text("mine")
    with pytest.raises(TidingsError, match="shop is not an empty folder; name one that does not exist yet"):
        init(target, no_data)
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    """No half of a workspace, no scraps beside it."""

    def full_disk(folder: Path) -> None:
        folder.mkdir()
        (folder / "customers.csv").write_text("customer_id\n")
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        init(tmp_path / "deep" / "shop", full_disk)
    assert list(tmp_path.iterdir()) == []
