"""Every Dag of a workspace, from its YAML. Parsing imports no data library: tasks do, when they run."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import (
    DAG,
    Asset,
    ExceptionRetryPolicy,
    Param,
    RetryAction,
    RetryRule,
    get_parsing_context,
    task,
)
from pydantic import ValidationError

from tidings.airflow import tasks
from tidings.airflow.compat import RUN_TYPES, option
from tidings.airflow.schedules import cron, timetable
from tidings.airflow.workspace import campaign_file, read_workspace, workspace_root
from tidings.errors import ProjectErrors, TidingsError
from tidings.model.campaign import Campaign
from tidings.settings import Settings, load_settings
from tidings.yamlfile import YamlDocument, read_yaml
from tidings.yamlfile import mistakes as places

NAMES = ("refresh", "tick", "report", "housekeeping", "mistakes")
REFRESH, TICK, REPORT, HOUSEKEEPING, MISTAKES = (f"tidings__{name}" for name in NAMES)
CAMPAIGN = "campaign__"
WITH_A_DAG = ("live", "paused")
OCCASION = r"^[A-Za-z0-9][A-Za-z0-9:+_.-]{0,79}$"


def build_dags(file: str | Path, only: str | None = None) -> dict[str, DAG]:
    """Dags by id. In a task, and where `only` names one, just that one is built.

    A campaign whose file has mistakes has no Dag; `tidings__mistakes` is there instead and says them. TidingsError
    (an import error in Airflow's UI) where the settings or a plugin are broken.
    """
    root = workspace_root(file)
    only = only or get_parsing_context().dag_id
    built = _one(root, only) if only else _all(root)
    for dag in built:
        dag.fileloc = str(Path(file).resolve())  # else Airflow shows this module as the Dag's code
    return {dag.dag_id: dag for dag in built}


def campaign_dag_id(name: str) -> str:
    """The id of a campaign's Dag."""
    return CAMPAIGN + name


def _all(root: Path) -> list[DAG]:
    workspace = read_workspace(root)
    settings, documents = workspace.project.settings, workspace.project.documents
    built = [
        _campaign(root, settings, campaign, documents[campaign_file(name)])
        for name, campaign in workspace.readable.items()
        if campaign.status in WITH_A_DAG
    ]
    built += [
        _refresh(root, settings, list(workspace.project.segments)),
        _tick(root, settings),
        _report(root, settings),
        _housekeeping(root, settings),
    ]
    if workspace.mistakes:
        built.append(_mistakes(root, settings, workspace.mistakes))
    return built


def _one(root: Path, dag_id: str) -> list[DAG]:
    """The Dag of that id alone, reading no more than it needs: each task process comes through here."""
    settings = load_settings(root)
    if dag_id == TICK:
        return [_tick(root, settings)]
    if dag_id == REPORT:
        return [_report(root, settings)]
    if dag_id == HOUSEKEEPING:
        return [_housekeeping(root, settings)]
    if dag_id == REFRESH:
        return [_refresh(root, settings, list(read_workspace(root).project.segments))]
    if dag_id == MISTAKES:
        return [_mistakes(root, settings, [])]
    if not dag_id.startswith(CAMPAIGN):
        return []
    path = root / campaign_file(dag_id.removeprefix(CAMPAIGN))
    if not path.exists():
        return []
    document = read_yaml(path, root)
    try:
        campaign = Campaign.model_validate(document.data)
    except ValidationError as error:
        raise ProjectErrors(places(error, document, Campaign)) from error
    return [_campaign(root, settings, campaign, document)]


def _campaign(root: Path, settings: Settings, campaign: Campaign, document: YamlDocument) -> DAG:
    """check → plan → [approve] → deliver, a task a shard → measure."""
    shards = _shards(settings)
    source = (root / document.file).read_text(encoding="utf-8")
    dag = _dag(
        campaign_dag_id(campaign.campaign),
        timetable(campaign, settings.timezone, _asset(settings, "refresh")),
        description=campaign.title,
        doc_md=f"{campaign.title} — {campaign.status}, from `{document.file}`\n\n```yaml\n{source.rstrip()}\n```\n",
        tags=["tidings", "campaign", campaign.aim, campaign.status],
        owner=campaign.owner,
        params={
            "occasion": Param(
                None,
                type=["null", "string"],
                pattern=OCCASION,
                description="Serve this occasion instead of the last due one; one that was served is not sent again.",
            )
        },
    )
    same = {"root": str(root), "campaign": campaign.campaign}
    with dag:
        checked = _task("check", tasks.check)(**same)
        planned = _task("plan", tasks.plan)(**same)
        delivered = _task("deliver", tasks.deliver, map_index_template="shard {{ task.op_kwargs['shard'] }}")
        delivered = delivered.partial(root=str(root), plan=planned, shards=shards).expand(shard=list(range(shards)))
        checked >> planned
        if campaign.approval == "none":
            planned >> delivered
        else:
            from tidings.airflow.approval import ApprovePlan

            # Without an answer the next run would wait for ever behind this one.
            asked = ApprovePlan(
                task_id="approve", **same, response_timeout=campaign.late_by, defaults=ApprovePlan.REJECT
            )
            planned >> asked >> delivered
        delivered >> _task("measure", tasks.measure)(**same)
    return dag


def _refresh(root: Path, settings: Settings, segments: list[str]) -> DAG:
    """The one that `{after: refresh}` waits for is the asset `refresh`; the others are for a company's own Dags."""
    names = ["refresh", "recommendations", *(f"segment/{name}" for name in sorted(segments))]
    dag = _dag(
        REFRESH,
        cron("0 5 * * *", settings.timezone),
        description="A new snapshot: people, features, segments and recommendations.",
    )
    with dag:
        _task("refresh", tasks.refresh, outlets=[_asset(settings, name) for name in names])(root=str(root))
    return dag


def _tick(root: Path, settings: Settings) -> DAG:
    dag = _dag(
        TICK,
        cron("*/5 * * * *", settings.timezone),
        description="Advances flows, sends what has fallen due, settles what a dead worker left.",
    )
    with dag:
        _task("tick", tasks.tick)(root=str(root))
    return dag


def _report(root: Path, settings: Settings) -> DAG:
    dag = _dag(
        REPORT,
        cron("0 8 * * *", settings.timezone),
        description="Mails owners the report of every occasion whose goal window has closed.",
    )
    with dag:
        _task("report", tasks.report)(root=str(root))
    return dag


def _housekeeping(root: Path, settings: Settings) -> DAG:
    dag = _dag(
        HOUSEKEEPING,
        cron("30 3 * * *", settings.timezone),
        description="Moves what is over out of the ledger, and removes what nothing reads any more.",
    )
    with dag:
        _task("housekeeping", tasks.housekeeping)(root=str(root))
    return dag


def _mistakes(root: Path, settings: Settings, found: list[TidingsError]) -> DAG:
    """There only while files have mistakes: it fails at once and each hour, so that they are seen."""
    lines = "\n".join(str(error) for error in found)
    dag = _dag(
        MISTAKES,
        cron("@hourly", settings.timezone, grace=timedelta(hours=1)),
        description=f"{len(found)} mistakes in the workspace's files",
        doc_md=f"These files are left out until they are mended; `tidings check` says the same.\n\n```\n{lines}\n```\n",
        is_paused_upon_creation=False,
    )
    with dag:
        _task("mistakes", tasks.mistakes, retries=0)(root=str(root))
    return dag


def _dag(dag_id: str, schedule: Any, *, owner: str = "tidings", **more: Any) -> DAG:
    # No start date: with one in the past, Airflow starts yesterday's run as soon as the Dag is unpaused.
    return DAG(
        dag_id,
        schedule=schedule,
        catchup=False,
        max_active_runs=1,
        allowed_run_types=RUN_TYPES,
        default_args={"owner": owner, "retries": int(option("tidings", "retries", "3")), "retry_policy": _policy()},
        **{"tags": ["tidings"], **more},
    )


def _policy() -> ExceptionRetryPolicy:
    """A mistake stays one however often it is tried; anything else may be the network."""
    return ExceptionRetryPolicy(rules=[RetryRule(exception=TidingsError, action=RetryAction.FAIL)])


def _task(task_id: str, call: Any, **more: Any) -> Any:
    # multiple_outputs: Airflow would make an XCom of each key of a returned mapping.
    return task(task_id=task_id, multiple_outputs=False, **more)(call)


def _asset(settings: Settings, name: str) -> Asset:
    uri = f"tidings://{settings.workspace}/{name}"
    return Asset(name=uri.removeprefix("tidings://"), uri=uri, group="tidings")


def _shards(settings: Settings) -> int:
    """Deliver tasks of a run: a SQLite ledger has one writer at a time, so that more would only wait."""
    wanted = int(option("tidings", "shards", "0"))
    return wanted or (1 if settings.ledger.url.startswith("sqlite") else 4)
