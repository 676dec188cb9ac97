"""A small shop, refreshed and approved, that Dags of the test's own run on; and the mail server they send to."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tidings.demo.small_shop import write_small_shop
from tidings.project import load_project
from tidings.testing.smtp_sink import SmtpSink
from tidings.verbs.approve import approve
from tidings.verbs.init import init
from tidings.verbs.refresh import refresh

if TYPE_CHECKING:
    import pandas as pd

# A Tuesday, 09:00 in New York: the newsletter was due an hour ago.
NOW = datetime(2026, 11, 3, 14, tzinfo=UTC)


@pytest.fixture(scope="session", autouse=True)
def _airflow_of_the_tests() -> None:
    """Import Airflow with the settings of tests/conftest.py before anything points it at a workspace."""
    import airflow.sdk  # noqa: F401 - for its settings


def build_workspace(root: Path, customers: int) -> Path:
    """The example workspace with a small shop, refreshed at NOW, the same each time; there are no quiet hours."""
    init(root, lambda data: write_small_shop(data, end=date(2026, 11, 1), customers=customers))
    (root / "config" / "local.yaml").write_text("quiet_hours: null\n")
    keys = random.Random(customers)
    refresh(load_project(root), NOW, new_key=lambda: f"{keys.getrandbits(128):032x}")
    return root


@pytest.fixture(scope="session")
def _shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_workspace(tmp_path_factory.mktemp("airflow") / "a shop", customers=100)


@pytest.fixture
def workspace(_shop: Path, tmp_path: Path) -> Path:
    """A refreshed workspace to write into; nothing in it is approved."""
    return shutil.copytree(_shop, tmp_path / "a shop")


@pytest.fixture
def approved(workspace: Path) -> Path:
    """The same, with every campaign's definition approved."""
    project = load_project(workspace)
    for campaign in project.campaigns:
        approve(project, campaign, NOW, who="lan")
    return workspace


@pytest.fixture
def sink(workspace: Path) -> Iterator[SmtpSink]:
    """The mail server of the workspace."""
    with SmtpSink(workspace / ".tidings" / "inbox") as server:
        send_to(workspace, server)
        yield server


def send_to(root: Path, server: SmtpSink, **more: object) -> None:
    """Let the workspace send its e-mail to the server, with `more` settings of the provider."""
    provider = json.dumps({"port": server.port, **more})
    with (root / "config" / "local.yaml").open("a", encoding="utf-8") as settings:
        settings.write(f"providers: {{smtp: {provider}}}\n")


def addresses(root: Path) -> pd.DataFrame:
    """The contact columns of the current snapshot, by customer_id."""
    import pandas as pd

    return pd.read_parquet(root / ".tidings" / "snapshots" / "addresses.parquet").set_index("customer_id")


def rewrite(root: Path, campaign: str, **lines: str | None) -> None:
    """Give top-level keys of a campaign's file other values, on one line each; None removes a key."""
    file = root / f"config/campaigns/{campaign}.yaml"
    kept = file.read_text(encoding="utf-8").splitlines()
    for key, value in lines.items():
        kept = [line for line in kept if not line.startswith(f"{key}:")]
        kept[1:1] = [f"{key}: {value}"] if value is not None else []
    file.write_text("\n".join(kept) + "\n", encoding="utf-8")
