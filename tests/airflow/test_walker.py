"""Airflow executes every file of its plugins folder under its bare stem; here it must find none."""

from __future__ import annotations

import shutil
from pathlib import Path


def _seen(folder: Path) -> list[str]:
    from airflow._shared.module_loading import find_path_from_directory
    from airflow.configuration import conf

    syntax = conf.get_mandatory_value("core", "dag_ignore_file_syntax")
    return sorted(find_path_from_directory(str(folder), ".airflowignore", syntax))


def test_airflow_sees_no_file_in_plugins(root: Path) -> None:
    """The walker that loads plugins comes back empty, though the engine and company plugins stand there."""
    assert list((root / "plugins").rglob("*.py"))
    assert _seen(root / "plugins") == []


def test_it_is_the_ignore_file_that_hides_them(root: Path, tmp_path: Path) -> None:
    """The same walker sees a module as soon as .airflowignore is gone: the test above can fail."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    shutil.copy(root / "plugins" / ".airflowignore", folder)
    shutil.copy(root / "plugins" / "tidings" / "errors.py", folder)
    assert _seen(folder) == []
    (folder / ".airflowignore").unlink()
    assert _seen(folder) == [str(folder / "errors.py")]


def test_airflow_loads_nothing_from_the_folder(root: Path) -> None:
    """Airflow's own loader, pointed at plugins/, executes nothing and reports no import error."""
    from airflow._shared.plugins_manager.plugins_manager import _load_plugins_from_plugin_directory

    assert _load_plugins_from_plugin_directory(str(root / "plugins")) == ([], {})
