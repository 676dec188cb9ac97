from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.airflow.conftest import rewrite
from tidings.airflow.dags import build_dags
from tidings.airflow.local import DAG_FILE
from tidings.errors import ProjectErrors, TidingsError
from tidings.project import load_project

FILE = "config/campaigns/newsletter.yaml"
OWN = {"tidings__refresh", "tidings__tick", "tidings__report", "tidings__housekeeping"}
CAMPAIGNS = {"cross_sell_weekly", "newsletter", "second_order", "win_back"}
CAMPAIGN_DAGS = {f"campaign__{name}" for name in CAMPAIGNS}


def build(root: Path, only: str | None = None) -> dict[str, Any]:
    """The Dags of a workspace."""
    return build_dags(root / DAG_FILE, only)


def when(dag: Any) -> tuple[str, str]:
    """The cron expression of a Dag and its zone."""
    return dag.timetable.expression, str(dag.timetable.timezone)


def read_by_airflow(folder: Path) -> Any:
    """What Airflow's own reader makes of a Dags folder."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=str(folder))


def test_airflow_reads_every_dag_from_the_file(workspace: Path) -> None:
    """Airflow's own reader finds a Dag for each live campaign and the three of the workspace, without an error."""
    bag = read_by_airflow(workspace / "dags")
    assert bag.import_errors == {}
    assert set(bag.dags) == OWN | CAMPAIGN_DAGS
    assert {dag.fileloc for dag in bag.dags.values()} == {str(workspace / DAG_FILE)}


def test_every_dag_has_a_schedule_in_its_zone(workspace: Path) -> None:
    """Cron expressions come from the YAML, each with its time zone."""
    rewrite(workspace, "newsletter", schedule='"30 7 * * 2"', timezone="Asia/Ho_Chi_Minh")
    here = "America/New_York"
    others = load_project(workspace).campaigns.items()
    expected = {f"campaign__{name}": (campaign.schedule, here) for name, campaign in others}
    expected["campaign__newsletter"] = ("30 7 * * 2", "Asia/Ho_Chi_Minh")
    expected["tidings__refresh"] = ("0 5 * * *", here)
    expected["tidings__tick"] = ("*/5 * * * *", here)
    expected["tidings__report"] = ("0 8 * * *", here)
    expected["tidings__housekeeping"] = ("30 3 * * *", here)
    assert {dag_id: when(dag) for dag_id, dag in build(workspace).items()} == expected


def test_no_dag_catches_up_overlaps_or_has_a_start_date(workspace: Path) -> None:
    """One run at a time, none for the past: a start date would start yesterday's run on unpausing."""
    dags = build(workspace).values()
    assert {(dag.catchup, dag.max_active_runs, dag.start_date, dag.end_date) for dag in dags} == {
        (False, 1, None, None)
    }


def test_no_dag_allows_a_backfill(workspace: Path) -> None:
    """A backfill would send the campaigns of the past, so that run type is the one that is missing."""
    from airflow.utils.types import DagRunType

    for dag in build(workspace).values():
        assert {kind.value for kind in DagRunType} - {str(kind.value) for kind in dag.allowed_run_types} == {"backfill"}


def test_a_campaign_is_the_straight_line(workspace: Path) -> None:
    """check → plan → approve → deliver, a task a shard → measure; without approval that task is not there."""
    rewrite(workspace, "win_back", approval="none")
    line = ["check", "plan", "approve", "deliver", "measure"]
    dags = build(workspace)
    assert [task.task_id for task in dags["campaign__newsletter"].topological_sort()] == line
    assert [task.task_id for task in dags["campaign__win_back"].topological_sort()] == [
        step for step in line if step != "approve"
    ]
    for task_id, follower in pairwise(line):
        assert dags["campaign__newsletter"].get_task(task_id).downstream_task_ids >= {follower}


@pytest.mark.parametrize(
    ("url", "option", "expected"),
    [
        ("sqlite:///.tidings/ledger.db", "0", 1),
        ("postgresql+psycopg://ledger", "0", 4),
        ("postgresql+psycopg://ledger", "16", 16),
    ],
)
def test_shards_are_a_fixed_number(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, url: str, option: str, expected: int
) -> None:
    """One deliver task with a SQLite ledger, four otherwise, or as many as the option says; never one a person."""
    monkeypatch.setenv("TIDINGS_LEDGER__URL", url)
    monkeypatch.setenv("AIRFLOW__TIDINGS__SHARDS", option)
    deliver = build(workspace)["campaign__newsletter"].get_task("deliver")
    assert deliver.op_kwargs_expand_input.value == {"shard": list(range(expected))}


def test_the_dag_shows_its_source(workspace: Path) -> None:
    """The campaign's file stands in the Dag's documentation, its title and owner where Airflow shows them."""
    dag = build(workspace)["campaign__newsletter"]
    assert (workspace / FILE).read_text("utf-8").rstrip() in dag.doc_md
    assert dag.description == load_project(workspace).campaigns["newsletter"].title
    assert dag.get_task("check").owner == "lan@example.com"
    assert {"tidings", "campaign", "care", "live"} <= set(dag.tags)


@pytest.mark.parametrize("status", ["draft", "retired"])
def test_a_campaign_that_does_not_run_has_no_dag(workspace: Path, status: str) -> None:
    """Drafts are not shown in Airflow, retired campaigns no longer."""
    rewrite(workspace, "newsletter", status=status)
    assert set(build(workspace)) == OWN | CAMPAIGN_DAGS - {"campaign__newsletter"}


