"""Write a plan: one record, its decisions as Parquet, its messages in the ledger; and read it back."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from tidings.errors import TidingsError
from tidings.ledger import assignments, enrolments, messages, plans
from tidings.ledger.chunks import chunks
from tidings.ledger.database import Ledger
from tidings.ledger.keys import random_key
from tidings.ledger.snapshots import snapshot
from tidings.model.campaign import Campaign
from tidings.model.run import Run
from tidings.planning.definition import compile_campaign, customer_columns
from tidings.planning.frames import records
from tidings.planning.people import load_features
from tidings.planning.plan import Plan
from tidings.planning.products import CONTENT, plan_folder
from tidings.project import Project

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = "rows.parquet"
TEMPLATES = "templates.json"


def save_plan(project: Project, ledger: Ledger, plan: Plan, run: Run | None = None) -> Plan:
    """Commit a plan; the first complete one of an occasion wins and is returned instead.

    Decisions and templates are on disk before the record is complete, and messages of an unfinished plan are
    never claimed, so that a crash leaves nothing half true.
    """
    plan.plan_id = random_key()
    with ledger.write() as connection:
        if (found := plans.find_plan(connection, plan.campaign.campaign, plan.occasion)) is not None:
            return read_plan(project, connection, plan.campaign, found)
        plans.start_plan(connection, _record(project, plan, run))
    folder = plan_folder(project.root, plan.plan_id)
    folder.mkdir(parents=True)
    sending = _messages(project, plan)
    _write_files(project, plan, folder, sending)
    try:
        if not plan.entered and not plan.moves:
            for part in chunks(sending):
                with ledger.write() as connection:
                    messages.add(connection, part)
            sending = []
        with ledger.write() as connection:
            enrolments.add(connection, plan.entered)
            enrolments.move(connection, plan.moves)
            messages.add(connection, sending)
            plan.state = "released" if _approved(connection, plan) else "ready"
            if plan.state == "released":
                log_arms(connection, plan)
            counts = plan.counts.model_dump()
            plans.finish_plan(connection, plan.plan_id, plan.plan_hash, counts, plan.state)
    except (IntegrityError, plans.Overtaken) as error:
        shutil.rmtree(folder)
        with ledger.read() as connection:
            found = plans.find_plan(connection, plan.campaign.campaign, plan.occasion)
            if found is not None:
                return read_plan(project, connection, plan.campaign, found)
        reason = f"another run planned {plan.campaign.campaign} at the same time"
        raise TidingsError(reason, "run it again; nothing was written twice") from error
    return plan


def read_plan(project: Project, connection: Connection, campaign: Campaign, row: Any) -> Plan:
    """A complete plan as it was decided."""
    import pandas as pd

    rows = pd.read_parquet(plan_folder(project.root, row.plan_id) / ROWS).astype(object)
    rows = rows.where(rows.notna(), None)
    source = snapshot(connection, project.root, row.snapshot_id)
    plan = Plan(campaign, row.occasion, source, row.definition_hash, rows, row.created_at)
    plan.plan_id, plan.state = row.plan_id, row.state
    return plan


def _approved(connection: Connection, plan: Plan) -> bool:
    """Whether nobody need be asked: also about the follow-ups of a flow whose entry was approved (ADR 12)."""
    name, asked = plan.campaign.campaign, plan.campaign.approval
    if asked == "none" or plans.approved(connection, name, plan.plan_hash):
        return True
    if asked == "definition":
        return plans.approved(connection, name, plan.definition_hash)
    return plan.follows_up and plans.looked_at(connection, name, plan.definition_hash)


def _record(project: Project, plan: Plan, run: Run | None) -> dict[str, Any]:
    return {
        "plan_id": plan.plan_id,
        "campaign": plan.campaign.campaign,
        "occasion": plan.occasion,
        "snapshot_id": plan.snapshot.snapshot_id,
        "definition_hash": plan.definition_hash,
        "commit": _revision(project.root),
        "dag_id": run.dag_id if run else None,
        "run_id": run.run_id if run else None,
        "created_at": plan.now,
    }


def _messages(project: Project, plan: Plan) -> list[dict[str, Any]]:
    codes = {step.name: project.offers[step.offer].code if step.offer else None for step in plan.campaign.send_steps}
    same = {"plan_id": plan.plan_id, "campaign": plan.campaign.campaign, "purpose": plan.campaign.purpose}
    copied = ("enrolment_id", "person_key", "customer_id", "occasion", "step", "channel", "address_key", "variant")
    chosen = plan.rows[plan.rows["decision"] != "no"]
    found = []
    for row in records(chosen):
        sending, not_before = row["decision"] == "planned", _moment(row["not_before"])
        # A withheld message counts when it would have been sent.
        counted_at = None if sending else not_before
        found.append(
            same
            | {name: row[name] for name in copied}
            | {"not_before": not_before, "expires_at": _moment(row["expires_at"]), "counted_at": counted_at}
            | {"offer_code": codes[row["step"]], "send_key": random_key(), "reason": row["reason"]}
            | {"state": "planned" if sending else "withheld"}
        )
    return found


def _moment(value: Any) -> datetime:
    moment: datetime = value.to_pydatetime() if hasattr(value, "to_pydatetime") else value
    return moment


def log_arms(connection: Connection, plan: Plan) -> None:
    """Log the arms of a plan that is released; one that was logged before, for the epoch or the enrolment, stays.

    A plan that is never released anchors nobody: nothing was sent, and nothing can be measured from it.
    """
    name = plan.campaign.campaign
    known = {(row["person_key"], row["epoch"]) for row in assignments.load(connection, name)}
    drawn = plan.rows[plan.rows["arm"].notna()].drop_duplicates("person_key")
    columns = ["person_key", "customer_id", "epoch", "arm", "probability"]
    rows = [
        row | {"campaign": name, "anchored_at": plan.now}
        for row in records(drawn[columns])
        if (row["person_key"], row["epoch"]) not in known
    ]
    assignments.log(connection, rows)


def _write_files(project: Project, plan: Plan, folder: Path, sending: list[dict[str, Any]]) -> None:
    import pandas as pd
    from pyarrow import parquet

    rows = plan.rows.copy()
    for name in ("not_before", "expires_at"):
        rows[name] = pd.to_datetime(rows[name], utc=True)
    rows["probability"] = rows["probability"].astype(float)
    rows.to_parquet(folder / ROWS, index=False)
    templates = compile_campaign(project, plan.campaign)
    (folder / TEMPLATES).write_text(json.dumps(templates))
    parquet.write_table(_content(plan, sending, customer_columns(templates)), folder / CONTENT)


def _content(plan: Plan, sending: list[dict[str, Any]], columns: list[str]) -> pa.Table:
    """What each message shows beside the contact columns, a withheld one too: features its template names, products."""
    import pyarrow as pa

    names = ("send_key", "person_key", "customer_id", "step", "variant")
    content = {name: pa.array([row[name] for row in sending], pa.string()) for name in names}
    features = load_features(plan.snapshot, columns, [row["customer_id"] for row in sending])
    products = [
        json.dumps(plan.picks[row["step"]].products.get(row["person_key"], []) if row["step"] in plan.picks else [])
        for row in sending
    ]
    content |= {"features": features.to_struct_array(), "products": pa.array(products, pa.string())}
    return pa.table(content)


def _revision(root: Path) -> str | None:
    """The git revision of the workspace, or None outside git."""
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    try:
        found = subprocess.run(  # noqa: S603 - a fixed command; the workspace's path is an argument
            command, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None if found.returncode == 0 else None
