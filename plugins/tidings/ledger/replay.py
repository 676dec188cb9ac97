"""What the journal says has left, written back into a ledger that has forgotten it (R20a).

Every message becomes a row again, so that the unique keys refuse a second one, caps count it, and an event or a
click that comes for it finds it. Nobody knows here what became of it: it is in doubt.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from tidings.ledger import contacts, persons
from tidings.ledger.chunks import KEYS, chunks
from tidings.ledger.inserts import insert_new
from tidings.ledger.keys import random_key
from tidings.ledger.plans import RECOVERED
from tidings.ledger.tables import attempts, enrolments, messages, plans
from tidings.ledger.tables import contacts as contact_rows
from tidings.ledger.tables import persons as person_rows

RESTORED = "restored"
UNSETTLED = ("planned", "sending")

Entry = dict[str, Any]


@dataclass
class Replay:
    """One recovery: `doubted` rows were held as not sent yet, `added` ones were not held, nor were `persons`."""

    connection: Connection
    snapshot_id: str
    now: datetime
    doubted: int = 0
    added: int = 0
    persons: int = 0
    _plans: dict[tuple[str, str], str] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)

    def sent(self, entries: Sequence[Entry], at: datetime) -> None:
        """Hold the messages of one batch, claimed at `at`, as in doubt."""
        entries = self._with_persons(entries)
        for occasion, group in groupby(sorted(entries, key=_occasion), key=_occasion):
            self._hold(occasion, list(group), at)

    def finish(self) -> None:
        """Give the plans that were made for the forgotten messages their counts."""
        for plan_id, size in self._sizes.items():
            counts = json.dumps({"considered": size, "planned": size, "withheld": 0, "reasons": {}})
            self.connection.execute(update(plans).where(plans.c.plan_id == plan_id).values(counts=counts))

    def _with_persons(self, entries: Sequence[Entry]) -> list[Entry]:
        """The entries with keys that the ledger knows.

        A person who came after the backup was given another key by a refresh since, or none yet: the address tells.
        """
        keys = {entry["person_key"] for entry in entries}
        known = set(_in(self.connection, person_rows.c.person_key, keys))
        living = persons.lock_living(self.connection, known)
        addresses = {_address(entry) for entry in entries}
        held = contacts.lock(self.connection, sorted(addresses))
        for entry in entries:
            owner = held.get(_address(entry))
            if entry["person_key"] not in living and owner is not None:
                living[entry["person_key"]] = owner.person_key
        new = sorted(keys - set(living))
        persons.save_persons(self.connection, new)
        self.persons += len(new)
        living |= {key: key for key in new}
        found = [entry | {"person_key": living[entry["person_key"]]} for entry in entries]
        missing = {_address(entry): entry for entry in found if _address(entry) not in held}
        rows = [{name: entry[name] for name in ("channel", "address_key", "person_key")} for entry in missing.values()]
        for part in chunks(rows):
            self.connection.execute(insert(contact_rows), part)
        return found

    def _hold(self, occasion: tuple[str, str], entries: Sequence[Entry], at: datetime) -> None:
        rows = _rows_of(self.connection, occasion, entries)
        by_key = {row.send_key: row for row in rows}
        by_person = {(row.person_key, row.step): row for row in rows}
        by_address = {(row.address_key, row.step): row for row in rows}
        doubted: dict[int, str] = {}
        forgotten = []
        for entry in entries:
            step = entry["step"]
            found = (
                by_key.get(entry["send_key"]),
                by_person.get((entry["person_key"], step)),
                by_address.get((entry["address_key"], step)),
            )
            held = {row.id: row for row in found if row is not None}
            if not held:
                forgotten.append(entry)
            doubted |= {key: entry["provider"] for key, row in held.items() if row.state in UNSETTLED}
        self._doubt(doubted, at)
        self._add(occasion, forgotten, at)

    def _doubt(self, providers: Mapping[int, str], at: datetime) -> None:
        for part in chunks(sorted(providers), KEYS):
            here = messages.c.id.in_(part)
            self.connection.execute(update(messages).where(here).values(_in_doubt(at)))
            self.connection.execute(insert(attempts), [_attempt(key, providers[key], at) for key in part])
        self.doubted += len(providers)

    def _add(self, occasion: tuple[str, str], entries: Sequence[Entry], at: datetime) -> None:
        # One person may have got the step twice, by two plans of histories that parted: one row holds the key.
        unique = {(entry["person_key"], entry["step"]): entry for entry in entries}
        unique = {(entry["address_key"], entry["step"]): entry for entry in unique.values()}
        if not unique:
            return
        plan_id = self._plan(occasion)
        self._enrol(unique.values(), at)
        same = {"plan_id": plan_id, "customer_id": "", "not_before": at, "tries": 1} | _in_doubt(at)
        rows = [
            same | {name: value for name, value in entry.items() if name != "provider"} for entry in unique.values()
        ]
        self.connection.execute(insert(messages), rows)
        providers = {entry["send_key"]: entry["provider"] for entry in unique.values()}
        made = [row for row in _rows_of(self.connection, occasion, list(unique.values())) if row.send_key in providers]
        self.connection.execute(insert(attempts), [_attempt(row.id, providers[row.send_key], at) for row in made])
        self._sizes[plan_id] = self._sizes.get(plan_id, 0) + len(rows)
        self.added += len(rows)

    def _plan(self, occasion: tuple[str, str]) -> str:
        """The record that the forgotten messages of an occasion hang on; it stands beside a plan that is complete."""
        if occasion not in self._plans:
            self._plans[occasion] = random_key()
            row = {"plan_id": self._plans[occasion], "campaign": occasion[0], "occasion": occasion[1]}
            row |= {"snapshot_id": self.snapshot_id, "definition_hash": RECOVERED, "state": RECOVERED}
            self.connection.execute(insert(plans), row | {"counts": "{}", "created_at": self.now})
        return self._plans[occasion]

    def _enrol(self, entries: Iterable[Entry], at: datetime) -> None:
        """Who had entered a flow that the ledger forgot has been in it, and does not enter it for the first time."""
        here = {entry["enrolment_id"]: entry for entry in entries if entry["enrolment_id"] is not None}
        known = set(_in(self.connection, enrolments.c.id, here))
        for key in sorted(set(here) - known):
            entry = here[key]
            row = {name: entry[name] for name in ("campaign", "person_key", "occasion", "step")}
            row |= {"id": key, "customer_id": "", "state": "exited", "reason": RESTORED}
            row |= {"entered_at": at, "exited_at": self.now, "due_at": None, "waiting_for": None}
            made = insert_new(self.connection, enrolments).execution_options(preserve_rowcount=True)
            if self.connection.execute(made, row).rowcount == 0:
                # The person entered on this occasion once more since: the message hangs on that.
                entry["enrolment_id"] = self._enrolment(entry)

    def _enrolment(self, entry: Mapping[str, Any]) -> str | None:
        here = [enrolments.c[name] == entry[name] for name in ("campaign", "person_key", "occasion")]
        return self.connection.execute(select(enrolments.c.id).where(*here)).scalar()


def _in_doubt(at: datetime) -> Entry:
    return {"state": "in_doubt", "reason": RESTORED, "lease_until": None, "counted_at": at}


def _attempt(message: int, provider: str, at: datetime) -> Entry:
    row = {"message_id": message, "provider": provider, "started_at": at, "finished_at": at}
    return row | {"outcome": "unknown", "detail": "from the journal"}


def _occasion(entry: Mapping[str, Any]) -> tuple[str, str]:
    return entry["campaign"], entry["occasion"]


def _address(entry: Mapping[str, Any]) -> tuple[str, str]:
    return entry["channel"], entry["address_key"]


def _in(connection: Connection, column: Any, keys: Iterable[str]) -> list[str]:
    parts = chunks(sorted(keys), KEYS)
    return [found for part in parts for found in connection.execute(select(column).where(column.in_(part))).scalars()]


def _rows_of(connection: Connection, occasion: tuple[str, str], entries: Sequence[Entry]) -> list[Row[Any]]:
    """The messages that the ledger holds for the persons, addresses or keys of one occasion's entries."""
    here = (messages.c.campaign == occasion[0]) & (messages.c.occasion == occasion[1])
    asked = (messages.c.id, messages.c.send_key, messages.c.person_key, messages.c.address_key)
    query = select(*asked, messages.c.step, messages.c.state)
    found: dict[int, Row[Any]] = {}
    for name in ("send_key", "person_key", "address_key"):
        for part in chunks(sorted({entry[name] for entry in entries}), KEYS):
            rows = connection.execute(query.where(here, messages.c[name].in_(part)))
            found.update({row.id: row for row in rows})
    return list(found.values())
