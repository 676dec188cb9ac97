"""What may leave the ledger for the archive, and how: on disk first, then out of the ledger in one transaction.

Nothing that anybody still needs goes. A message stays while its plan is not released, while it is planned, under way or
in doubt, while anybody is inside its campaign on its occasion, and while anything about it is younger than the limit.
What must hold for ever holds without it: its plan's record refuses a second plan of the occasion, its enrolment a
second entry, `touches` remembers what a person got, opened and clicked, and the archive finds a message for a late no.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Table, delete, exists, func, insert, select, tuple_, update

from tidings.ledger import touches
from tidings.ledger.archive import TABLES, Archive, Part, Rows
from tidings.ledger.chunks import KEYS, chunks
from tidings.ledger.database import Ledger
from tidings.ledger.keys import is_key, random_key
from tidings.ledger.tables import archives, attempts, enrolments, events, messages, persons, plans

OVER = ("accepted", "refused", "skipped", "expired", "withheld")
RELEASED, CLOSED = "released", "closed"
SIZE = 10_000


def move(ledger: Ledger, archive: Archive, before: datetime) -> Counter[str]:
    """Move what is over since `before`; how many rows of each table went, and `plans` that hold nothing any more.

    It may be killed anywhere and run again: a row is in the ledger or in the archive, and never in both.
    """
    done: Counter[str] = Counter()
    with archive.locked():
        clean(ledger, archive)
        with ledger.read() as connection:
            old = _old_plans(connection, before)
        for month, group in groupby(old, key=lambda plan: plan[1].strftime("%Y-%m")):
            for part in chunks([plan_id for plan_id, _ in group], KEYS):
                done += _move_plans(ledger, archive, before, month, part)
        done["plans"] = ledger.transact(partial(_close, before=before))
    return done


def clean(ledger: Ledger, archive: Archive) -> None:
    """Finish the files that the ledger counts, and remove those that it does not."""
    with ledger.read() as connection:
        known = parts(connection)
    for part in archive.unfinished():
        (archive.finish if part in known else archive.drop)(part)


def parts(connection: Connection, campaign: str | None = None) -> set[Part]:
    """The archives that hold messages, of one campaign or of all."""
    query = select(archives.c.archive, archives.c.month).distinct()
    if campaign is not None:
        query = query.where(archives.c.campaign == campaign)
    return {Part(row.archive, row.month) for row in connection.execute(query)}


def messages_by_key(connection: Connection, archive: Archive, send_keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """send_key → what an event has to know of the message, for those in the archive; they have no id any more."""
    asked = {key for key in send_keys if is_key(key)}
    if not asked or not (known := parts(connection)):
        return {}
    columns = ("send_key", "person_key", "channel", "purpose", "address_key")
    rows = archive.read("messages", known, columns, send_key=asked)
    return {row["send_key"]: {**row, "id": None} for row in rows}


def of_person(connection: Connection, archive: Archive, person_key: str, campaign: str) -> Rows:
    """A person's archived messages of one campaign, oldest first; those of keys that were merged into theirs too."""
    younger = connection.execute(select(persons.c.person_key).where(persons.c.merged_into == person_key)).scalars()
    columns = ("occasion", "step", "channel", "state", "reason", "counted_at", "not_before", "id")
    wanted = {"person_key": {person_key, *younger}, "campaign": {campaign}}
    rows = archive.read("messages", parts(connection, campaign), columns, **wanted)
    return sorted(rows, key=lambda row: (row["counted_at"] or row["not_before"], row["id"]))


def clicks(connection: Connection, archive: Archive, campaign: str) -> Rows:
    """person_key, occurred_at and machine of the archived clicks of a campaign."""
    columns = ("person_key", "occurred_at", "machine")
    return archive.read("events", parts(connection, campaign), columns, campaign={campaign}, kind={"clicked"})


def _old_plans(connection: Connection, before: datetime) -> list[tuple[str, datetime]]:
    here = (plans.c.state == RELEASED) & (plans.c.created_at <= before)
    query = select(plans.c.plan_id, plans.c.created_at).where(here).order_by(plans.c.created_at, plans.c.plan_id)
    return [(row.plan_id, row.created_at) for row in connection.execute(query)]


