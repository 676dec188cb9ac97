"""A Hypothesis state machine over the ledger (R16): whatever happens in whatever order, the promise holds.

The provider keeps its own log, and the judge of the crash matrix compares it with the ledger after every rule.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from tests.databases import SQLITE, copy_sqlite
from tests.delivery.crash.judge import Arrival, Evidence, findings
from tests.planning.campaigns import SEND, campaign
from tests.stage import NOW, Stage, key, person, register
from tests.workspace import bare_project
from tidings.delivery.claim import LEASE_SECONDS
from tidings.ledger import consents
from tidings.ledger import messages as noun
from tidings.ledger.database import Ledger, database_time
from tidings.ledger.persons import merge_persons
from tidings.ledger.plans import counts_of
from tidings.ledger.tables import messages, plans
from tidings.model.delivery import EventKind, Outcome, Outgoing, ProviderEvent
from tidings.verbs.approve import approve
from tidings.verbs.deliver import deliver
from tidings.verbs.tick import tick
from tidings.verbs.track import track

PEOPLE, CAP, WITHIN = 6, 2, timedelta(days=3)

# What the provider does with a message → whether it takes it, and what it says; None ends the worker.
ANSWERS: dict[str, tuple[bool, str | None]] = {
    "accepted": (True, "accepted"),
    "refused": (False, "refused"),
    "again later": (False, "later"),
    "taken, nobody knows": (True, "unknown"),
    "not taken, nobody knows": (False, "unknown"),
    "killed before": (False, None),
    "killed after": (True, None),
    "after the lease": (True, "accepted"),
}
FINAL = ("accepted", "refused", "skipped", "expired", "withheld")
answers = st.lists(st.sampled_from(sorted(ANSWERS)), min_size=1, max_size=4)
numbers = st.integers(1, PEOPLE)


class _Killed(BaseException):
    """The worker's end, in place of SIGKILL: nothing that comes after it is done."""


