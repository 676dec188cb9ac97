"""Messages, the unit of truth: planned, claimed, settled. The claim itself is delivery/claim.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Connection,
    Row,
    bindparam,
    exists,
    func,
    insert,
    select,
    union_all,
    update,
)

from tidings.ledger.chunks import KEYS, chunks
from tidings.ledger.plans import HELD, RECOVERED, RELEASED
from tidings.ledger.tables import archives, attempts, messages, plans
from tidings.model.delivery import Schedule

SENT = ("sending", "accepted", "in_doubt", "withheld")
COUNTED = ("planned", *SENT)
_later = attempts.alias("later")
_LAST = ~exists().where(_later.c.message_id == attempts.c.message_id, _later.c.id > attempts.c.id)
_HELD = select(plans.c.plan_id).where(plans.c.state.in_(HELD))


def add(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert messages; the two unique keys refuse a second one (R01)."""
    for part in chunks(rows):
        connection.execute(insert(messages), part)


def taken(connection: Connection, campaign: str, occasion: str) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """(person_key, step) and (address_key, step) that this occasion holds already.

    Those of an unfinished plan are not held: the next one discards it whole.
    """
    here = (messages.c.campaign == campaign) & (messages.c.occasion == occasion) & messages.c.plan_id.in_(_HELD)
    rows = list(connection.execute(select(messages.c.person_key, messages.c.address_key, messages.c.step).where(here)))
    return {(row.person_key, row.step) for row in rows}, {(row.address_key, row.step) for row in rows}


def moments(connection: Connection, since: datetime) -> list[dict[str, Any]]:
    """person_key, channel and time of every message that caps count since a time, planned ones included."""
    at = func.coalesce(messages.c.counted_at, messages.c.not_before)
    query = select(messages.c.person_key, messages.c.channel, messages.c.campaign, at.label("at"))
    here = messages.c.state.in_(COUNTED) & (at > since) & (messages.c.purpose == "marketing")
    here &= messages.c.plan_id.in_(_HELD)
    return [dict(row) for row in connection.execute(query.where(here)).mappings()]


def shown(connection: Connection, campaign: str, since: datetime) -> dict[str, dict[str, str]]:
    """plan_id → (send_key → person_key) of a campaign's messages that count as sent, of plans made since a time.

    Withheld ones do where their plan was released. It is the plan's time for both arms, or one would come sooner.
    """
    query = select(messages.c.plan_id, messages.c.send_key, messages.c.person_key)
    query = query.join(plans, plans.c.plan_id == messages.c.plan_id)
    here = (messages.c.campaign == campaign) & messages.c.state.in_(SENT)
    here &= plans.c.state.in_(RELEASED) & (plans.c.created_at > since)
    found: dict[str, dict[str, str]] = {}
    for row in connection.execute(query.where(here)):
        found.setdefault(row.plan_id, {})[row.send_key] = row.person_key
    return found


def states(connection: Connection, campaign: str | None = None, plan_id: str | None = None) -> dict[str, int]:
    """How many messages stand in each state, those in the archive among them."""
    all_ = _numbers().subquery()
    query = select(all_.c.state, func.sum(all_.c.number).label("number")).group_by(all_.c.state)
    if campaign is not None:
        query = query.where(all_.c.campaign == campaign)
    if plan_id is not None:
        query = query.where(all_.c.plan_id == plan_id)
    return {row.state: int(row.number) for row in connection.execute(query)}


def states_by_campaign(connection: Connection) -> dict[str, dict[str, int]]:
    """campaign → state → how many messages, those in the archive among them."""
    all_ = _numbers().subquery()
    query = select(all_.c.campaign, all_.c.state, func.sum(all_.c.number)).group_by(all_.c.campaign, all_.c.state)
    found: dict[str, dict[str, int]] = {}
    for campaign, state, number in connection.execute(query.order_by(all_.c.campaign, all_.c.state)):
        found.setdefault(campaign, {})[state] = int(number)
    return found


def archived(connection: Connection) -> int:
    """How many messages have left for the archive."""
    return int(connection.execute(select(func.coalesce(func.sum(archives.c.number), 0))).scalar_one())


def _numbers() -> CompoundSelect[Any]:
    of_plan = (messages.c.plan_id, messages.c.campaign, messages.c.state)
    here = select(*of_plan, func.count().label("number")).group_by(*of_plan)
    return union_all(here, select(archives.c.plan_id, archives.c.campaign, archives.c.state, archives.c.number))


def of_person(connection: Connection, person_key: str, campaign: str) -> list[dict[str, Any]]:
    """A person's messages of one campaign, oldest first."""
    here = (messages.c.person_key == person_key) & (messages.c.campaign == campaign)
    return [dict(row) for row in connection.execute(select(messages).where(here).order_by(messages.c.id)).mappings()]


