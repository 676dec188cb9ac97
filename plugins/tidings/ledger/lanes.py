"""Lanes: the pace and the pauses of each provider by group of recipients' domains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, tuple_, update

from tidings.ledger.inserts import insert_new
from tidings.ledger.tables import attempts, lanes
from tidings.settings import USUAL_LANE, Lane

Key = tuple[str, str]
ALL = "*"
DEBITED = ("free_at", "queue_at", "day", "today", "sent", "bounced", "complained", "paused_at", "cause")


def lock(connection: Connection, keys: Iterable[Key]) -> dict[Key, Row[Any]]:
    """The rows of these (provider, domain_group), made where they are missing, locked in key order."""
    asked = sorted(set(keys))
    if not asked:
        return {}
    rows = [{"provider": provider, "domain_group": group} for provider, group in asked]
    connection.execute(insert_new(connection, lanes), rows)
    statement = select(lanes).where(tuple_(lanes.c.provider, lanes.c.domain_group).in_(asked))
    ordered = statement.order_by(lanes.c.provider, lanes.c.domain_group).with_for_update()
    return {(row.provider, row.domain_group): row for row in connection.execute(ordered)}


def write(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what a claim or an event has changed of locked lanes: provider, domain_group and DEBITED."""
    here = (lanes.c.provider == bindparam("this_provider")) & (lanes.c.domain_group == bindparam("this_group"))
    statement = update(lanes).where(here).values({name: bindparam(f"new_{name}") for name in DEBITED})
    values = [
        {"this_provider": row["provider"], "this_group": row["domain_group"]}
        | {f"new_{name}": row[name] for name in DEBITED}
        for row in rows
    ]
    if values:
        connection.execute(statement, values)


def paused(connection: Connection) -> dict[Key, str]:
    """(provider, domain_group) → why, of those from which nothing leaves; ALL stands for every one."""
    rows = connection.execute(select(lanes).where(lanes.c.paused_at.isnot(None)))
    return {(row.provider, row.domain_group): row.cause or "" for row in rows}


def pause(connection: Connection, key: Key, at: datetime, cause: str) -> None:
    """Nothing more leaves by this lane; the first cause stays."""
    lock(connection, [key])
    here = (lanes.c.provider == key[0]) & (lanes.c.domain_group == key[1]) & lanes.c.paused_at.is_(None)
    connection.execute(update(lanes).where(here).values(paused_at=at, cause=cause[:200]))


def resume(connection: Connection, key: Key) -> int:
    """Let the lane go on, and those it stands for; its bad marks are forgotten. How many had been paused."""
    asked = [(lanes.c.provider, key[0]), (lanes.c.domain_group, key[1])]
    here = [lanes.c.paused_at.isnot(None), *(column == part for column, part in asked if part != ALL)]
    clean = {"paused_at": None, "cause": None, "sent": 0.0, "bounced": 0.0, "complained": 0.0}
    return connection.execute(update(lanes).where(*here).values(clean)).rowcount


def everything(connection: Connection) -> list[dict[str, Any]]:
    """All lanes, in order of their key."""
    rows = connection.execute(select(lanes).order_by(lanes.c.provider, lanes.c.domain_group)).mappings()
    return [dict(row) for row in rows]


def of_messages(connection: Connection, ids: Sequence[int]) -> dict[int, Key]:
    """message id → the lane of its last attempt; without those of which none is known."""
    last = select(func.max(attempts.c.id)).where(attempts.c.message_id.in_(ids)).group_by(attempts.c.message_id)
    query = select(attempts.c.message_id, attempts.c.provider, attempts.c.domain_group).where(
        attempts.c.id.in_(last), attempts.c.domain_group.isnot(None)
    )
    return {row.message_id: (row.provider, row.domain_group) for row in connection.execute(query)}


def count_events(
    connection: Connection, settings: Mapping[str, Lane], kinds: Mapping[int, str], now: datetime, day: date
) -> None:
    """Count bounces and complaints (message id → kind) against their lanes; one that has too many stops (R59)."""
    found = of_messages(connection, sorted(kinds))
    rows = {key: on_day(row._mapping, day) for key, row in lock(connection, found.values()).items()}
    for message, key in found.items():
        rows[key][kinds[message]] += 1
    for (provider, _), row in rows.items():
        limits = settings.get(provider, USUAL_LANE).pause
        for what, share in (("complained", limits.complaints), ("bounced", limits.bounces)):
            if row["paused_at"] is None and row["sent"] >= limits.after and row[what] > share * row["sent"]:
                row |= {"paused_at": now, "cause": f"{row[what] / row['sent']:.1%} {what} of {row['sent']:.0f} lately"}
    write(connection, list(rows.values()))


def on_day(row: Mapping[Any, Any], day: date) -> dict[str, Any]:
    """The lane as it is on this day: each day that has passed halves what was lately, and `today` begins anew."""
    state = {str(name): value for name, value in row.items()}
    last = date.fromisoformat(state["day"]) if state["day"] else day
    if day > last:  # a clock that steps back forgets nothing (R19)
        part = 0.5 ** min((day - last).days, 64)
        state |= {name: state[name] * part for name in ("sent", "bounced", "complained")} | {"today": 0}
    return state | {"day": str(max(day, last))}
