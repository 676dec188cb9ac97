"""What must hold in a ledger whatever happened to it, counted anew from its rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, func, select, text

from tidings.ledger.database import database_time
from tidings.ledger.plans import HELD
from tidings.ledger.tables import archives, attempts, enrolments, events, messages, persons, plans

Check = Callable[[Connection], list[str]]


@dataclass(frozen=True)
class Rule:
    """`find` returns what breaks the rule: ids and names of campaigns, never an address."""

    code: str
    sentence: str
    find: Check


def rules() -> Iterator[Rule]:
    """Every rule, the ones on the file itself first."""
    yield Rule("database", "the database finds its own pages and references sound", _database)
    yield Rule("plan_counts", "considered = planned + withheld + the sum of reasons, in every plan", _plan_counts)
    yield Rule(
        "plan_messages",
        "every plan has as many messages, archived ones too, as it planned and withheld",
        _plan_messages,
    )
    yield Rule("message_plan", "every message belongs to a plan that is there", _without(plans, "plan_id"))
    yield Rule("message_person", "every message belongs to a person who is there", _without(persons, "person_key"))
    yield Rule("one_each", "a person, and an address, has one message a campaign, occasion and step", _one_each)
    yield Rule("one_enrolment", "nobody is inside a campaign twice", _enrolled_twice)
    yield Rule(
        "accepted", "a message is accepted by a provider's word, an event, a look-up or a person", _accepted_by_nobody
    )
    yield Rule("planned_again", "no message that a provider took waits to be sent", _planned_again)
    yield Rule("expired_lease", "no message has been under way for longer than its lease, or `tidings tick`", _stuck)


def _database(connection: Connection) -> list[str]:
    """SQLite only: PostgreSQL keeps its references itself, and has its own tools for its pages."""
    if connection.dialect.name != "sqlite":
        return []
    pages = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check"))]
    lost = Counter(str(row[0]) for row in connection.execute(text("PRAGMA foreign_key_check")))
    return [line for line in pages if line != "ok"] + [f"{table}: {number} rows" for table, number in lost.items()]


def _plan_counts(connection: Connection) -> list[str]:
    return [
        row.plan_id
        for row, counts in _plans(connection)
        if counts["considered"] != counts["planned"] + counts["withheld"] + sum(counts["reasons"].values())
    ]


def _plan_messages(connection: Connection) -> list[str]:
    held = (messages.c.state == "withheld").label("held")
    query = select(messages.c.plan_id, held, func.count()).group_by(messages.c.plan_id, held)
    found = Counter({(plan, bool(withheld)): number for plan, withheld, number in connection.execute(query)})
    for row in connection.execute(select(archives)):
        found[(row.plan_id, row.state == "withheld")] += row.number
    return [
        row.plan_id
        for row, counts in _plans(connection)
        if (counts["planned"], counts["withheld"]) != (found[(row.plan_id, False)], found[(row.plan_id, True)])
    ]


def _plans(connection: Connection) -> Iterator[tuple[Any, dict[str, Any]]]:
    nothing = {"considered": 0, "planned": 0, "withheld": 0, "reasons": {}}
    for row in connection.execute(select(plans.c.plan_id, plans.c.counts).where(plans.c.state.in_(HELD))):
        yield row, nothing | json.loads(row.counts or "{}")


def _without(table: Any, name: str) -> Check:
    held = exists().where(table.c[name] == messages.c[name])
    return lambda connection: _ids(connection, ~held)


def _one_each(connection: Connection) -> list[str]:
    same = (messages.c.campaign, messages.c.occasion, messages.c.step)
    return [
        "/".join(row[:3])
        for who in (messages.c.person_key, messages.c.address_key)
        for row in connection.execute(_more_than_one(*same, who))
    ]


def _enrolled_twice(connection: Connection) -> list[str]:
    query = _more_than_one(enrolments.c.campaign, enrolments.c.person_key).where(enrolments.c.state == "active")
    return ["/".join(row[:2]) for row in connection.execute(query)]


def _accepted_by_nobody(connection: Connection) -> list[str]:
    attempt = exists().where(attempts.c.message_id == messages.c.id, attempts.c.outcome == "accepted")
    event = exists().where(events.c.message_id == messages.c.id)
    said = func.coalesce(messages.c.reason, "").in_(("looked_up", "settled"))
    return _ids(connection, (messages.c.state == "accepted") & ~attempt & ~event & ~said)


def _planned_again(connection: Connection) -> list[str]:
    attempt = exists().where(attempts.c.message_id == messages.c.id, attempts.c.outcome == "accepted")
    return _ids(connection, (messages.c.state == "planned") & attempt)


def _stuck(connection: Connection) -> list[str]:
    return _ids(connection, (messages.c.state == "sending") & (messages.c.lease_until < database_time(connection)))


def _ids(connection: Connection, here: ColumnElement[bool]) -> list[str]:
    return [str(key) for key in connection.execute(select(messages.c.id).where(here).order_by(messages.c.id)).scalars()]


def _more_than_one(*columns: Any) -> Select[Any]:
    return select(*columns).group_by(*columns).having(func.count() > 1)