class Delivery(RuleBasedStateMachine):
    """Six people, a campaign that is sent at once and one whose plans somebody looks at."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="tidings-machine-"))
        copy_sqlite(self.folder)
        project = bare_project(self.folder, ledger={"url": SQLITE}, allow=["*"])
        self.ledger = Ledger.open(project)
        self.stage = Stage.lay(project, self.ledger)
        register(self.stage, self.answer)
        self.stage.settings(caps={"email": {"max": CAP, "within": "3d"}})
        self.now, self.occasions, self.events = NOW, 0, 0
        self.script: list[str] = ["accepted"]
        self.log: list[Arrival] = []
        self.counted: list[tuple[str, datetime]] = []
        self.offered: list[str] = []
        self.closed: set[str] = set()
        self.told: set[str] = set()
        self.before: dict[str, str] = {}
        self.merged: dict[int, int] = {}

    def teardown(self) -> None:
        self.ledger.close()
        shutil.rmtree(self.folder)

    def answer(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        """The provider: it follows the script, and keeps its log."""
        said = []
        for one in batch:
            word = self.script[len(self.offered) % len(self.script)]
            took, status = ANSWERS[word]
            assert one.to not in self.closed, "sent to somebody who wants nothing (R24, R25)"
            if status not in ("refused", "later"):
                recent = [at for to, at in self.counted if to == one.to and at > self.now - WITHIN]
                assert len(recent) < CAP, "more than the cap allows (R19, R38)"
                self.counted.append((one.to, self.now))
            self.offered.append(one.send_key)
            self.log += [Arrival(one.send_key, one.to)] * took
            if word == "after the lease":
                self.recover()
            if status is None:
                raise _Killed
            said.append(Outcome.model_validate({"send_key": one.send_key, "status": status, "detail": word}))
        return said

    @initialize()
    def begin(self) -> None:
        """A first refresh, and two live campaigns."""
        steps = [SEND | {"expires": "6d"}]
        self.stage.add(campaign(approval="none", steps=steps))
        self.stage.add(campaign(campaign="looked_at", approval="plan", steps=steps, holdout={"share": "30%"}))
        self.refresh()

    @rule(name=st.sampled_from(["letter", "looked_at"]))
    def plan(self, name: str) -> None:
        """A new occasion; planning it twice adds nothing (R01)."""
        self.occasions += 1
        for _ in range(2):
            self.stage.plan(name, self.now, occasion=f"o{self.occasions}")
            rows = len(self.stage.rows())
        self.stage.plan(name, self.now, occasion=f"o{self.occasions}")
        assert rows == len(self.stage.rows())

    @rule(script=answers)
    def send(self, script: list[str]) -> None:
        """A worker delivers, and the provider does with each message as the script says."""
        self._provide()
        self._deliver(script)

    @rule(script=answers)
    def clock_ticks(self, script: list[str]) -> None:
        """The same with recovery before it and expiry in it."""
        self._provide()
        self.script = script
        with suppress(_Killed):
            tick(self.stage.project, self.now)

    @rule(size=st.integers(1, 4))
    def claim_and_die(self, size: int) -> None:
        """A worker that is killed between its commit and the first byte."""
        self._provide()
        taken = self.stage.claim(size, self.now)
        rows = [row for group in taken.sending.values() for row in group]
        self.counted += [(row["address"], self.now) for row in rows]

    @rule()
    def recover(self) -> None:
        """Every lease has ended (R05)."""
        with self.ledger.write() as connection:
            noun.recover(connection, database_time(connection) + 2 * LEASE_SECONDS)

    @rule(hours=st.sampled_from([-24, 1, 24, 24 * 7]))
    def clock_step(self, hours: int) -> None:
        """The clock is set a day back or forward, or time passes (R19)."""
        self.now += timedelta(hours=hours)

    @rule()
    def expire(self) -> None:
        """What was not sent in time is not sent any more."""
        with self.ledger.write() as connection:
            noun.expire(connection, self.now)

    @precondition(lambda self: self.log)
    @rule(
        kind=st.sampled_from(["accepted", "delivered", "deferred", "opened", "clicked"]),
        index=st.integers(0, 99),
        again=st.booleans(),
    )
    def event(self, kind: EventKind, index: int, again: bool) -> None:
        """The provider tells something of a message that it took, perhaps a second time (R08, R43)."""
        self._tell(index, kind)
        if again:
            self.events -= 1
            self._tell(index, kind)

    @precondition(lambda self: self.log)
    @rule(kind=st.sampled_from(["bounced", "complained", "unsubscribed"]), index=st.integers(0, 99))
    def stopping_event(self, kind: EventKind, index: int) -> None:
        """An address that takes nothing, a complaint, a click on the link: nothing more goes there (R24).

        Also not what was planned before.
        """
        self.plan("letter")
        self.closed.add(self._tell(index, kind).to)

    @precondition(lambda self: self._waiting())
    @rule(yes=st.booleans(), index=st.integers(0, 9))
    def somebody_decides(self, yes: bool, index: int) -> None:
        """A plan that waits is approved or rejected."""
        waiting = self._waiting()
        plan = waiting[index % len(waiting)]
        approve(self.stage.project, "looked_at", self.now, who="lan", hash_=plan.plan_hash, reject=not yes)
        # A rejected plan's messages are gone, and with them what was known of them.
        self.before = {}

    @rule(younger=numbers, older=numbers)
    def merge(self, younger: int, older: int) -> None:
        """Two persons turn out to be one (R65)."""
        if older < younger and not {younger, older} & {*self.merged, *self.merged.values()}:
            with self.ledger.write() as connection:
                merge_persons(connection, [(_key(younger), _key(older))], self.now)
            self.merged[younger] = older
            self.refresh()

    @rule()
    def refresh(self) -> None:
        """Another snapshot, with the profiles of a merged person under one key."""
        rows = []
        for one in range(1, PEOPLE + 1):
            heir = self.merged.get(one)
            rows.append(person(one, person_key=_key(heir or one), represents=heir is None))
        self.stage.people(rows, self.now)

    @rule(number=st.sampled_from([PEOPLE - 1, PEOPLE]))
    def withdraw(self, number: int) -> None:
        """Somebody says on the phone that they want nothing more (R25)."""
        row = {"person_key": _key(self.merged.get(number, number)), "channel": "email", "purpose": "marketing"}
        row |= {"state": "withdrawn", "recorded_at": self.now, "expires_at": None, "source": "phone"}
        with self.ledger.write() as connection:
            consents.append(connection, row)
        self.closed.add(person(number)["email"])

    @rule()
    def pause(self) -> None:
        """A paused campaign sends nothing; when it goes on, nothing twice (R18)."""
        self._provide()
        offered = len(self.offered)
        found = self.stage.campaigns["letter"]
        self.stage.add(found.model_copy(update={"status": "paused"}))
        keys = {row["send_key"] for row in self.stage.rows() if row["campaign"] == "letter"}
        self._deliver(["accepted"])
        assert not keys & set(self.offered[offered:])
        self.stage.add(found)

    @invariant()
    def the_promise_holds(self) -> None:
        """Nothing twice, nothing lost, nothing denied, all accounted for: R01, R03, R04."""
        with self.ledger.read() as connection:
            rows = [dict(row) for row in connection.execute(select(messages)).mappings()]
            made = [plan for plan in connection.execute(select(plans)).all() if plan.state != "rejected"]
        counts = {plan.plan_id: counts_of(plan) for plan in made}
        assert [] == findings(Evidence(self.log, rows, counts))
        states = {row["send_key"]: row["state"] for row in rows}
        assert [] == [key for key in self.told if states[key] in ("sending", "in_doubt")]
        changed = {key: (old, states[key]) for key, old in self.before.items() if states[key] != old}
        assert {} == {key: pair for key, pair in changed.items() if pair[0] in FINAL}, "what was final has changed"
        assert {} == {key: pair for key, pair in changed.items() if pair == ("in_doubt", "planned")}, "R05"
        self.before = states

    def _deliver(self, script: list[str]) -> None:
        self.script = script
        with suppress(_Killed):
            deliver(self.stage.project, self.now)

    def _provide(self) -> None:
        """Something to send: of the rules that Hypothesis draws, few would otherwise find anything."""
        if not any(row["state"] == "planned" and row["not_before"] <= self.now for row in self.stage.rows()):
            self.plan("letter")

    def _tell(self, index: int, kind: EventKind) -> Arrival:
        arrival = self.log[index % len(self.log)]
        self.events += 1
        event: dict[str, Any] = {"provider": "scripted", "event_id": f"{kind}-{self.events}", "kind": kind}
        event |= {"occurred_at": self.now, "send_key": arrival.send_key, "permanent": kind == "bounced"}
        track(self.stage.project, [ProviderEvent.model_validate(event)], self.now)
        self.told.add(arrival.send_key)
        return arrival

    def _waiting(self) -> list[Any]:
        with self.ledger.read() as connection:
            here = (plans.c.state == "ready") & (plans.c.campaign == "looked_at")
            return list(connection.execute(select(plans).where(here).order_by(plans.c.created_at)))


def _key(number: int) -> str:
    return key(number * 2**108)


TestDelivery = Delivery.TestCase
TestDelivery.settings = settings(max_examples=12, stateful_step_count=24)
