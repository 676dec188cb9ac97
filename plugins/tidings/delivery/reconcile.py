"""What providers know by now: events that wait to be fetched, and of messages in doubt (R08, R09)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from tidings.delivery.route import make_provider
from tidings.ledger import bookmarks, messages
from tidings.ledger.database import Ledger
from tidings.model.delivery import Outcome, ProviderEvent, Schedule
from tidings.model.seams import Provider
from tidings.project import Project

ASKED = 1000
_GIVEN_UP = ("in_doubt", "given_up")
ENDS = {"at_most_once": _GIVEN_UP, "cancel_in_doubt": _GIVEN_UP, "at_least_once": ("planned", "once_more")}
KNOWN = {"accepted": "accepted", "refused": "refused"}
log = logging.getLogger(__name__)


class Back(NamedTuple):
    """What came back, and how far each provider has read, where that has changed."""

    events: list[ProviderEvent]
    bookmarks: dict[str, str | None]


def reconcile(project: Project, ledger: Ledger, now: datetime) -> int:
    """Settle what a provider discards or knows, then what is in doubt for longer than `doubt.horizon`; how many.

    What is given up stays in doubt: it counts as sent, and nobody gets it again. `ask` leaves it to a person.
    """
    horizon = now - project.settings.doubt.horizon
    settled = _cancel(project, ledger, now)
    with ledger.read() as connection:
        waiting = messages.doubtful(connection, horizon, ASKED)
    settled += _settle(ledger, asyncio.run(_look_up(project, waiting))) if waiting else 0
    for campaign in project.campaigns.values():
        if (end := ENDS.get(campaign.guarantee)) is not None:
            with ledger.write() as connection:
                settled += messages.end_doubt(connection, campaign.campaign, horizon, *end, now)
    return settled


def collect(project: Project, ledger: Ledger, now: datetime) -> Back:
    """What waits at the providers that the channels name; one that fails is logged, and asked again next time."""
    with ledger.read() as connection:
        marks = bookmarks.load(connection)
    back = Back([], {})
    for name in sorted({name for how in project.settings.channels.values() for name in how.providers}):
        # Most have nothing to fetch, and making one may need a secret.
        if project.plugins.providers[name].collect is Provider.collect:
            continue
        try:
            provider = make_provider(project, name)
            provider.bookmark = marks.get(name)
            back.events.extend(provider.collect(now))
            if provider.bookmark != marks.get(name):
                back.bookmarks[name] = provider.bookmark
        except Exception:
            log.exception("what came back to %s was not read", name)
    return back


def _cancel(project: Project, ledger: Ledger, now: datetime) -> int:
    """Take back what is in doubt and can still be cancelled (R10); without a confirmation doubt stays doubt."""
    with ledger.read() as connection:
        open_ones = messages.cancellable(connection, now)
    taken = 0
    for name, schedules in open_ones.items():
        for schedule in asyncio.run(_confirmed(project, name, schedules, now)):
            taken += ledger.transact(partial(messages.take_back, provider=name, schedule=schedule, now=now))
    return taken


async def _confirmed(project: Project, name: str, schedules: Sequence[Schedule], now: datetime) -> list[Schedule]:
    try:
        provider = make_provider(project, name)
        try:
            return [schedule for schedule in schedules if await provider.cancel(schedule, now)]
        finally:
            await provider.close()
    except Exception:
        log.exception("%s did not say whether it discards what is in doubt", name)
        return []


async def _look_up(project: Project, waiting: Sequence[Any]) -> dict[int, Outcome]:
    """message id → what its provider knows of it; one that cannot be asked is asked next time."""
    by_provider: dict[str, dict[str, int]] = {}
    for row in waiting:
        by_provider.setdefault(row.provider, {})[row.send_key] = row.id
    found: dict[int, Outcome] = {}
    for name, ids in by_provider.items():
        try:
            provider = make_provider(project, name)
            try:
                outcomes = await provider.lookup(list(ids))
            finally:
                await provider.close()
        except Exception:
            log.exception("%s was not asked about what is in doubt", name)
            continue
        found |= {ids[one.send_key]: one for one in outcomes if one.send_key in ids and one.status in KNOWN}
    return found


def _settle(ledger: Ledger, found: Mapping[int, Outcome]) -> int:
    rows = [{"id": message, "state": KNOWN[one.status], "reason": "looked_up"} for message, one in found.items()]
    ledger.transact(lambda connection: messages.settle_doubt(connection, rows))
    return len(rows)
