from __future__ import annotations

from pathlib import Path

import pytest

from tests.airflow.conftest import rewrite
from tidings.airflow.workspace import open_campaign, open_project, read_workspace
from tidings.errors import ProjectErrors, TidingsError
from tidings.project import load_project

BROKEN = "segment: {name}\nwhere: []\n"


def test_a_whole_workspace_is_left_as_it_is(workspace: Path) -> None:
    """Without a mistake nothing is missing."""
    found, expected = read_workspace(workspace), load_project(workspace)
    assert found.mistakes == []
    assert found.readable == found.project.campaigns == expected.campaigns
    assert found.project.segments == expected.segments
    assert found.project.offers == expected.offers


def test_who_uses_a_broken_segment_is_left_out(workspace: Path) -> None:
    """The segment, those that ask about it and the campaigns that do; the campaigns stay readable."""
    inner = "segment: inner\ntitle: Inner\nwhere: [{in_segment: outer}]\n"
    outer = "segment: outer\ntitle: Outer\nwhere: ['orders >= 1']\n"
    (workspace / "segments/inner.yaml").write_text(inner)
    (workspace / "segments/outer.yaml").write_text(outer)
    rewrite(workspace, "newsletter", audience="{include: inner}")
    assert read_workspace(workspace).mistakes == []
    (workspace / "segments/outer.yaml").write_text(BROKEN.format(name="outer"))
    found = read_workspace(workspace)
    assert not {"inner", "outer"} & found.project.segments.keys()
    assert "regulars" in found.project.segments
    assert found.readable.keys() - found.project.campaigns.keys() == {"newsletter"}


def test_who_uses_a_broken_offer_is_left_out(workspace: Path) -> None:
    """A campaign is not sent without the offer it promises."""
    (workspace / "config/offers/comeback_10.yaml").write_text("offer: comeback_10\n")
    found = read_workspace(workspace)
    assert "comeback_10" not in found.project.offers
    assert found.readable.keys() - found.project.campaigns.keys() == {"win_back"}


def test_a_broken_campaign_names_its_own_mistake(workspace: Path) -> None:
    """Another campaign opens; this one says what is wrong with its own file, not with others."""
    rewrite(workspace, "newsletter", aim="caer")
    rewrite(workspace, "win_back", aim="winback")
    assert open_campaign(str(workspace), "second_order").campaigns["second_order"]
    with pytest.raises(ProjectErrors) as caught:
        open_campaign(str(workspace), "newsletter")
    assert [str(error.where) for error in caught.value.errors] == ["config/campaigns/newsletter.yaml:2:6"]


def test_a_campaign_that_is_gone_says_so(workspace: Path) -> None:
    """A run that was under way when the file was removed ends with that."""
    (workspace / "config/campaigns/newsletter.yaml").unlink()
    with pytest.raises(TidingsError, match="there is no campaign 'newsletter'"):
        open_campaign(str(workspace), "newsletter")


@pytest.mark.parametrize("plugin", ["import nothing_such\n", "def register_eligibility(: pass\n", "x = 1\n"])
def test_without_a_rule_nothing_runs(workspace: Path, plugin: str) -> None:
    """A rule that does not load might have kept a message from somebody."""
    (workspace / "plugins").mkdir(exist_ok=True)
    (workspace / "plugins" / "rule.py").write_text(plugin)
    with pytest.raises(ProjectErrors, match=r"plugins/rule\.py"):
        read_workspace(workspace)


@pytest.mark.parametrize("executor", ["CeleryExecutor", "LocalExecutor,KubernetesExecutor", "edge:my.EdgeExecutor"])
def test_a_sqlite_ledger_refuses_executors_on_other_machines(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, executor: str
) -> None:  # R20
    """Their tasks could not reach the file; with a ledger on PostgreSQL they may run."""
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
    with pytest.raises(TidingsError, match="a SQLite ledger cannot serve the executor"):
        open_project(str(workspace))
    monkeypatch.setenv("TIDINGS_LEDGER__URL", "postgresql+psycopg://ledger")
    assert open_project(str(workspace)).campaigns


@pytest.mark.parametrize("executor", ["LocalExecutor", "airflow.executors.local_executor.LocalExecutor"])
def test_local_executors_are_served(workspace: Path, monkeypatch: pytest.MonkeyPatch, executor: str) -> None:
    """By its name or its path."""
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
    assert open_project(str(workspace)).campaigns
