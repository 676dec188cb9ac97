"""Plan records: the first complete plan of an occasion wins."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, exists, func, insert, select, update

from tidings.ledger.tables import approvals, enrolments, messages, plans

COMPLETE = ("ready", "released", "closed")
RELEASED = ("released", "closed")
RECOVERED = "recovered"  # what `tidings ledger recover` knows of a plan that the ledger has forgotten
HELD = (*COMPLETE, RECOVERED)
REJECTED = "rejected"
LEFT = ("sending", "accepted", "in_doubt", "refused")
FOLLOW_UP = "due:"  # how the occasions of a flow's ticks begin (ADR 6)


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


def hashes(connection: Connection, campaign: str) -> set[str]:
    """The plan hashes of a campaign's complete plans."""
    return {plan.plan_hash for plan in list_plans(connection, campaign)}


def get_plan(connection: Connection, plan_id: str) -> Row[Any]:
    """One plan by its id."""
    return connection.execute(select(plans).where(plans.c.plan_id == plan_id)).one()


def start_plan(connection: Connection, row: dict[str, Any]) -> None:
    """Insert a `building` plan; an unfinished one of the same occasion is discarded whole.

    The unfinished one is locked first: its run may be finishing it at this moment, and then it stays.
    """
    here = (plans.c.campaign == row["campaign"]) & (plans.c.occasion == row["occasion"]) & (plans.c.state == "building")
    old = list(connection.execute(select(plans.c.plan_id).where(here).with_for_update()).scalars())
    _discard(connection, old)
    connection.execute(insert(plans), row | {"state": "building"})


def discard_unfinished(connection: Connection) -> None:
    """Drop every `building` plan whole; a run that is about to finish one is told that it was overtaken."""
    building = select(plans.c.plan_id).where(plans.c.state == "building")
    _discard(connection, list(connection.execute(building.with_for_update()).scalars()))


def _discard(connection: Connection, ids: Sequence[str]) -> None:
    connection.execute(delete(messages).where(messages.c.plan_id.in_(ids)))
    connection.execute(delete(plans).where(plans.c.plan_id.in_(ids)))


def finish_plan(connection: Connection, plan_id: str, plan_hash: str, counts: dict[str, Any], state: str) -> None:
    """Make a built plan `ready`, or `released` where nothing more is asked; Overtaken where it was discarded."""
    here = (plans.c.plan_id == plan_id) & (plans.c.state == "building")
    values = {"plan_hash": plan_hash, "counts": json.dumps(counts, sort_keys=True), "state": state}
    if connection.execute(update(plans).where(here).values(values)).rowcount != 1:
        raise Overtaken


def approve(connection: Connection, row: dict[str, Any]) -> list[Row[Any]]:
    """Record an approval (hash, kind, campaign, who, at, comment) and release the plans it names; returns those.

    With a plan go the follow-ups of the same definition, to people whose entry was approved before.
    """
    connection.execute(insert(approvals), row)
    if row["kind"] == "definition":
        return _release(connection, row["campaign"], plans.c.definition_hash == row["hash"])
    released = _release(connection, row["campaign"], plans.c.plan_hash == row["hash"])
    definitions = {plan.definition_hash for plan in released}
    follow_ups = plans.c.definition_hash.in_(definitions) & plans.c.occasion.startswith(FOLLOW_UP)
    return released + _release(connection, row["campaign"], follow_ups)


def _release(connection: Connection, campaign: str, which: ColumnElement[bool]) -> list[Row[Any]]:
    here = (plans.c.campaign == campaign) & (plans.c.state == "ready") & which
    found = list(connection.execute(select(plans).where(here).order_by(plans.c.created_at).with_for_update()))
    ids = [plan.plan_id for plan in found]
    connection.execute(update(plans).where(plans.c.plan_id.in_(ids)).values(state="released"))
    return found


def reject(connection: Connection, row: dict[str, Any]) -> list[str]:
    """Record a no to a plan (like an approval) and discard those of that hash that wait: nothing of them is sent.

    The record and the decisions on disk stay; messages and the enrolments made by it go, as if nobody had been
    considered, so that the occasion may be planned anew. A plan of which something left is none that waits, though a
    ledger that was put back has forgotten who released it.
    """
    here = (plans.c.campaign == row["campaign"]) & (plans.c.plan_hash == row["hash"]) & (plans.c.state == "ready")
    left = exists().where(messages.c.plan_id == plans.c.plan_id, messages.c.state.in_(LEFT))
    found = list(connection.execute(select(plans).where(here, ~left).with_for_update()))
    if found:
        connection.execute(insert(approvals), row | {"kind": REJECTED})
    for plan in found:
        connection.execute(delete(messages).where(messages.c.plan_id == plan.plan_id))
        entered = (enrolments.c.campaign == plan.campaign) & (enrolments.c.occasion == plan.occasion)
        connection.execute(delete(enrolments).where(entered, enrolments.c.entered_at == plan.created_at))
        connection.execute(update(plans).where(plans.c.plan_id == plan.plan_id).values(state=REJECTED))
    return [plan.plan_id for plan in found]


def approved(connection: Connection, campaign: str, hash_: str) -> bool:
    """Whether somebody approved this hash for this campaign."""
    here = (approvals.c.campaign == campaign) & (approvals.c.hash == hash_) & (approvals.c.kind != REJECTED)
    return bool(connection.execute(select(exists().where(here))).scalar())


def looked_at(connection: Connection, campaign: str, definition_hash: str) -> bool:
    """Whether a plan of this definition was released."""
    here = (plans.c.campaign == campaign) & (plans.c.definition_hash == definition_hash)
    return bool(connection.execute(select(exists().where(here, plans.c.state.in_(RELEASED)))).scalar())


def unapproved(connection: Connection, campaign: str | None = None, definition_hash: str | None = None) -> int:
    """How many planned messages wait for the approval of their plan."""
    joined = messages.join(plans, plans.c.plan_id == messages.c.plan_id)
    query = select(func.count()).select_from(joined).where(plans.c.state == "ready", messages.c.state == "planned")
    if campaign is not None:
        query = query.where(plans.c.campaign == campaign)
    if definition_hash is not None:
        query = query.where(plans.c.definition_hash == definition_hash)
    return int(connection.execute(query).scalar_one())


def counts_of(row: Row[Any]) -> dict[str, Any]:
    """The counts of a finished plan."""
    return dict(json.loads(row.counts))