def waiting(connection: Connection, now: datetime) -> bool:
    """Whether a planned message has come due; whether its plan is released is not asked."""
    here = (messages.c.state == "planned") & (messages.c.not_before <= now)
    return bool(connection.execute(select(exists().where(here))).scalar())


def next_turn(connection: Connection, now: datetime) -> datetime | None:
    """When the next message that its lane made wait may leave; None where none waits for that."""
    here = (messages.c.state == "planned") & (messages.c.reason == "paced") & (messages.c.not_before > now)
    return connection.execute(select(func.min(messages.c.not_before)).where(here)).scalar()


def expire(connection: Connection, now: datetime) -> int:
    """Planned messages whose time has passed are expired; how many there were."""
    here = (messages.c.state == "planned") & (messages.c.expires_at <= now)
    return _mark(connection, here, "expired", "too_late")


def recover(connection: Connection, database_now: float) -> int:
    """Messages whose worker went away are in doubt: never back to planned (R05); how many there were."""
    here = (messages.c.state == "sending") & (messages.c.lease_until < database_now)
    return _mark(connection, here, "in_doubt", "worker_gone")


def _mark(connection: Connection, here: ColumnElement[bool], state: str, reason: str) -> int:
    """A row that somebody holds is left to them: two transactions over many rows must not wait for each other."""
    free = select(messages.c.id).where(here).with_for_update(skip_locked=True)
    marked = update(messages).where(messages.c.id.in_(free)).values(state=state, reason=reason)
    return connection.execute(marked).rowcount


def arrived(connection: Connection, causes: Mapping[int, str]) -> None:
    """The provider took these messages (id → cause), whatever it or we said before: they are accepted (R08).

    Also one that we were told to try again later: the next try would be a second message.
    """
    tried = (messages.c.state == "planned") & (messages.c.tries > 0)
    unsettled = (messages.c.state == "sending") | (messages.c.state == "in_doubt")
    here = (messages.c.id == bindparam("this")) & (unsettled | tried)
    statement = update(messages).where(here).values(state="accepted", reason=bindparam("cause"))
    values = [{"this": message, "cause": causes[message]} for message in sorted(causes)]
    if values:
        connection.execute(statement, values)


