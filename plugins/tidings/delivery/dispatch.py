"""The one dispatcher: claim a batch, render, hand it to the provider, settle; until nothing is due."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from tidings.clock import Running, is_typed
from tidings.delivery.claim import Claimed, Scope, claim
from tidings.delivery.handover import hand_over, hand_over_cancellable, outcome, said
from tidings.delivery.message import Writer
from tidings.delivery.route import check_time, make_provider, real_providers
from tidings.errors import TidingsError
from tidings.ledger import messages
from tidings.ledger.chunks import chunks
from tidings.ledger.database import Ledger
from tidings.ledger.head import advance, refuse_old
from tidings.ledger.journal import Journal
from tidings.ledger.snapshots import current_snapshot
from tidings.ledger.words import plain
from tidings.model.counts import DeliverShape
from tidings.model.delivery import Outcome, Outgoing, Schedule
from tidings.model.run import Run
from tidings.model.seams import Provider
from tidings.planning.links import signer
from tidings.planning.people import Contacts, load_contacts
from tidings.project import Project

RETRY, LONGEST_RETRY = timedelta(minutes=5), timedelta(hours=1)
CAUSES = 5
LINGER, AT_LEAST = timedelta(seconds=30), 0.1  # a tick comes every five minutes; a claim for each message would cost
LONGEST_WAIT = timedelta(days=30)  # longer than a message lives, whatever a provider asks for
log = logging.getLogger(__name__)

# What a ledger that was put back has to be told of a message; no address, and nobody's name (R53).
JOURNALLED = (
    *("send_key", "campaign", "occasion", "step", "enrolment_id"),
    *("person_key", "channel", "purpose", "address_key"),
)
Tell = Callable[[DeliverShape], None]
STATES = {"accepted": "accepted", "refused": "refused", "unknown": "in_doubt"}


@dataclass
class Tally:
    """What one call did."""

    claimed: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    put_off: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    expired: int = 0

    def shape(self) -> DeliverShape:
        """What `deliver --json` prints."""
        return DeliverShape(
            claimed=self.claimed,
            accepted=self.outcomes["accepted"],
            refused=self.outcomes["refused"],
            later=self.outcomes["later"],
            in_doubt=self.outcomes["unknown"],
            skipped=dict(self.skipped),
            put_off=dict(self.put_off),
            causes=dict(self.causes.most_common(CAUSES)),
            expired=self.expired,
        )


class Dispatcher:
    """Holds what one call keeps between batches: contact columns, open providers, compiled templates."""

    def __init__(
        self, project: Project, ledger: Ledger, now: datetime, run: Run | None, tell: Tell | None = None
    ) -> None:
        self.tell = tell
        self.project = project
        self.ledger = ledger
        self.clock = Running(now)
        self.run = run
        self.signer = signer(project)
        self.journal = Journal.of(project)
        self.providers: dict[str, Provider] = {}
        self.writers: dict[str, Writer] = {}

    async def deliver(self, scope: Scope) -> Tally:
        """Send everything in the scope that is due."""
        tally = Tally()
        now = self.clock.now
        self._check_time(now)
        refuse_old(self.ledger, self.journal)
        with self.ledger.write() as connection:
            tally.expired = messages.expire(connection, now)
            if not messages.waiting(connection, now):
                return tally
        with self.ledger.read() as connection:
            addresses = load_contacts(current_snapshot(connection, self.project.root))
        try:
            while True:
                claimed = self._claim(addresses, scope)
                if claimed.seen == 0:
                    if not await self._turn():
                        return tally
                    continue
                tally.skipped += claimed.skipped
                tally.put_off += claimed.put_off
                for name, rows in claimed.sending.items():
                    tally.claimed += len(rows)
                    answers = await self._send(name, rows)
                    tally.outcomes += Counter(one.status for one in answers)
                    tally.causes += Counter(plain(one.detail, 100) for one in answers if one.status != "accepted")
                if self.tell is not None:
                    self.tell(tally.shape())
        finally:
            for name, provider in self.providers.items():
                try:
                    await provider.close()
                except Exception:
                    log.exception("%s failed to close; what it answered stands", name)

    def _claim(self, addresses: Contacts, scope: Scope) -> Claimed:
        now, size = self.clock.now, self.project.settings.delivery.batch

        def take(connection: Connection) -> tuple[Claimed, int]:
            claimed = claim(connection, self.project, addresses, now, scope, size, self.run)
            return claimed, advance(connection, self.journal) if claimed.sending else 0

        claimed, number = self.ledger.transact(take)
        if number:
            self._journal(claimed, number, now)
        return claimed

    def _journal(self, claimed: Claimed, number: int, now: datetime) -> None:
        """On disk before the first byte, once a batch; where the disk refuses, nothing has left and nothing does."""
        entries = [
            {"provider": name, **{column: row[column] for column in JOURNALLED}}
            for name, rows in claimed.sending.items()
            for row in rows
        ]
        try:
            self.journal.append("send", entries, now, number)
        except TidingsError:
            rows = [row for group in claimed.sending.values() for row in group]
            self._settle(rows, {row["send_key"]: outcome(row["send_key"], "later", "not journalled") for row in rows})
            raise

    async def _turn(self) -> bool:
        """Wait for the turn of the next message that is paced; False where it is too far off, or time stands still."""
        now = self.clock.now
        with self.ledger.read() as connection:
            turn = messages.next_turn(connection, now)
        if turn is None or turn - now > LINGER or is_typed(now):
            return False
        await asyncio.sleep(max((turn - now).total_seconds(), AT_LEAST))
        return True

    def _check_time(self, now: datetime) -> None:
        for name in real_providers(self.project):
            try:
                provider = self._provider(name)
            except Exception:  # noqa: BLE001, S112 - nothing leaves by it; the messages that ask for it say why
                continue
            check_time(provider, now)

    async def _send(self, name: str, rows: list[dict[str, Any]]) -> Collection[Outcome]:
        """Render and send one provider's part of a batch; write down, and return, what it said of each message."""
        ready: list[Outgoing] = []
        outcomes: dict[str, Outcome] = {}
        split = self._substitutes(name)
        for row in rows:
            try:
                ready.append(self._writer(row["plan_id"]).write(row, split=split))
            except Exception as error:  # noqa: BLE001 - one message that cannot be made keeps no other back
                # Nothing has left. What is wrong with the message stays wrong; a disk that is not there may come back.
                status = "refused" if isinstance(error, TidingsError) else "later"
                outcomes[row["send_key"]] = outcome(row["send_key"], status, f"not rendered: {said(error)}")
        if ready:
            outcomes |= await self._hand_over(name, ready, rows)
        self._settle(rows, outcomes)
        return outcomes.values()

    async def _hand_over(
        self, name: str, ready: Sequence[Outgoing], rows: Sequence[Mapping[str, Any]]
    ) -> dict[str, Outcome]:
        """The provider's outcomes; whatever it did not classify is unknown (R06)."""
        try:
            provider = self._provider(name)
        except Exception as error:  # noqa: BLE001 - nothing has left; a plugin's mistake is told and tried again
            return {one.send_key: outcome(one.send_key, "later", said(error)) for one in ready}
        outcomes: dict[str, Outcome] = {}
        waits = {row["send_key"]: row for row in rows if row["ahead"]}
        now, later = ([one for one in ready if (one.send_key in waits) is wait] for wait in (False, True))
        for batch in chunks(now, provider.max_batch):
            outcomes |= await hand_over(provider, batch)
        for batch in chunks(later, provider.max_batch):
            note = partial(self._note, [waits[one.send_key]["id"] for one in batch])
            ahead = waits[batch[0].send_key]["ahead"]
            outcomes |= await hand_over_cancellable(provider, batch, ahead, lambda: self.clock.now, note)
        return outcomes

    def _note(self, ids: Sequence[int], schedule: Schedule) -> None:
        self.ledger.transact(lambda connection: messages.note_schedule(connection, ids, schedule))

    def _settle(self, rows: Sequence[Mapping[str, Any]], outcomes: Mapping[str, Outcome]) -> None:
        settled, finished = [], []
        now = self.clock.now
        for row in rows:
            answer = outcomes[row["send_key"]]
            settled.append(self._settled(row, answer, now))
            finished.append(
                {
                    "id": row["id"],
                    "started_at": row["started_at"],
                    "outcome": answer.status,
                    "provider_id": plain(answer.provider_id or "", 250) or None,
                }
                | {"detail": plain(answer.detail, 500), "finished_at": now}
            )

        def write(connection: Connection) -> None:
            messages.settle(connection, settled)
            messages.finish_attempts(connection, finished)

        self.ledger.transact(write)

    def _settled(self, row: Mapping[str, Any], answer: Outcome, now: datetime) -> dict[str, Any]:
        same = {"id": row["id"], "tries": row["tries"] + 1, "not_before": row["not_before"]}
        same |= {"reason": plain(answer.detail, 100) or None}
        if answer.status != "later":
            return same | {"state": STATES[answer.status]}
        # An explicit refusal to be tried again: nothing left, so planned is the truth (R07) until the message expires.
        if row["refusals"] + 1 < len(self.project.settings.channels[row["channel"]].providers):
            return same | {"state": "planned", "not_before": now}  # the next provider may take it at once (R12)
        asked = answer.retry_after or timedelta()
        usual = min(RETRY * 2 ** min(row["tries"], 8), LONGEST_RETRY)
        wait = min(asked, LONGEST_WAIT) if asked > timedelta() else usual
        return same | {"state": "planned", "not_before": now + wait * (1 + _jitter(row["send_key"]))}

    def _provider(self, name: str) -> Provider:
        if name not in self.providers:
            self.providers[name] = make_provider(self.project, name)
        return self.providers[name]

    def _substitutes(self, name: str) -> bool:
        try:
            return self._provider(name).substitutes
        except Exception:  # noqa: BLE001 - handing over meets it again, and says it
            return False

    def _writer(self, plan_id: str) -> Writer:
        if plan_id not in self.writers:
            self.writers[plan_id] = Writer(self.project, plan_id, self.signer, self.clock.now)
        return self.writers[plan_id]


def dispatch(
    project: Project, ledger: Ledger, now: datetime, scope: Scope, run: Run | None = None, tell: Tell | None = None
) -> DeliverShape:
    """Run the dispatcher to its end; `tell` hears after each batch what has been done so far."""
    return asyncio.run(Dispatcher(project, ledger, now, run, tell).deliver(scope)).shape()


def _jitter(send_key: str) -> float:
    """Up to a quarter, from the random key: messages refused together do not come back together (R07)."""
    return int(send_key[:4], 16) / 0x10000 / 4
