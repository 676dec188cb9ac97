"""What the tasks do: each calls a verb and hands on ids and counts, never a person (R53).

Airflow fills the arguments that have the names of its context: dag_run, params, outlet_events, ….
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidings.airflow.compat import SCHEDULED, AirflowSkipException
from tidings.airflow.workspace import answerable, open_campaign, open_project, read_workspace
from tidings.errors import ProjectErrors, TidingsError
from tidings.model.run import Run
from tidings.project import Project, definition_files

if TYPE_CHECKING:
    from tidings.model.campaign import Campaign
    from tidings.model.counts import DeliverShape
    from tidings.planning.occasion import Occasion

Counts = dict[str, Any]

EVERY = 30.0  # seconds between two lines of a long delivery
log = logging.getLogger(__name__)


def check(root: str, campaign: str) -> Counts:
    """Pass a live campaign without mistakes in its files and templates; skip the run of any other status."""
    from tidings.planning.definition import definition_of
    from tidings.verbs.check import check as verb

    project = open_campaign(root, campaign)
    found = project.campaigns[campaign]
    if found.status != "live":
        raise AirflowSkipException(f"{campaign} is {found.status}, not live")
    names = {step.template for step in found.send_steps}
    names |= {one.template for step in found.send_steps for one in step.variants if one.template}
    own = [path.relative_to(project.root).as_posix() for path in definition_files(project, found)]
    own += [f"templates/{folder}/" for folder in ("partials", "layouts", *(name.partition("/")[0] for name in names))]
    shape = verb(project.root)
    errors = [line for line in shape.findings if line.level == "error"]
    if mine := [line for line in errors if line.file.startswith(tuple(own))]:
        raise ProjectErrors([_as_error(line) for line in mine])
    return {"definition": definition_of(project, found), "mistakes_elsewhere": len(errors)}


def refresh(root: str, outlets: Any = None, outlet_events: Any = None) -> Counts:
    """A new snapshot; what is triggered by it learns which one and of when."""
    from tidings.verbs.refresh import refresh as verb

    opened = open_project(root)
    project = answerable(opened)
    for noun, name in _left_out(opened, project):
        log.warning("the %s %s is left out: run `tidings check`", noun, name)
    shape = verb(project, project.now())
    for asset in outlets or ():
        outlet_events[asset].extra = {"snapshot": shape.snapshot, "as_of": shape.as_of.isoformat()}
    return shape.model_dump(mode="json")


def plan(
    root: str, campaign: str, dag_run: Any = None, params: Any = None, triggering_asset_events: Any = None
) -> Counts:
    """The committed plan of the run's occasion; one that exists already is handed on as it is."""
    from tidings.verbs.plan import plan as verb

    project = open_campaign(root, campaign)
    found = project.campaigns[campaign]
    now = project.now()
    occasion = (params or {}).get("occasion") or _occasion(project, found, now, dag_run, triggering_asset_events)
    made = verb(project, campaign, now, commit=True, occasion=occasion, run=_run(dag_run))
    counts = made.counts.model_dump()
    log.info("plan %s of %s, %s: %s, %s", made.plan_id, campaign, occasion, made.state, counts)
    return {
        "plan_id": made.plan_id,
        "campaign": campaign,
        "occasion": made.occasion,
        "definition_hash": made.definition_hash,
        "hash": made.plan_hash,
        **counts,
    }


def deliver(root: str, plan: Mapping[str, Any], shards: int, shard: int, dag_run: Any = None) -> Counts:
    """Send what is due of the plan to one shard of the persons; the rest is the tick's."""
    from tidings.verbs.deliver import deliver as verb

    project = open_project(root)
    done = verb(
        project, project.now(), plan_id=plan["plan_id"], shard=(shard, shards), run=_run(dag_run), tell=progress()
    )
    counts = done.model_dump(exclude={"causes"})  # what a provider said may be about a person
    log.info("shard %s of %s: %s", shard, shards, counts)
    return counts