def settle(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write state, reason and not_before of messages that are still `sending`, in the try that was answered.

    An answer that came after the lease ended settles the doubt too, unless it asks for another try (R05). One that came
    when the message was on its way again says nothing of that.
    """
    names = ("state", "reason", "not_before")
    new: dict[str, BindParameter[Any]] = {name: bindparam(f"new_{name}") for name in names}
    late = (messages.c.state == "in_doubt") & (new["state"] != "planned")
    here = (messages.c.id == bindparam("this")) & (messages.c.tries == bindparam("this_try"))
    here &= (messages.c.state == "sending") | late
    # In order of id, as tracking does it, so that the two never wait for each other.
    ordered = sorted(rows, key=lambda row: int(row["id"]))
    values = [
        {"this": row["id"], "this_try": row["tries"]} | {f"new_{name}": row[name] for name in names} for row in ordered
    ]
    if values:
        connection.execute(update(messages).where(here).values(new), values)


def start_attempts(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """One attempt a message, written in the claim: before the first byte (R02)."""
    if rows:
        connection.execute(insert(attempts), rows)


def note_schedule(connection: Connection, ids: Sequence[int], schedule: Schedule) -> None:
    """Write into the open attempts of these messages under which id, and until when, they can be taken back (R10)."""
    here = attempts.c.finished_at.is_(None)
    values = {"batch_id": schedule.batch_id, "leaves_at": schedule.send_at}
    for part in chunks(ids, KEYS):
        connection.execute(update(attempts).where(here & attempts.c.message_id.in_(part)).values(values))


def cancellable(connection: Connection, after: datetime) -> dict[str, list[Schedule]]:
    """provider → schedules, those that end first first, of messages in doubt that leave after a time."""
    query = select(attempts.c.provider, attempts.c.batch_id, attempts.c.leaves_at).distinct()
    here = (messages.c.state == "in_doubt") & (attempts.c.leaves_at > after) & _LAST
    joined = attempts.join(messages, messages.c.id == attempts.c.message_id)
    found: dict[str, list[Schedule]] = {}
    for row in connection.execute(query.select_from(joined).where(here).order_by(attempts.c.leaves_at)):
        found.setdefault(row.provider, []).append(Schedule(row.batch_id, row.leaves_at))
    return found


def take_back(connection: Connection, provider: str, schedule: Schedule, now: datetime) -> int:
    """What the provider has confirmed to discard is planned again, and its attempts end; how many messages there were.

    Those that it accepted are among them. What a worker still holds is left to it, or to the next round.
    """
    ours = (attempts.c.provider == provider) & (attempts.c.batch_id == schedule.batch_id) & _LAST
    sent = messages.c.state.in_(("in_doubt", "accepted")) & messages.c.id.in_(select(attempts.c.message_id).where(ours))
    query = select(messages.c.id).where(sent).order_by(messages.c.id).with_for_update()
    ids = list(connection.execute(query).scalars())
    again = {"state": "planned", "reason": "cancelled", "not_before": now, "lease_until": None}
    ended = {"outcome": "later", "detail": "cancelled, for doubt", "finished_at": now}
    for part in chunks(ids, KEYS):
        connection.execute(update(messages).where(messages.c.id.in_(part)).values(again))
        connection.execute(update(attempts).where(ours & attempts.c.message_id.in_(part)).values(ended))
    return len(ids)


def refusals(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """message id → how often a provider said that it takes the message later."""
    query = select(attempts.c.message_id, func.count().label("number")).where(attempts.c.outcome == "later")
    return {
        row.message_id: row.number
        for part in chunks(list(ids), KEYS)
        for row in connection.execute(query.where(attempts.c.message_id.in_(part)).group_by(attempts.c.message_id))
    }


def doubtful(connection: Connection, after: datetime, limit: int) -> list[Row[Any]]:
    """id, send_key and the provider of the last attempt of messages in doubt that left after a time, oldest first."""
    joined = messages.join(attempts, attempts.c.message_id == messages.c.id)
    query = select(messages.c.id, messages.c.send_key, attempts.c.provider).select_from(joined)
    query = query.where(messages.c.state == "in_doubt", messages.c.counted_at > after, _LAST)
    return list(connection.execute(query.order_by(messages.c.id).limit(limit)))


def settle_doubt(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write state and reason of messages that are still in doubt."""
    here = (messages.c.id == bindparam("this")) & (messages.c.state == "in_doubt")
    new: dict[str, BindParameter[Any]] = {name: bindparam(f"new_{name}") for name in ("state", "reason")}
    ordered = sorted(rows, key=lambda row: int(row["id"]))
    values = [{"this": row["id"], "new_state": row["state"], "new_reason": row["reason"]} for row in ordered]
    if values:
        connection.execute(update(messages).where(here).values(new), values)


def end_doubt(connection: Connection, campaign: str, before: datetime, state: str, reason: str, now: datetime) -> int:
    """Settle the messages of a campaign that are in doubt since a time or longer, and how many there were.

    As `in_doubt` they stay what they are, for good; as `planned` they leave once more, unless their plan is forgotten:
    what they said is not known any more (R20a).
    """
    here = (messages.c.campaign == campaign) & (messages.c.state == "in_doubt") & (messages.c.counted_at <= before)
    here &= messages.c.reason.is_(None) | (messages.c.reason != reason)
    free = select(messages.c.id).where(here).with_for_update(skip_locked=True)
    values: dict[str, Any] = {"state": state, "reason": reason}
    if state == "planned":
        forgotten = select(plans.c.plan_id).where(plans.c.state == RECOVERED)
        free = free.where(messages.c.plan_id.notin_(forgotten))
        values |= {"not_before": now, "lease_until": None}
    return connection.execute(update(messages).where(messages.c.id.in_(free)).values(values)).rowcount


def finish_attempts(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Outcome, provider_id, detail and finished_at of the open attempt of each message that began then."""
    names = ("outcome", "provider_id", "detail", "finished_at")
    here = (attempts.c.message_id == bindparam("this")) & (attempts.c.started_at == bindparam("began"))
    here &= attempts.c.finished_at.is_(None)
    statement = update(attempts).where(here).values({name: bindparam(f"new_{name}") for name in names})
    values = [
        {"this": row["id"], "began": row["started_at"]} | {f"new_{name}": row[name] for name in names} for row in rows
    ]
    if values:
        connection.execute(statement, values)


def oldest_planned(connection: Connection) -> datetime | None:
    """The earliest time from which a released message has been waiting."""
    released = messages.join(plans, plans.c.plan_id == messages.c.plan_id)
    query = select(func.min(messages.c.not_before)).select_from(released)
    return connection.execute(query.where(messages.c.state == "planned", plans.c.state == "released")).scalar()


def oldest_in_doubt(connection: Connection) -> datetime | None:
    """When the message that has been in doubt for longest was claimed."""
    return connection.execute(select(func.min(messages.c.counted_at)).where(messages.c.state == "in_doubt")).scalar()


def sent(connection: Connection, campaign: str) -> list[dict[str, Any]]:
    """person_key, step and time (`at`) of the messages that count as sent; in doubt and withheld ones do."""
    query = select(messages.c.person_key, messages.c.step, messages.c.counted_at.label("at"))
    here = (messages.c.campaign == campaign) & messages.c.state.in_(SENT)
    return [dict(row) for row in connection.execute(query.where(here)).mappings()]


def accepted_keys(connection: Connection, campaign: str) -> list[Row[Any]]:
    """send_key and step of a campaign's accepted messages, oldest first."""
    query = select(messages.c.send_key, messages.c.step).where(messages.c.campaign == campaign)
    return list(connection.execute(query.where(messages.c.state == "accepted").order_by(messages.c.id)))
