"""Enrolments: a person inside a campaign, and the step where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, exists, insert, select, update

from tidings.ledger.chunks import chunks
from tidings.ledger.plans import Overtaken
from tidings.ledger.tables import enrolments, plans

ACTIVE = "active"
# Who entered by a plan that waits for its approval stands still until then.
_STILL = exists().where(
    plans.c.campaign == enrolments.c.campaign, plans.c.occasion == enrolments.c.occasion, plans.c.state == "ready"
)


def due(connection: Connection, campaign: str, now: datetime) -> list[dict[str, Any]]:
    """Active enrolments whose time has come, as rows."""
    here = (enrolments.c.campaign == campaign) & (enrolments.c.state == ACTIVE) & (enrolments.c.due_at <= now) & ~_STILL
    query = select(enrolments).where(here).order_by(enrolments.c.id)
    return [dict(row) for row in connection.execute(query).mappings()]


def active(connection: Connection, campaign: str) -> list[dict[str, Any]]:
    """Everybody inside a campaign whose entry was released, as rows."""
    here = (enrolments.c.campaign == campaign) & (enrolments.c.state == ACTIVE) & ~_STILL
    return [dict(row) for row in connection.execute(select(enrolments).where(here)).mappings()]


def past(connection: Connection, campaign: str) -> list[dict[str, Any]]:
    """person_key, state and exited_at of every enrolment of a campaign."""
    query = select(enrolments.c.person_key, enrolments.c.state, enrolments.c.exited_at)
    return [dict(row) for row in connection.execute(query.where(enrolments.c.campaign == campaign)).mappings()]


def add(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """New enrolments; the partial unique index refuses a second active one."""
    for part in chunks(rows):
        connection.execute(insert(enrolments), part)


def move(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write step, due_at, waiting_for, state, exited_at and reason of enrolments that still stand at step `was`.

    Overtaken where one does not: somebody else moved it since it was read.
    """
    names = ("step", "due_at", "waiting_for", "state", "exited_at", "reason")
    here = (enrolments.c.id == bindparam("this")) & (enrolments.c.state == ACTIVE)
    here &= enrolments.c.step == bindparam("was")
    statement = update(enrolments).where(here).values({name: bindparam(f"new_{name}") for name in names})
    for part in chunks(sorted(rows, key=lambda row: str(row["id"]))):  # in the order in which a merge locks them
        values = [{"this": row["id"], "was": row["was"]} | {f"new_{name}": row[name] for name in names} for row in part]
        if connection.execute(statement, values).rowcount != len(values):
            raise Overtaken