def measure(root: str, campaign: str) -> Counts:
    """How many people the result stands on so far; the result itself is in the report."""
    from tidings.verbs.measure import measure as verb

    project = open_campaign(root, campaign)
    if project.campaigns[campaign].goal is None:
        return {"matured": 0}
    shape = verb(project, campaign, project.now())
    return {"matured": shape.matured} | {arm.arm: arm.persons for arm in shape.arms}


def tick(root: str, dag_run: Any = None) -> Counts:
    """One round over all flows and everything that is due; skipped where there was nothing to do."""
    from tidings.verbs.tick import tick as verb

    project = open_project(root)
    _needs_ledger(project)
    shape = verb(project, project.now(), run=_run(dag_run), tell=progress())
    if shape.unapproved:
        log.warning("%s messages wait for the approval of their plan", shape.unapproved)
    if not any(
        [
            *shape.model_dump(exclude={"delivered", "unapproved"}).values(),
            shape.delivered.claimed,
            *shape.delivered.skipped,
        ]
    ):
        raise AirflowSkipException("nothing was due")
    counts = shape.model_dump(exclude={"delivered": {"causes"}})
    log.info("%s", counts)
    return counts


def report(root: str) -> Counts:
    """Mail the report of every campaign that one is due for; an owner gets the report of an occasion once."""
    from tidings.verbs.report import report as verb

    project = open_project(root)
    now = project.now()
    sent: dict[str, dict[str, str]] = {}
    failed = []
    waiting = _reports_due(project, now)
    while waiting:
        name = waiting.pop()
        try:
            shape = verb(project, name, now)
        except TidingsError as error:
            failed.append(error)
            continue
        sent.setdefault(name, {})[shape.occasion] = shape.state
        # More than one window may have closed since the last run.
        if shape.state != "later" and name in _reports_due(project, now):
            waiting.append(name)
    if failed:
        raise ProjectErrors(failed)
    if not sent:
        raise AirflowSkipException("no report is due")
    return sent


def housekeeping(root: str) -> Counts:
    """What `retention` lets go; skipped before there is a ledger."""
    from tidings.verbs.housekeeping import housekeeping as verb

    project = open_project(root)
    _needs_ledger(project)
    counts = verb(project, project.now()).model_dump()
    log.info("%s", counts)
    return counts


def mistakes(root: str) -> None:
    """Fail with every mistake of the workspace, one a line."""
    found = read_workspace(Path(root)).mistakes
    if found:
        raise ProjectErrors(found)


def released(root: str, plan: Mapping[str, Any]) -> bool:
    """Whether nothing more is asked.

    The plan is released; or it neither sends to anybody nor enrols anybody, and no follow-up of the same files waits
    that nobody else asks about.
    """
    from tidings.ledger import plans
    from tidings.ledger.database import Ledger

    with Ledger.open(open_project(root), create=False) as ledger, ledger.read() as connection:
        if plans.get_plan(connection, plan["plan_id"]).state != "ready":
            return True
        if plan["planned"] + plan["withheld"] + plan["reasons"].get("enrolled", 0):
            return False
        return not plans.unapproved(connection, plan["campaign"], plan["definition_hash"])


def approve(root: str, plan: Mapping[str, Any], who: str) -> Counts:
    """Record what a person said yes to: the definition, where the campaign asks for no more, else this very plan."""
    from tidings.planning.definition import definition_of
    from tidings.verbs.approve import approve as verb

    project = open_campaign(root, plan["campaign"])
    found = project.campaigns[plan["campaign"]]
    # Files that have changed since are another definition; what was looked at is this plan.
    same = found.approval == "definition" and definition_of(project, found) == plan["definition_hash"]
    hash_ = plan["definition_hash"] if same else plan["hash"]
    shape = verb(project, found.campaign, project.now(), hash_=hash_, who=who, comment="in Airflow")
    return {"kind": shape.kind, "hash": shape.hash, "released": shape.released}


