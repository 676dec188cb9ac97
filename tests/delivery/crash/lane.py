"""One ledger and one provider under kills: plan, kill, step the clock, tell the truth now and then, judge."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import select as query
from sqlalchemy import text, update

from tests.databases import SQLITE, copy_sqlite, new_postgres
from tests.delivery.crash.cells import FAULTS, RECOVERY, Cell, Stop
from tests.delivery.crash.doubles import DOUBLES
from tests.delivery.crash.judge import UNSETTLED, Evidence, Silence, findings, in_doubt
from tests.delivery.crash.killer import PATIENCE, Killer
from tests.delivery.crash.workspace import BATCH, CAMPAIGNS, Place
from tests.stage import NOW, Stage, person
from tests.waiting import wait_until
from tidings.delivery.claim import LEASE_SECONDS
from tidings.ledger import contacts, plans
from tidings.ledger.database import Ledger
from tidings.ledger.tables import contacts as contacts_table
from tidings.ledger.tables import messages
from tidings.ledger.tables import plans as plans_table
from tidings.verbs.track import track

PEOPLE = 160
SUPPRESSED = 3  # people of each plan
TOLD = 0.1  # how often the provider's events come between two kills
_OPENING = Lock()  # a ledger looks for its migrations when it opens, and Alembic does that in one thread only
ODD = {f"c{number}@example.com" for number in range(1, PEOPLE + 1, 2)}


@dataclass
class Report:
    """What one lane went through."""

    kills: Counter[Cell] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    messages: int = 0
    arrived: int = 0
    in_doubt: int = 0
    in_doubt_told: int = 0
    never_taken: int = 0
    states: Counter[str] = field(default_factory=Counter)


class Lane:
    """A context manager; one worker at a time unless a method says otherwise."""

    def __init__(self, folder: Path, kind: str, provider: str, seed: int, *, cap: int | None = None) -> None:
        self.rng = random.Random(f"{seed} {kind} {provider}")
        self.kind, self.provider, self.cap = kind, provider, cap
        self.mutant: str | None = None
        self.report = Report()
        self.now = NOW
        self._folder = folder
        # Here, because lanes are made one after the other and entered side by side.
        self._url = SQLITE if kind == "sqlite" else new_postgres()
        self._silences: list[Silence] = []
        self._left_open: list[tuple[int, int]] = []
        self._earlier: tuple[frozenset[str], int] = (frozenset(), 0)
        self._plans = 0

    def __enter__(self) -> Lane:
        root = self._folder / "workspace"
        root.mkdir(parents=True)
        if self.kind == "sqlite":
            with _OPENING:
                copy_sqlite(root)
        self.double = DOUBLES[self.provider](self._folder / "inbox")
        self.double.start()
        place = Place(str(root), self._url, self.provider, self.double.endpoint, *([self.cap] if self.cap else []))
        # Planned without a cap: both plans are there before either is sent, so only the claim can keep to it.
        self.project = place._replace(cap=Place._field_defaults["cap"]).project()
        with _OPENING:
            self.ledger = Ledger.open(self.project)
        self.stage = Stage.lay(self.project, self.ledger)
        self.stage.people([person(number, person_key=_spread(number)) for number in range(1, PEOPLE + 1)])
        self.killer = Killer(place, self._folder / "nursery.log")
        if not self.cap:
            self.plan()
        self.killer.warm_up(self.now)
        return self

    def __exit__(self, *_: object) -> None:
        self.killer.close()
        self.ledger.close()
        self.double.stop()

    def begin(self, mutant: str | None = None) -> None:
        """From now on workers carry this mutant; what was judged before is not judged again.

        It is two days later, so that no cap counts what came before either.
        """
        self.mutant = mutant
        self.now += timedelta(days=2)
        self.report, self._silences, self._left_open = Report(), [], []
        with self.ledger.read() as connection:
            made = frozenset(connection.execute(query(plans_table.c.plan_id)).scalars())
        self._earlier = made, len(self.double.arrivals())

    def run(self, cells: Sequence[Cell]) -> None:
        """Kill a worker in each of these cells, in an order that the seed draws; no more once one fails by itself."""
        left = list(cells)
        self.rng.shuffle(left)
        while left and not self.killer.failed:
            something = bool(self._open())
            fit = (n for n, cell in enumerate(left) if something or cell.stop not in RECOVERY)
            number = next(fit, None)
            if number is None:
                # Who is to be killed in recovery needs something to recover.
                self.kill(Cell(Stop.CLAIMED, left[0].fault))
            elif self.kill(left[number]):
                left.pop(number)
            if self.rng.random() < TOLD:
                self.tell()

    def kill(self, cell: Cell) -> bool:
        """One worker, killed; False where it ended before it came to its point, because nothing was left to do."""
        self._provide(cell)
        self._fail(cell.fault)
        before = self._open()
        nth = self.rng.randint(1, 2) if cell.stop in (Stop.MIDDLE, Stop.UNREAD) else 1
        [worker] = self.killer.start([self._spec(cell.stop, nth)])
        killed = self.killer.wait_for_stop(worker, self._pause(cell.stop))
        self.killer.kill(worker)
        self._wait_for_rollback()
        self.now += timedelta(seconds=1)
        if killed:
            self._left_open.append((len(self._open() - before), BATCH))
            self.report.kills[cell] += 1
        return killed

    def race(self, repeats: int) -> None:
        """Two workers that claim at the same moments, on the same part of one plan, so many times (R11)."""
        plan_id = self.plan()
        for number in range(repeats):
            spec = self._spec(None, 1, plan_id=plan_id, shard=(number, repeats))
            self.killer.start([spec, spec])
            self.killer.wait_for_ends()

    def race_for_the_cap(self) -> None:
        """Two workers, each with another campaign's plan for the same people (R38)."""
        made = [self.plan(name) for name in CAMPAIGNS]
        self.killer.start([self._spec(None, 1, plan_id=plan_id) for plan_id in made])
        self.killer.wait_for_ends()

    def kill_two(self, repeats: int) -> None:
        """Two workers over one plan, both killed at some time: twice the batch may be left open (R14)."""
        for _ in range(repeats):
            self._provide(Cell(Stop.ANY, "none"))
            self._expire_leases()
            before = self._open()
            workers = self.killer.start([self._spec(Stop.ANY, 1)] * 2)
            killed = [self.killer.wait_for_stop(worker, self._pause(Stop.ANY)) for worker in workers]
            for worker in workers:
                self.killer.kill(worker)
            self._wait_for_rollback()
            self._left_open.append((len(self._open() - before), 2 * BATCH))
            self.report.kills[Cell(Stop.ANY, "two workers")] += all(killed)

    def tell(self) -> None:
        """Events about everything unsettled that the provider took; nothing about what it never got."""
        unsettled = {row["send_key"] for row in self._rows() if row["state"] in UNSETTLED}
        took = {one.send_key: one for one in self.double.arrivals() if one.send_key in unsettled}
        if took:
            with _OPENING:
                track(self.project, self.double.events(list(took.values()), self.now), self.now)

    def finish(self) -> Report:
        """Let a whole worker finish what is left, judge before and after the truth is told, and count."""
        self.double.fail({})
        for _ in range(5):
            # Longer than any retry waits; nothing expires in this time.
            self.now += timedelta(hours=2)
            self._expire_leases()
            self.killer.start([self._spec(None, 1)])
            self.killer.wait_for_ends()
            if not {"planned", "sending"} & self._states().keys():
                break
        before = self._evidence()
        self.tell()
        after = self._evidence()
        known, never = in_doubt(after)
        found = [*findings(before), *(one for one in findings(after) if one not in findings(before))]
        found += [f"{state}: {number}" for state, number in self._states().items() if state in ("planned", "sending")]
        found += [f"in doubt after truthful events: {known}"] * bool(known)
        found += [f"workers that failed: {self.killer.failed}"] * bool(self.killer.failed)
        self.report.findings = found
        self.report.messages, self.report.arrived = len(after.rows), len(after.log)
        self.report.in_doubt, self.report.in_doubt_told = sum(in_doubt(before)), in_doubt(before)[0]
        self.report.never_taken = never
        self.report.states = self._states()
        return self.report

    def plan(self, name: str = CAMPAIGNS[0]) -> str:
        """A new occasion of a campaign for everybody; a few of them are suppressed after it was planned."""
        self._plans += 1
        with _OPENING:
            plan_id = self.stage.plan(name, self.now, occasion=f"crash-{self._plans}").plan_id
        self._lift_suppressions()
        if not self.cap:
            self._suppress()
        return str(plan_id)

    def _provide(self, cell: Cell) -> None:
        """Enough planned messages to come to the cell, whatever the faults make of the first of them."""
        due = self._states(due=True)["planned"]
        if due < 4 * BATCH:
            self.plan()
            if self.provider == "sendgrid":
                self.double.stop()  # or its silent requests would pile up, a thread each
                self.double.start()
        self._expire_leases()

    def _fail(self, fault: str) -> None:
        kinds = FAULTS[self.provider][fault]
        self.double.fail(dict.fromkeys(ODD, self.rng.choice(kinds)) if kinds else {})

    def _pause(self, stop: Stop) -> float:
        """Seconds between the worker's word and its end."""
        return self.rng.uniform(0, {Stop.ANY: 0.15, Stop.UNREAD: 0.02}.get(stop, 0.0))

    def _spec(self, stop: Stop | None, nth: int, **scope: Any) -> dict[str, Any]:
        return {"stop": stop, "nth": nth, "scope": scope, "mutant": self.mutant, "now": self.now.isoformat()}

    def _expire_leases(self) -> None:
        """Leases count on the database's own clock, which nobody here can turn: their five minutes are over."""
        with self.ledger.write() as connection:
            here = messages.c.state == "sending"
            passed = messages.c.lease_until - 2 * LEASE_SECONDS
            connection.execute(update(messages).where(here).values(lease_until=passed))

    def _wait_for_rollback(self) -> None:
        """PostgreSQL notices a moment later that a client is gone."""
        if self.kind == "postgresql":
            others = text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'"
            )

            def alone() -> bool:
                with self.ledger.read() as connection:
                    return connection.execute(others).scalar() == 0

            wait_until(alone, PATIENCE, every=0.002, what="the end of the dead worker's transaction")

    def _suppress(self) -> None:
        planned = [row for row in self._rows() if row["state"] == "planned" and not row["tries"]]
        since = self._taken()
        with self.ledger.write() as connection:
            for row in self.rng.sample(planned, SUPPRESSED):
                contacts.suppress(connection, "email", row["address_key"], self.now, "hard_bounce")
                self._silences.append(Silence(f"c{int(row['customer_id'][1:])}@example.com", since))

    def _taken(self) -> int:
        """How many messages the provider has taken of what is judged."""
        return len(self.double.arrivals()) - self._earlier[1]

    def _lift_suppressions(self) -> None:
        """Or, after a thousand plans, nobody would be left."""
        until = self._taken()
        self._silences = [one if one.until is not None else one._replace(until=until) for one in self._silences]
        with self.ledger.write() as connection:
            connection.execute(update(contacts_table).values(suppressed_at=None, cause=None))

    def _open(self) -> set[str]:
        with self.ledger.read() as connection:
            here = query(messages.c.send_key).where(messages.c.state == "sending")
            return set(connection.execute(here).scalars())

    def _rows(self) -> list[dict[str, Any]]:
        columns = ("send_key", "state", "plan_id", "customer_id", "address_key", "tries")
        with self.ledger.read() as connection:
            found = connection.execute(query(*(messages.c[name] for name in columns)))
            return [dict(row) for row in found.mappings()]

    def _states(self, *, due: bool = False) -> Counter[str]:
        with self.ledger.read() as connection:
            found = query(messages.c.state)
            if due:
                found = found.where(messages.c.state == "planned", messages.c.not_before <= self.now)
            return Counter(connection.execute(found).scalars())

    def _evidence(self) -> Evidence:
        with self.ledger.read() as connection:
            held = connection.execute(query(plans_table)).all()
        made, taken = self._earlier
        return Evidence(
            log=self.double.arrivals()[taken:],
            rows=[row for row in self._rows() if row["plan_id"] not in made],
            counts={plan.plan_id: plans.counts_of(plan) for plan in held if plan.plan_id not in made},
            silences=self._silences,
            cap=self.cap,
            left_open=self._left_open,
        )


def _spread(number: int) -> str:
    """A person's key: in order of nothing, so that shards are of a size."""
    return f"{number * 2_654_435_761 % 2**32:08x}" + "5" * 24
