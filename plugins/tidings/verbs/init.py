"""init: a working example in a new folder, whole or not at all."""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import tidings
from tidings.errors import TidingsError
from tidings.settings import LOCAL, MARKER

FOLDERS = ("config", "dags", "segments", "templates")
STARTER = "_starter"
IGNORED = "# what machines write\n/.tidings/\n/.airflow/\n/data/\n/config/local.yaml\n__pycache__/\n"
_SALT = re.compile(r"^salt: \S+", re.MULTILINE)


def init(folder: Path, write_data: Callable[[Path], object]) -> list[str]:
    """Write the starter into `folder` and let `write_data` fill its `data/`; returns the files, relative, sorted.

    TidingsError where the folder holds something. Nothing is left behind by a failure. A folder that is there stays
    the same one: a shell may stand in it, or a volume be mounted there.
    """
    target = folder.absolute()
    there = target.is_dir()
    if target.exists() and (not there or any(target.iterdir())):
        raise TidingsError(f"{folder} is not an empty folder", "name one that does not exist yet")
    near = target if there else next(parent for parent in target.parents if parent.is_dir())
    made = Path(tempfile.mkdtemp(prefix=".tidings-init-", dir=near))
    try:
        workspace = made / "workspace"
        _copy(workspace)
        write_data(workspace / "data")
        if there:
            _move_into(target, workspace)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            workspace.replace(target)
    finally:
        shutil.rmtree(made)
    return sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file())


def _move_into(target: Path, workspace: Path) -> None:
    """Move what the workspace holds into the folder; all of it or, where something is in its way, nothing."""
    names = sorted(path.name for path in workspace.iterdir())
    try:
        for name in names:
            (workspace / name).replace(target / name)
    except BaseException:
        for name in names:
            if not (workspace / name).exists():
                (target / name).replace(workspace / name)
        raise


def _copy(workspace: Path) -> None:
    root = starter_root()
    for path in starter_files(root):
        copied = workspace / path.relative_to(root)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copied)
    (workspace / ".gitignore").write_text(IGNORED, encoding="utf-8")
    marker = workspace / MARKER
    # A salt of one's own: with the example's, anybody could tell who is held out.
    text, changed = _SALT.subn(f"salt: {secrets.token_hex(16)}", marker.read_text(encoding="utf-8"))
    if changed != 1:
        raise TidingsError(f"the starter's {MARKER} has no salt", "install tidings anew")
    marker.write_text(text, encoding="utf-8")


def starter_root() -> Path:
    """Where the starter is: inside the wheel, or the repository around an editable install."""
    inside = Path(str(resources.files(tidings))) / STARTER
    around = Path(tidings.__file__).parents[2]
    for root in (inside, around):
        if (root / MARKER).is_file():
            return root
    raise TidingsError("this installation of tidings lacks its starter", "install the wheel, or work in a clone")


def starter_files(root: Path) -> Iterator[Path]:
    """Every file a new workspace starts with; none that belongs to one machine."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.name != LOCAL.name:
                yield path
    yield from sorted((root / "plugins").glob("*.py"))
    yield root / "plugins" / ".airflowignore"
