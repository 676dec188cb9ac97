"""The claim: lock, look again at everything that may have changed, and commit `sending` before the first byte.

The order is message rows, then person and contact rows in key order, then lanes, and only then counting: locking and
counting in one statement lets two workers pass the same cap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, func, select, update

from tidings.clock import zone
from tidings.delivery.lanes import Lanes, keys_of, lane_of
from tidings.delivery.route import ahead_of, provider_of
from tidings.errors import TidingsError
from tidings.ledger import consents, contacts, persons
from tidings.ledger.chunks import KEYS, chunks
from tidings.ledger.database import database_time
from tidings.ledger.lanes import ALL, paused
from tidings.ledger.messages import SENT, refusals, start_attempts
from tidings.ledger.persons import MERGED
from tidings.ledger.plans import RELEASED
from tidings.ledger.tables import messages, plans
from tidings.model.run import Run
from tidings.planning.people import Contacts, address_columns
from tidings.planning.sendtime import after_quiet
from tidings.project import Project

LEASE_SECONDS = 300.0
QUIET = "quiet_hours"


@dataclass(frozen=True)
class Scope:
    """What one dispatcher looks at: one plan or all of them, one shard of the persons or all."""

    plan_id: str | None = None
    shard: tuple[int, int] | None = None


@dataclass(frozen=True)
class Claimed:
    """Messages that are ours to send, by provider, and how many were skipped or put off, and why."""

    sending: dict[str, list[dict[str, Any]]]
    skipped: Counter[str]
    put_off: Counter[str]

    @property
    def seen(self) -> int:
        """How many rows the claim looked at."""
        return sum(map(len, self.sending.values())) + sum(self.skipped.values()) + sum(self.put_off.values())


def claim(
    connection: Connection,
    project: Project,
    addresses: Contacts,
    now: datetime,
    scope: Scope,
    size: int,
    run: Run | None,
) -> Claimed:
    """Take up to `size` due messages; the caller commits."""
    if (ALL, ALL) in paused(connection):
        return Claimed({}, Counter(), Counter())
    live = [name for name, campaign in project.campaigns.items() if campaign.status == "live"]
    rows = _due(connection, now, scope, size, live)
    people = sorted({row["person_key"] for row in rows})
    gone = persons.lock(connection, people)
    held = contacts.lock(connection, [(row["channel"], row["address_key"]) for row in rows])
    granted = {
        purpose: consents.granted(connection, purpose, now, people) for purpose in {row["purpose"] for row in rows}
    }
    sent = _sent(connection, project, people, now)
    sending: dict[str, list[dict[str, Any]]] = {}
    skipped: Counter[str] = Counter()
    put_off: Counter[str] = Counter()
    changes = []
    time = database_time(connection)
    known = {row["id"]: addresses.get(row["customer_id"]) for row in rows}
    where = {row["id"]: _address(known[row["id"]], row) for row in rows}
    refused = refusals(connection, [row["id"] for row in rows if row["tries"]])
    ways = {
        row["id"]: lane_of(project, provider_of(project, row["channel"], address, refused.get(row["id"], 0)), address)
        for row in rows
        if (address := where[row["id"]]) is not None and row["channel"] in project.settings.channels
    }
    lanes = Lanes(connection, project, keys_of(project, ways.values()), now, time)
    for row in rows:
        who = (row["person_key"], row["channel"])
        contact, address = known[row["id"]], where[row["id"]]
        marketing = row["purpose"] == "marketing"
        here = held.get((row["channel"], row["address_key"]))
        ahead = ahead_of(project, row["campaign"], ways[row["id"]][0]) if row["id"] in ways else timedelta()
        leaves = now + ahead
        later = _quiet(project, contact, leaves) if marketing else leaves
        reason = MERGED if row["person_key"] in gone else _unreachable(project, row["channel"], address, here)
        if reason is None and marketing and who not in granted[row["purpose"]]:
            reason = "no_consent"
        if reason is None and marketing and _full(project, sent, row):
            reason = "frequency_cap"
        if reason is None and row["expires_at"] is not None and row["expires_at"] <= leaves:
            reason = "too_late"
        if reason is not None:
            skipped[reason] += 1
            changes.append(_change(row, "skipped", reason, None, None, row["not_before"]))
        elif later > leaves:
            put_off[QUIET] += 1
            changes.append(_change(row, "planned", None, None, None, later - ahead))
        elif (wait := lanes.wait(ways[row["id"]], row)) is not None:
            put_off[wait[0]] += 1
            changes.append(_change(row, "planned", wait[0], None, None, wait[1]))
        else:
            sent[who] += marketing
            ours = row | {
                "address": address,
                "contact": contact,
                "lane": ways[row["id"]],
                "ahead": ahead,
                "started_at": now,
            }
            ours["refusals"] = refused.get(row["id"], 0)
            sending.setdefault(ways[row["id"]][0], []).append(ours)
            changes.append(_change(row, "sending", None, time + LEASE_SECONDS, now, row["not_before"]))
    lanes.write(connection)
    _write(connection, changes)
    start_attempts(connection, [_attempt(row, now, run) for group in sending.values() for row in group])
    return Claimed(sending, skipped, put_off)


def _due(connection: Connection, now: datetime, scope: Scope, size: int, live: Sequence[str]) -> list[dict[str, Any]]:
    """Messages of a campaign that is paused, retired or gone stay planned until they expire."""
    released = select(plans.c.plan_id).where(plans.c.state == "released")
    query = select(messages).where(
        messages.c.state == "planned", messages.c.not_before <= now, messages.c.plan_id.in_(released)
    )
    query = query.where(messages.c.campaign.in_(live))
    query = query.where((messages.c.expires_at.is_(None)) | (messages.c.expires_at > now))
    if scope.plan_id is not None:
        query = query.where(messages.c.plan_id == scope.plan_id)
    if scope.shard is not None:
        index, total = scope.shard
        low, high = (f"{256 * part // total:02x}" for part in (index, index + 1))
        query = query.where(messages.c.person_key >= low)
        query = query.where(messages.c.person_key < high) if index + 1 < total else query
    query = query.order_by(messages.c.not_before, messages.c.id).limit(size).with_for_update(skip_locked=True)
    return [dict(row) for row in connection.execute(query).mappings()]


def _sent(connection: Connection, project: Project, people: Sequence[str], now: datetime) -> Counter[tuple[str, str]]:
    """(person_key, channel) → messages that count against the channel's cap at `now`."""
    counts: Counter[tuple[str, str]] = Counter()
    released = select(plans.c.plan_id).where(plans.c.state.in_(RELEASED))
    for channel, cap in project.settings.caps.items():
        for part in chunks(people, KEYS):
            here = messages.c.person_key.in_(part) & (messages.c.channel == channel) & messages.c.state.in_(SENT)
            # A plan that nobody said yes to withholds from nobody.
            here &= (messages.c.state != "withheld") | messages.c.plan_id.in_(released)
            recent = (messages.c.counted_at > now - cap.within) & (messages.c.purpose == "marketing")
            query = select(messages.c.person_key, func.count()).where(here, recent).group_by(messages.c.person_key)
            for person, number in connection.execute(query):
                counts[(person, channel)] += number
    return counts


