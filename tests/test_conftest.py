"""What tests/conftest.py promises: no skip unseen in CI, reference data optional, nobody dialled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SKIPPED = """
import pytest
def test_in_the_body(): pytest.skip("no browser")
@pytest.mark.skipif(True, reason="no fonts")
def test_before_it(): pass
"""
SKIPPED_FILE = """
import pytest
pytest.skip("no java", allow_module_level=True)
"""
REFERENCE = """
import pytest
@pytest.mark.reference
def test_it(reference): assert reference.is_dir()
"""
LONELY = """
import os, pathlib, socket
def test_home(): pathlib.Path(__file__).with_name("home").write_text(os.environ["AIRFLOW_HOME"])
def test_dial():
    with socket.socket() as dial:
        dial.connect(("192.0.2.1", 25))
"""


def _pytest(root: Path, folder: Path, **environment: str) -> str:
    """Run the specimens in `folder` under this repository's conftest and settings; what pytest prints."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("TIDINGS_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", root / "pyproject.toml", folder]
    ran = subprocess.run(command, cwd=root, env=clean | environment, capture_output=True, text=True, check=False)
    return ran.stdout


def test_a_skip_fails_where_ci_asks_for_it(root: Path, tmp_path: Path) -> None:
    """Under TIDINGS_NO_SKIP=1 a skip is a failure that says its reason; without it, a skip."""
    (tmp_path / "test_skipped.py").write_text(SKIPPED)
    assert "2 skipped" in _pytest(root, tmp_path)
    (tmp_path / "test_skipped_file.py").write_text(SKIPPED_FILE)
    strict = _pytest(root, tmp_path, TIDINGS_NO_SKIP="1", PYTEST_ADDOPTS="--continue-on-collection-errors")
    assert "1 failed, 2 errors" in strict
    for reason in ("no browser", "no fonts", "no java"):
        assert f"TIDINGS_NO_SKIP=1 and this was skipped: Skipped: {reason}" in strict


def test_reference_tests_run_only_where_there_is_reference_data(root: Path, tmp_path: Path) -> None:
    """A test marked `reference` is left out, not skipped, without TIDINGS_REFERENCE_DATA."""
    (tmp_path / "test_reference.py").write_text(REFERENCE)
    assert "1 deselected" in _pytest(root, tmp_path, TIDINGS_NO_SKIP="1")
    assert "1 passed" in _pytest(root, tmp_path, TIDINGS_REFERENCE_DATA=str(tmp_path))


def test_a_process_has_its_own_airflow_and_dials_nobody(root: Path, tmp_path: Path) -> None:
    """The home of a pytest process is its own and goes with it; a socket beyond loopback is refused."""
    (tmp_path / "test_lonely.py").write_text(LONELY)
    shown = _pytest(root, tmp_path)
    assert "1 failed, 1 passed" in shown
    assert "SocketConnectBlockedError" in shown
    home = (tmp_path / "home").read_text()
    assert home != os.environ["AIRFLOW_HOME"]
    assert not Path(home).exists()
