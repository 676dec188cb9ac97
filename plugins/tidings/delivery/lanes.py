"""How fast, and whether at all, messages leave by a provider to a group of domains (R18, R58, R59)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection

from tidings.clock import zone
from tidings.ledger import lanes
from tidings.ledger.lanes import ALL, Key
from tidings.project import Project
from tidings.settings import USUAL_LANE, Lane, WarmUp

OTHER, ANY = "other", "any"
BURST = 1.0  # seconds of its rate that may leave at once: a claim takes whole batches
PAUSED_FOR = timedelta(minutes=1)
PACED, PAUSED, WARM_UP = "paced", "paused", "warm_up"


def lane_of(project: Project, provider: str, address: str) -> Key:
    """The provider and the group of the address's domain; a phone number's is `other`."""
    domain = address.rpartition("@")[2].lower()
    groups = project.settings.lanes.get(provider, USUAL_LANE).domains
    return provider, next((name for name, domains in groups.items() if domain in domains), OTHER)


def rate_of(lane: Lane, group: str) -> float | None:
    """Messages a second to a group of domains; None for as many as the provider takes."""
    return lane.rates.get(group, lane.rates.get(ANY))


def daily_limit(ramp: WarmUp, day: date) -> int | None:
    """How many messages a sender may let go on a day of its warm-up; None when that is over."""
    passed = max(0, (day - ramp.start).days)
    # A growth is at most 100 %: after a thousand days the power still fits a float, and the ramp is long over.
    limit = ramp.first_day * (1 + ramp.growth) ** min(passed, 1000)
    return None if limit > ramp.until else int(limit)


class Lanes:
    """The lanes of one claim: locked, asked message by message, and written at its end."""

    def __init__(
        self, connection: Connection, project: Project, keys: Iterable[Key], now: datetime, database_now: float
    ) -> None:
        self.settings = project.settings.lanes
        self.now, self.database_now = now, database_now
        here = zone(project.settings.timezone)
        self.day = now.astimezone(here).date()
        self.tomorrow = datetime.combine(self.day + timedelta(days=1), time(), here).astimezone(UTC)
        self.stopped = lanes.paused(connection)
        self.rows = {key: lanes.on_day(row._mapping, self.day) for key, row in lanes.lock(connection, keys).items()}

    def wait(self, key: Key, row: Mapping[str, Any]) -> tuple[str, datetime] | None:
        """None where the message may leave now, and is counted; else why not, and from when on it may be asked again.

        Two schedules (GCRA, the generic cell rate algorithm of ITU-T I.371): `queue_at` gives each message that must
        wait a place once, `free_at` lets no more leave than the rate, however late a worker comes to those that wait.
        """
        provider, group = key
        if self.stopped.keys() & {key, (provider, ALL), (ALL, ALL)}:
            return PAUSED, self.now + PAUSED_FOR
        lane, state = self.settings.get(provider, USUAL_LANE), self.rows[key]
        limit = daily_limit(lane.warm_up, self.day) if lane.warm_up else None
        # The ramp is the provider's, all groups together.
        if limit is not None and sum(each["today"] for (by, _), each in self.rows.items() if by == provider) >= limit:
            return WARM_UP, self.tomorrow
        rate = rate_of(lane, group)
        if rate is not None:
            its_turn = row["reason"] == PACED
            free, queue = max(state["free_at"], self.database_now), max(state["queue_at"], self.database_now)
            latest = self.database_now + BURST
            if free > latest or (queue > latest and not its_turn):
                place = max(free, queue)
                state["queue_at"] = place + 1 / rate
                return PACED, self.now + timedelta(seconds=place - self.database_now)
            state["free_at"] = free + 1 / rate
            state["queue_at"] = queue if its_turn else queue + 1 / rate
        state["today"] += 1
        state["sent"] += 1
        return None

    def write(self, connection: Connection) -> None:
        """Keep what was counted."""
        lanes.write(connection, list(self.rows.values()))


def keys_of(project: Project, keys: Iterable[Key]) -> set[Key]:
    """The lanes to lock for these: of a provider that warms up all its groups, for its limit counts them together."""
    found = set(keys)
    for provider in {provider for provider, _ in found}:
        lane = project.settings.lanes.get(provider, USUAL_LANE)
        if lane.warm_up:
            found |= {(provider, group) for group in (*lane.domains, OTHER)}
    return found
