"""What passed between us and each person: the last time of each kind, by campaign and step."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    union_all,
    update,
)

from tidings.ledger.chunks import chunks
from tidings.ledger.inserts import insert_new
from tidings.ledger.tables import events, messages, touches
from tidings.model.delivery import OPENED_BY_MACHINE

SENT = ("accepted", "in_doubt", "withheld")
FOREVER = datetime.max.replace(tzinfo=UTC)
WHAT = ("person_key", "campaign", "step", "kind")

Touch = Mapping[str, Any]


def load(connection: Connection, now: datetime) -> list[tuple[str, str, str, str, datetime]]:
    """person_key, campaign, step, kind and the last time before `now`, also of messages that were moved to files.

    Kinds are `received`, `opened`, `clicked` and, apart from what people opened, OPENED_BY_MACHINE; what a machine
    clicked is left out (R37). A withheld message counts as received: what a campaign asks of both arms must be alike.
    """
    kept = select(*(touches.c[name] for name in WHAT), touches.c.at).where(touches.c.at < now)
    found = union_all(*_of_messages(now), kept).subquery()
    what = [found.c[name] for name in WHAT]
    rows = connection.execute(select(*what, func.max(found.c.at, type_=touches.c.at.type)).group_by(*what))
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]


def of_messages(connection: Connection, ids: Collection[int]) -> list[Touch]:
    """The same of these messages alone, whenever it was."""
    rows = connection.execute(union_all(*_of_messages(FOREVER, messages.c.id.in_(ids))))
    return [dict(zip((*WHAT, "at"), row, strict=True)) for row in rows]


def remember(connection: Connection, rows: Iterable[Touch]) -> None:
    """Keep the last time of each: it moves forward only."""
    last: dict[tuple[str, ...], datetime] = {}
    for row in rows:
        what = tuple(row[name] for name in WHAT)
        last[what] = max(row["at"], last.get(what, row["at"]))
    ordered = [dict(zip(WHAT, what, strict=True)) | {"at": last[what]} for what in sorted(last)]
    later = and_(*(touches.c[name] == bindparam(f"the_{name}") for name in WHAT), touches.c.at < bindparam("new_at"))
    statement = update(touches).where(later).values(at=bindparam("new_at"))
    for part in chunks(ordered):
        connection.execute(insert_new(connection, touches), part)
        values = [{f"the_{name}": row[name] for name in WHAT} | {"new_at": row["at"]} for row in part]
        connection.execute(statement, values)


def take_over(connection: Connection, younger: str, older: str) -> None:
    """What the younger key is remembered by is the older one's."""
    here = touches.c.person_key == younger
    rows = [dict(row) | {"person_key": older} for row in connection.execute(select(touches).where(here)).mappings()]
    if rows:
        connection.execute(delete(touches).where(here))
        remember(connection, rows)


def _of_messages(now: datetime, which: ColumnElement[bool] | None = None) -> tuple[Select[Any], Select[Any]]:
    who = (messages.c.person_key, messages.c.campaign, messages.c.step)
    received = (
        select(*who, literal("received").label("kind"), func.max(messages.c.counted_at).label("at"))
        .where(messages.c.state.in_(SENT), messages.c.counted_at < now)
        .group_by(*who)
    )
    opened, clicked = events.c.kind == "opened", events.c.kind == "clicked"
    kind = case((and_(opened, events.c.machine), OPENED_BY_MACHINE), else_=events.c.kind).label("kind")
    acted = (
        select(*who, kind, func.max(events.c.occurred_at).label("at"))
        .join(events, events.c.message_id == messages.c.id)
        .where(or_(opened, and_(clicked, ~events.c.machine)), events.c.occurred_at < now)
        .group_by(*who, events.c.kind, events.c.machine)
    )
    return (received, acted) if which is None else (received.where(which), acted.where(which))
