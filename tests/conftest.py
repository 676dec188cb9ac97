"""What every test stands on: an Airflow of its own, fixed randomness, and no silent skip.

Airflow reads its settings at the first import, so they are set before anything else is imported. Each
process (each pytest-xdist worker too) gets its own home; the Dags folder is empty, because `dag.test()`
reads the whole folder again on each call.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.published import Published

ROOT = Path(__file__).parent.parent

# Databases wait for the disk with every commit, and PostgreSQL copies 300 files for each new database: in memory,
# where a machine has room there, both cost next to nothing. A kill loses no more of it than of a disk's cache.
_MEMORY, _ROOM = Path("/dev/shm"), 4 << 30
if "TMPDIR" not in os.environ and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM:
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)

_HOME = Path(tempfile.mkdtemp(prefix="tidings-test-"))
(_HOME / "dags").mkdir()
(_HOME / "run").mkdir(mode=0o700)

os.environ.update(
    AIRFLOW_HOME=str(_HOME),
    AIRFLOW__CORE__DAGS_FOLDER=str(_HOME / "dags"),
    AIRFLOW__CORE__PLUGINS_FOLDER=str(ROOT / "plugins"),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{_HOME}/airflow.db",
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=str(_HOME / "logs"),
    XDG_RUNTIME_DIR=str(_HOME / "run"),  # where the PostgreSQL of the tests keeps its socket
)

import pytest  # noqa: E402 - after Airflow's environment
from hypothesis import settings  # noqa: E402 - after Airflow's environment

# The same examples every time: a failure in CI is the failure at the desk.
settings.register_profile("tidings", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("tidings")


def _remove_home(owner: int) -> None:
    """Forked children inherit the exit handler; only the process that made the folder removes it."""
    if os.getpid() == owner:
        shutil.rmtree(_HOME, ignore_errors=True)


atexit.register(_remove_home, os.getpid())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests of reference data where there is none to read; begin with files that take minutes.

    Of two workers one would end with such a file while the other has nothing left to do.
    """
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    if os.environ.get("TIDINGS_REFERENCE_DATA"):
        return
    left_out = [item for item in items if item.get_closest_marker("reference")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _no_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("TIDINGS_NO_SKIP") == "1" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"TIDINGS_NO_SKIP=1 and this was skipped: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Turn a skipped test into a failed one where CI asks for it."""
    report = yield
    _no_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    """Turn a skipped file into a failed one where CI asks for it."""
    report = yield
    _no_skip(report)
    return report


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of reference data; only for tests marked `reference`."""
    return Path(os.environ["TIDINGS_REFERENCE_DATA"])


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published | None]:
    """SendGrid's published documents as judges of requests (R60); None where they or Prism are not there."""
    from tests.published import Published, can_serve

    data = os.environ.get("TIDINGS_REFERENCE_DATA")
    if not data or not can_serve():
        yield None
        return
    documents = sorted(Path(data).glob("openapi/sendgrid_*.json.gz"))
    judges = Published(documents, tmp_path_factory.mktemp("openapi"))
    yield judges
    judges.close()