def _unreachable(project: Project, channel: str, address: str | None, contact: Row[Any] | None) -> str | None:
    if channel not in project.settings.channels:
        return "no_provider"
    if address is None or contact is None:
        return "address_changed"
    return "suppressed" if contact.suppressed_at is not None else None


def _full(project: Project, sent: Counter[tuple[str, str]], row: Mapping[str, Any]) -> bool:
    cap = project.settings.caps.get(row["channel"])
    return cap is not None and sent[(row["person_key"], row["channel"])] >= cap.max


def _address(contact: Mapping[str, Any] | None, row: Mapping[str, Any]) -> str | None:
    """The address, if it is still the one that was planned."""
    if contact is None:
        return None
    key, problem = address_columns(row["channel"])
    if contact[key] != row["address_key"] or contact[problem] is not None:
        return None
    return str(contact[key.removesuffix("_key")])


def _quiet(project: Project, contact: Mapping[str, Any] | None, now: datetime) -> datetime:
    name = (contact or {}).get("timezone") or project.settings.timezone
    try:
        here = zone(name)
    except TidingsError:
        here = zone(project.settings.timezone)
    return after_quiet(project.settings.quiet_hours, here, now)


def _change(
    row: Mapping[str, Any], state: str, reason: str | None, lease: float | None, counted: datetime | None, at: datetime
) -> dict[str, Any]:
    return {
        "this": row["id"],
        "new_state": state,
        "new_reason": reason,
        "new_lease": lease,
        "new_counted": counted,
        "new_not_before": at,
        "new_tries": row["tries"] + (state == "sending"),
    }


def _write(connection: Connection, changes: list[dict[str, Any]]) -> None:
    if not changes:
        return
    values: dict[str, BindParameter[Any]] = {
        "state": bindparam("new_state"),
        "reason": bindparam("new_reason"),
        "lease_until": bindparam("new_lease"),
        "counted_at": bindparam("new_counted"),
        "not_before": bindparam("new_not_before"),
        "tries": bindparam("new_tries"),
    }
    connection.execute(update(messages).where(messages.c.id == bindparam("this")).values(values), changes)


def _attempt(row: Mapping[str, Any], now: datetime, run: Run | None) -> dict[str, Any]:
    provider, group = row["lane"]
    return {
        "message_id": row["id"],
        "provider": provider,
        "domain_group": group,
        "dag_id": run.dag_id if run else None,
        "run_id": run.run_id if run else None,
        "started_at": now,
    }