def _move_plans(ledger: Ledger, archive: Archive, before: datetime, month: str, ids: Sequence[str]) -> Counter[str]:
    done: Counter[str] = Counter()
    while True:
        with ledger.read() as connection:
            rows = _rows(connection, ids, before)
        if not rows["messages"]:
            return done
        part = Part(random_key(), month)
        archive.write(part, rows)
        if not ledger.transact(partial(_give_away, part=part, rows=rows, before=before)):
            archive.drop(part)  # something came for one of them meanwhile: the next run finds them as they are then
            return done
        archive.finish(part)
        done += Counter({name: len(found) for name, found in rows.items()})


def _over(before: datetime) -> Any:
    """Whether a message of an old, released plan may go."""
    inside = select(enrolments.c.campaign, enrolments.c.occasion).where(enrolments.c.state == "active")
    lately = exists().where(events.c.message_id == messages.c.id, events.c.received_at > before)
    young = (attempts.c.started_at > before) | (attempts.c.leaves_at > before)
    tried = exists().where(attempts.c.message_id == messages.c.id, young)
    here = messages.c.state.in_(OVER) & (func.coalesce(messages.c.counted_at, messages.c.not_before) <= before)
    return here & tuple_(messages.c.campaign, messages.c.occasion).notin_(inside) & ~lately & ~tried


def _rows(connection: Connection, plan_ids: Sequence[str], before: datetime) -> dict[str, Rows]:
    here = messages.c.plan_id.in_(plan_ids) & _over(before)
    query = select(messages).where(here).order_by(messages.c.id).limit(SIZE)
    found = {row["id"]: dict(row) for row in connection.execute(query).mappings()}
    tried = _belonging(connection, attempts, list(found))
    came = [
        row | {name: found[row["message_id"]][name] for name in ("campaign", "step")}
        for row in _belonging(connection, events, list(found))
    ]
    return {"messages": list(found.values()), "attempts": tried, "events": came}


def _belonging(connection: Connection, table: Table, ids: Sequence[int]) -> list[dict[str, Any]]:
    return [
        dict(row)
        for part in chunks(ids, KEYS)
        for row in connection.execute(select(table).where(table.c.message_id.in_(part))).mappings()
    ]


def _give_away(connection: Connection, part: Part, rows: Mapping[str, Rows], before: datetime) -> bool:
    """Take the rows out, where they are still all there is; a row that comes meanwhile waits for ours, or we see it."""
    ids = [row["id"] for row in rows["messages"]]
    for some in chunks(ids, KEYS):
        here = select(messages.c.id).where(messages.c.id.in_(some), _over(before)).order_by(messages.c.id)
        if len(list(connection.execute(here.with_for_update(of=messages)))) != len(some):
            return False
    if any(_count(connection, TABLES[name], ids) != len(rows[name]) for name in ("attempts", "events")):
        return False
    states = Counter((row["plan_id"], row["campaign"], row["state"]) for row in rows["messages"])
    for some in chunks(ids, KEYS):
        touches.remember(connection, touches.of_messages(connection, some))
    connection.execute(
        insert(archives),
        [
            {**part._asdict(), "plan_id": plan_id, "campaign": campaign, "state": state, "number": number}
            for (plan_id, campaign, state), number in sorted(states.items())
        ],
    )
    for some in chunks(ids, KEYS):
        for table in (events, attempts):
            connection.execute(delete(table).where(table.c.message_id.in_(some)))
        connection.execute(delete(messages).where(messages.c.id.in_(some)))
    return True


def _count(connection: Connection, table: Table, ids: Sequence[int]) -> int:
    query = select(func.count()).select_from(table)
    some = chunks(ids, KEYS)
    return sum(connection.execute(query.where(table.c.message_id.in_(part))).scalar_one() for part in some)


def _close(connection: Connection, before: datetime) -> int:
    left = exists().where(messages.c.plan_id == plans.c.plan_id)
    here = (plans.c.state == RELEASED) & (plans.c.created_at <= before) & ~left
    return connection.execute(update(plans).where(here).values(state=CLOSED)).rowcount