def test_a_paused_campaign_keeps_its_dag_without_a_schedule(workspace: Path) -> None:
    """Its history stays in sight, and nothing starts it."""
    rewrite(workspace, "newsletter", status="paused")
    assert build(workspace)["campaign__newsletter"].schedule is None


def test_a_campaign_after_refresh_waits_for_its_asset(workspace: Path) -> None:
    """`{after: refresh}` is scheduled by the asset that tidings__refresh updates."""
    rewrite(workspace, "newsletter", schedule="{after: refresh}")
    dags = build(workspace)
    [waited_for] = dags["campaign__newsletter"].schedule
    assert waited_for.uri == "tidings://sunrise/refresh"
    assert waited_for in dags["tidings__refresh"].get_task("refresh").outlets


def test_refresh_has_an_asset_for_each_segment(workspace: Path) -> None:
    """A company's own Dags may wait for a segment or for the recommendations."""
    outlets = build(workspace)["tidings__refresh"].get_task("refresh").outlets
    segments = {f"tidings://sunrise/segment/{path.stem}" for path in (workspace / "segments").glob("*.yaml")}
    assert {asset.uri for asset in outlets} == segments | {
        "tidings://sunrise/refresh",
        "tidings://sunrise/recommendations",
    }


def test_a_mistake_fails_at_once_anything_else_is_tried_again(workspace: Path) -> None:
    """Tasks are tried again three times, but not after a TidingsError."""
    from airflow.sdk import RetryAction

    for dag in build(workspace).values():
        for task in dag.tasks:
            assert task.retries == 3
            policy = task.retry_policy
            assert policy.evaluate(ProjectErrors([TidingsError("no")]), 1, 3).action is RetryAction.FAIL
            assert policy.evaluate(ConnectionError(), 1, 3).action is RetryAction.DEFAULT


def test_a_broken_file_takes_only_its_own_dag(workspace: Path) -> None:
    """The other campaigns stay, and a Dag that says what is wrong, and where, appears."""
    rewrite(workspace, "newsletter", aim="caer")
    bag = read_by_airflow(workspace / "dags")
    assert bag.import_errors == {}
    assert set(bag.dags) == OWN | CAMPAIGN_DAGS - {"campaign__newsletter"} | {"tidings__mistakes"}
    assert f"{FILE}:2:6" in bag.dags["tidings__mistakes"].doc_md


def test_a_broken_segment_takes_no_dag(workspace: Path) -> None:
    """Who uses it keeps the Dag, whose check will fail in sight of its owner; refresh leaves the segment out."""
    (workspace / "segments/regulars.yaml").write_text("segment: regulars\nwhere: []\n")
    dags = build(workspace)
    assert set(dags) == OWN | CAMPAIGN_DAGS | {"tidings__mistakes"}
    outlets = dags["tidings__refresh"].get_task("refresh").outlets
    assert "tidings://sunrise/segment/regulars" not in {asset.uri for asset in outlets}


@pytest.mark.parametrize(
    ("file", "content"),
    [("config/local.yaml", "caps: {email: {max: many, within: 7d}}\n"), ("plugins/rule.py", "import nothing_such\n")],
)
def test_broken_settings_or_rules_are_an_import_error(workspace: Path, file: str, content: str) -> None:
    """Nothing may be sent under settings nobody wrote, or without a rule: no Dag, and the reason in Airflow's UI."""
    (workspace / file).parent.mkdir(exist_ok=True)
    (workspace / file).write_text(content)
    bag = read_by_airflow(workspace / "dags")
    assert bag.dags == {}
    assert file in bag.import_errors[str(workspace / DAG_FILE)]


@pytest.mark.parametrize("dag_id", [*sorted(OWN | CAMPAIGN_DAGS), "tidings__mistakes"])
def test_a_task_process_builds_only_its_own_dag(workspace: Path, monkeypatch: pytest.MonkeyPatch, dag_id: str) -> None:
    """Airflow says by the environment which Dag a task belongs to: the same as when all are built, and no other."""
    tasks = {name: dag.task_ids for name, dag in build(workspace).items()} | {"tidings__mistakes": ["mistakes"]}
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", dag_id)
    assert {name: dag.task_ids for name, dag in build(workspace).items()} == {dag_id: tasks[dag_id]}


def test_a_task_process_does_not_read_other_campaigns(workspace: Path) -> None:
    """A mistake made elsewhere while a run is under way does not reach it; one's own does, with its place."""
    rewrite(workspace, "newsletter", aim="caer")
    assert set(build(workspace, only="campaign__win_back")) == {"campaign__win_back"}
    with pytest.raises(ProjectErrors, match=rf"{FILE}:2:6"):
        build(workspace, only="campaign__newsletter")


@pytest.mark.parametrize("dag_id", ["campaign__gone", "somebody_elses"])
def test_an_unknown_dag_is_not_built(workspace: Path, dag_id: str) -> None:
    """A campaign whose file was removed has no Dag, and other people's Dags are not ours."""
    assert build(workspace, only=dag_id) == {}


def test_the_workspace_may_be_elsewhere(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the option [tidings] workspace, the Dag file may lie in a Dags folder of its own."""
    apart = tmp_path / "dags" / "tidings_dags.py"
    monkeypatch.setenv("AIRFLOW__TIDINGS__WORKSPACE", str(workspace))
    assert set(build_dags(apart)) == OWN | CAMPAIGN_DAGS


def test_the_repository_itself_has_no_import_error(root: Path) -> None:
    """The example that is shipped is read by Airflow without an error."""
    bag = read_by_airflow(root / "dags")
    assert (bag.import_errors, set(bag.dags)) == ({}, OWN | CAMPAIGN_DAGS)