def reject(root: str, plan: Mapping[str, Any], who: str) -> list[str]:
    """Discard the plan somebody said no to; nothing where it was released in the meantime."""
    from tidings.verbs.approve import approve as verb

    project = open_campaign(root, plan["campaign"])
    now = project.now()
    shape = verb(project, plan["campaign"], now, hash_=plan["hash"], who=who, comment="in Airflow", reject=True)
    return shape.rejected


def progress() -> Callable[[DeliverShape], None]:
    """What logs how far a delivery has come, in numbers alone, every half minute."""
    told = time.monotonic()

    def tell(done: DeliverShape) -> None:
        nonlocal told
        if time.monotonic() - told >= EVERY:
            told = time.monotonic()
            log.info("so far: %s", done.model_dump(exclude={"causes"}))

    return tell


def _occasion(project: Project, campaign: Campaign, now: datetime, dag_run: Any, events: Any) -> str:
    """The occasion this run serves; a run that the clock or an upstream started is skipped when it comes too late."""
    from tidings.planning.occasion import occasion_at

    by_clock = dag_run is not None and dag_run.run_type in SCHEDULED
    moment = now
    if by_clock and dag_run.logical_date is not None and project.settings.clock.at is None:
        # A run that waited, or is cleared days later, still serves the time it was scheduled for.
        moment = dag_run.logical_date
    occasion: Occasion = occasion_at(campaign, project.settings.timezone, moment, _refreshed_at(project, events))
    if occasion.due_at > now:
        raise AirflowSkipException(f"{campaign.campaign} is not due before {occasion.due_at.isoformat()}")
    if by_clock and occasion.late(campaign, now):
        reason = f"{occasion.name} of {campaign.campaign} was due {occasion.due_at.isoformat()}: too late (late_by)"
        raise AirflowSkipException(f"{reason}; trigger the Dag by hand to send it all the same")
    return occasion.name


def _refreshed_at(project: Project, events: Any) -> datetime:
    """The business time of the refresh that triggered the run, else of the current snapshot."""
    from tidings.ledger.database import Ledger
    from tidings.ledger.snapshots import current_snapshot

    extras = [event.extra for group in (events or {}).values() for event in group]
    if moments := [datetime.fromisoformat(extra["as_of"]) for extra in extras if "as_of" in extra]:
        return max(moments)
    with Ledger.open(project, create=False) as ledger, ledger.read() as connection:
        return current_snapshot(connection, project.root).as_of


def _reports_due(project: Project, now: datetime) -> list[str]:
    """Campaigns whose goal window has closed on an occasion that no report was sent of."""
    from tidings.ledger.database import Ledger
    from tidings.measurement.facts import due_occasion

    with Ledger.open(project, create=False) as ledger, ledger.read() as connection:
        return [
            name
            for name, campaign in project.campaigns.items()
            if due_occasion(project, campaign, connection, now) is not None
        ]


def _needs_ledger(project: Project) -> None:
    from tidings.ledger.database import Ledger

    try:
        Ledger.open(project, create=False).close()
    except TidingsError as error:
        if not error.reason.startswith("there is no ledger"):
            raise
        raise AirflowSkipException(str(error)) from error


def _left_out(before: Project, after: Project) -> list[tuple[str, str]]:
    """Kind and name of every segment and campaign that is in the one project and not in the other."""
    segments = before.segments.keys() - after.segments.keys()
    campaigns = before.campaigns.keys() - after.campaigns.keys()
    return [("segment", name) for name in sorted(segments)] + [("campaign", name) for name in sorted(campaigns)]


def _run(dag_run: Any) -> Run | None:
    return Run(dag_id=dag_run.dag_id, run_id=dag_run.run_id) if dag_run is not None else None


def _as_error(line: Any) -> TidingsError:
    from tidings.errors import Where

    return TidingsError(line.reason, line.fix, Where(line.file, line.line, line.column))
