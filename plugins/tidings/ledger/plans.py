"""Plan records: the first complete plan of an occasion wins."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, insert, select, update

from tidings.ledger.tables import approvals, messages, plans

COMPLETE = ("ready", "released", "closed")


class Overtaken(Exception):
    """Another run planned the same in the meantime; what this one decided must not be written."""


def find_plan(connection: Connection, campaign: str, occasion: str) -> Row[Any] | None:
    """The complete plan of an occasion, if there is one."""
    here = (plans.c.campaign == campaign) & (plans.c.occasion == occasion) & plans.c.state.in_(COMPLETE)
    return connection.execute(select(plans).where(here)).one_or_none()


def last_plan(connection: Connection, campaign: str, like: str = "%") -> Row[Any] | None:
    """The newest complete plan of a campaign whose occasion is `like` a pattern."""
    here = (plans.c.campaign == campaign) & plans.c.state.in_(COMPLETE) & plans.c.occasion.like(like)
    newest = select(plans).where(here).order_by(plans.c.created_at.desc(), plans.c.plan_id).limit(1)
    return connection.execute(newest).one_or_none()


def list_plans(connection: Connection, campaign: str) -> list[Row[Any]]:
    """Every complete plan of a campaign, oldest first."""
    here = (plans.c.campaign == campaign) & plans.c.state.in_(COMPLETE)
    return list(connection.execute(select(plans).where(here).order_by(plans.c.created_at, plans.c.plan_id)))


def get_plan(connection: Connection, plan_id: str) -> Row[Any]:
    """One plan by its id."""
    return connection.execute(select(plans).where(plans.c.plan_id == plan_id)).one()


def start_plan(connection: Connection, row: dict[str, Any]) -> None:
    """Insert a `building` plan; an unfinished one of the same occasion is discarded whole.

    The unfinished one is locked first: its run may be finishing it at this moment, and then it stays.
    """
    here = (plans.c.campaign == row["campaign"]) & (plans.c.occasion == row["occasion"]) & (plans.c.state == "building")
    old = list(connection.execute(select(plans.c.plan_id).where(here).with_for_update()).scalars())
    connection.execute(delete(messages).where(messages.c.plan_id.in_(old)))
    connection.execute(delete(plans).where(plans.c.plan_id.in_(old)))
    connection.execute(insert(plans), row | {"state": "building"})


def finish_plan(connection: Connection, plan_id: str, plan_hash: str, counts: dict[str, Any], state: str) -> None:
    """Make a built plan `ready`, or `released` where nothing more is asked; Overtaken where it was discarded."""
    here = (plans.c.plan_id == plan_id) & (plans.c.state == "building")
    values = {"plan_hash": plan_hash, "counts": json.dumps(counts, sort_keys=True), "state": state}
    if connection.execute(update(plans).where(here).values(values)).rowcount != 1:
        raise Overtaken


def approve(connection: Connection, row: dict[str, Any]) -> list[str]:
    """Record an approval (hash, kind, campaign, who, at, comment) and release the plans it names."""
    connection.execute(insert(approvals), row)
    column = plans.c.definition_hash if row["kind"] == "definition" else plans.c.plan_hash
    here = (plans.c.campaign == row["campaign"]) & (column == row["hash"]) & (plans.c.state == "ready")
    released = [found.plan_id for found in connection.execute(select(plans.c.plan_id).where(here))]
    connection.execute(update(plans).where(plans.c.plan_id.in_(released)).values(state="released"))
    return released


def approved(connection: Connection, campaign: str, hash_: str) -> bool:
    """Whether somebody approved this hash for this campaign."""
    here = (approvals.c.campaign == campaign) & (approvals.c.hash == hash_)
    return bool(connection.execute(select(exists().where(here))).scalar())


def counts_of(row: Row[Any]) -> dict[str, Any]:
    """The counts of a finished plan."""
    return dict(json.loads(row.counts))
