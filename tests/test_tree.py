"""The shape of the house: small modules, named apart from Python's own, tests where the code is."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLUGINS = ROOT / "plugins"
PACKAGE = PLUGINS / "tidings"
MODULES = sorted(PACKAGE.rglob("*.py"))

TOP_LEVEL = {
    ".ci", ".gitignore", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile",
    "README.md", "SECURITY.md", "benchmarks", "config", "dags", "docs", "hatch_build.py", "plugins",
    "pyproject.toml", "requirements", "segments", "templates", "tests",
}  # fmt: skip
# Folders of tests/ that mirror no room of the package.
NO_ROOM = {
    "data": "files that tests read",
    "docs": "runs what the pages show",
    "prism": "what node installs for tests of requests",
    "typing": "uses that the type checker reads",
}
# Standard-library modules through which a noun could reach a file, a socket, a process or the environment.
# pathlib is not among them: a path in a signature is a value.
INPUT_OUTPUT = {
    "asyncio", "ftplib", "glob", "http", "imaplib", "io", "mmap", "multiprocessing", "os", "poplib", "select",
    "shutil", "smtplib", "socket", "socketserver", "sqlite3", "ssl", "subprocess", "tempfile",
    "urllib", "xmlrpc",
}  # fmt: skip
PURE_LIBRARIES = {"annotated_types", "pydantic", "pydantic_core", "tidings", "typing_extensions"}


def _length(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every module that `path` imports when it runs, wherever in the file."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.lineno, node.module or ""
        elif _is_for_types_only(node):
            waiting.extend(node.orelse)  # type: ignore[attr-defined] # an ast.If
        else:
            waiting.extend(ast.iter_child_nodes(node))


def test_the_reader_of_imports_sees_what_runs_and_only_that(tmp_path: Path) -> None:
    """Imports inside functions count, imports for the type checker do not."""
    file = tmp_path / "specimen.py"
    file.write_text(
        "import os.path\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas\n"
        "def f():\n    from duckdb import connect\n"
    )
    assert sorted(imports(file)) == [(1, "os.path"), (2, "typing"), (6, "duckdb")]


def test_no_module_is_longer_than_400_lines() -> None:
    """A module that grows past 400 lines has become two."""
    assert [f"{_name(path)}: {_length(path)}" for path in MODULES if _length(path) > 400] == []


def test_the_median_module_has_at_most_120_lines() -> None:
    """Most modules fit on two screens; `__init__` files do not count towards it."""
    lengths = [_length(path) for path in MODULES if path.name != "__init__.py"]
    assert statistics.median(lengths) <= 120


def test_no_module_has_the_name_of_a_standard_one() -> None:
    """Airflow and scripts put folders on the path: a module `email` would be imported for Python's."""
    ours = [*MODULES, *PLUGINS.glob("*.py")]
    names = {path: path.parent.name if path.name == "__init__.py" else path.stem for path in ours}
    assert [_name(path) for path, name in names.items() if name in sys.stdlib_module_names] == []


def test_every_folder_with_code_is_a_package() -> None:
    """Without `__init__.py` a folder would be missing from what import-linter checks."""
    folders = {path.parent for path in MODULES if "migrations" not in path.parts}  # Alembic loads those by path
    assert sorted(_name(folder) for folder in folders if not (folder / "__init__.py").is_file()) == []


def _rooms() -> set[str]:
    return {path.parent.name for path in PACKAGE.glob("*/*.py")}


def test_every_folder_of_tests_mirrors_a_room() -> None:
    """Knowing the module tells where its test is."""
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and list(path.rglob("*.*"))}
    assert sorted(folders - _rooms() - set(NO_ROOM) - {"__pycache__"}) == []


def test_every_room_has_tests() -> None:
    """A room of the package without a single test file is not finished."""
    assert sorted(room for room in _rooms() if not list((ROOT / "tests" / room).rglob("test_*.py"))) == []


@pytest.mark.parametrize("path", sorted((PACKAGE / "model").rglob("*.py")), ids=_name)
def test_the_model_reaches_nothing_outside_itself(path: Path) -> None:
    """Nouns are values: no file, socket, process or environment, no library but their validator."""
    wrong = [
        f"{_name(path)}:{line}: {module}"
        for line, module in imports(path)
        if (top := module.partition(".")[0]) in INPUT_OUTPUT
        or (top not in sys.stdlib_module_names and top not in PURE_LIBRARIES)
    ]
    assert wrong == []


def _canonical(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~\[;(]", requirement, maxsplit=1)[0]).lower()


@cache
def _declared() -> frozenset[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    return frozenset(map(_canonical, [*project["dependencies"], *extras]))


# What a declared dependency is bound to bring, because it is made of it.
BROUGHT = {
    "apache-airflow": ("apache-airflow-", "fastapi", "starlette", "uvicorn", "httpx"),
    "ibis-framework": ("pyarrow",),
    "jinja2": ("markupsafe",),
    "pandas": ("numpy",),
    "pydantic": ("pydantic-core",),
    "sendgrid": ("python-http-client",),
    "typer": ("click",),
}


@cache
def _distributions() -> Mapping[str, list[str]]:
    """Which distributions bring a top-level module; asking takes a second, so once."""
    return packages_distributions()


def _is_declared(module: str, declared: frozenset[str]) -> bool:
    """Whether some distribution that has this top-level module is declared, or brought by one that is."""
    owners = {_canonical(name) for name in _distributions().get(module, [])}
    brought = tuple(name for one in declared for name in BROUGHT.get(one, ()))
    return any(owner in declared or owner.startswith(brought) for owner in owners)


def test_every_library_the_package_imports_is_declared() -> None:
    """The wheel, installed alone, finds all it imports; `testing` is for those who have pytest."""
    ours = {"tidings", "tidings_plugins"}
    wrong = [
        f"{_name(path)}:{line}: {module}"
        for path in [*MODULES, *PLUGINS.glob("*.py")]
        for line, module in imports(path)
        if (top := module.partition(".")[0]) not in sys.stdlib_module_names | ours
        and not (top == "pytest" and PACKAGE / "testing" in path.parents)
        and not _is_declared(top, _declared())
    ]
    assert wrong == []


def test_every_library_the_tests_import_is_declared() -> None:
    """By the package or in the group `test`: none is there only because another one happens to bring it."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    declared = _declared() | frozenset(map(_canonical, groups["test"]))
    ours = {"benchmarks", "hatch_build", "tests", "tidings", "tidings_plugins"}
    wrong = [
        f"{_name(path)}:{line}: {module}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for line, module in imports(path)
        if (top := module.partition(".")[0]) not in sys.stdlib_module_names | ours and not _is_declared(top, declared)
    ]
    assert wrong == []


def test_the_top_level_is_the_one_the_design_names() -> None:
    """Nothing more and nothing less than the documented top level is in the repository."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {name.partition("/")[0] for name in tracked.split("\0") if name} == TOP_LEVEL


def test_there_is_one_dag_file() -> None:
    """Airflow parses one file; everything else is reached from it."""
    assert [path.name for path in (ROOT / "dags").rglob("*.py")] == ["tidings_dags.py"]


def test_the_locks_name_no_index_and_carry_hashes() -> None:
    """A lock says what is installed, whoever serves it: no address, a hash for each package."""
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"://|--(index|extra-index|find-links|trusted)", text), path.name
        pins = re.findall(r"^\S+==.*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
        assert pins, path.name
        assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == [], path.name
