"""What the wheel carries: the engine, its entry points, and the workspace as the starter."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

STARTER = "tidings/_starter/"
FILES = (".gitignore", "LICENSE", "README.md", "hatch_build.py", "pyproject.toml")
FOLDERS = ("config", "dags", "plugins", "segments", "templates")


@pytest.fixture(scope="session")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the repository in which a machine has left its traces."""
    copy = tmp_path_factory.mktemp("wheel") / "with a space"
    copy.mkdir()
    for file in FILES:
        shutil.copy(root / file, copy)
    for folder in FOLDERS:
        shutil.copytree(root / folder, copy / folder)
    (copy / "config" / "local.yaml").write_text("environment: production\n")
    (copy / "plugins" / "__pycache__").mkdir(exist_ok=True)
    (copy / "plugins" / "__pycache__" / "mine.cpython-311.pyc").write_bytes(b"")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(copy / "dist")]
    subprocess.run(command, cwd=copy, check=True, capture_output=True)
    (built,) = (copy / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="session")
def names(wheel: Path) -> set[str]:
    """The names in the wheel."""
    return set(zipfile.ZipFile(wheel).namelist())


def test_a_new_workspace_works(wheel: Path, tmp_path: Path) -> None:
    """The wheel's own tidings, with nothing of this checkout, makes a workspace that checks, refreshes and plans."""
    environment = tmp_path / "a new environment"
    venv.create(environment, with_pip=False)
    ours = environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    zipfile.ZipFile(wheel).extractall(ours)
    # The libraries come from here; a path file inside that folder, such as the checkout's, is not followed.
    (ours / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    shop = tmp_path / "my shop"

    def tidings(*words: str) -> str:
        command = [str(environment / "bin" / "python"), "-c", "from tidings.cli.main import main; main()", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    where = [str(environment / "bin" / "python"), "-c", "import tidings; print(tidings.__file__)"]
    assert subprocess.run(where, capture_output=True, text=True, check=True).stdout.startswith(str(ours))
    tidings("init", str(shop))
    assert "no mistakes" in tidings("check", "--root", str(shop))
    assert json.loads(tidings("refresh", "--json", "--root", str(shop)))["customers"] == 240
    counts = json.loads(tidings("plan", "newsletter", "--json", "--root", str(shop)))["counts"]
    assert counts["planned"] > 0
    assert counts["considered"] == counts["planned"] + counts["withheld"] + sum(counts["reasons"].values())


def test_the_engine_is_there_once(names: set[str], root: Path) -> None:
    """Every module of the engine is in the wheel under its import name, and nowhere else."""
    ours = {path.relative_to(root / "plugins").as_posix() for path in (root / "plugins" / "tidings").rglob("*.py")}
    assert ours <= names
    assert not [name for name in names if name.startswith((STARTER + "plugins/tidings", "plugins/"))]
    assert "tidings/py.typed" in names


def test_the_starter_is_the_workspace(names: set[str], root: Path) -> None:
    """`tidings init` finds the Dag file, settings, campaigns, segments, templates and one-file plugins."""
    starter = {name.removeprefix(STARTER) for name in names if name.startswith(STARTER)}
    assert {"config/tidings.yaml", "dags/tidings_dags.py", "plugins/.airflowignore"} <= starter
    for pattern in ("config/campaigns/*.yaml", "segments/*.yaml", "plugins/*.py"):
        there = {path.relative_to(root).as_posix() for path in root.glob(pattern)}
        assert there
        assert there <= starter


def test_nothing_of_one_machine_is_in_the_wheel(names: set[str]) -> None:
    """Local settings, caches and state stay where they are."""
    assert not [name for name in names if "__pycache__" in name or name.endswith(("local.yaml", ".pyc", ".db"))]


def test_only_the_package_and_its_metadata_are_installed(names: set[str]) -> None:
    """An install puts one name into site-packages."""
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"tidings"}
