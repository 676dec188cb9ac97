"""Twenty-one days in order: refresh, the campaigns that are due, ticks, reports, and what customers make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

from tidings.clock import zone
from tidings.demo.customers import DAYS, react
from tidings.demo.stage import Show
from tidings.ledger.database import Ledger
from tidings.model.campaign import Once
from tidings.planning.occasion import occasion_at
from tidings.project import Project

REFRESH, REPORT, TICKS = time(5), time(8, 30), (time(12), time(21, 30))


class Player(Protocol):
    """Runs a verb at a business time: through Airflow in the demo, directly in the soak."""

    def refresh(self, now: datetime) -> None:
        """A new snapshot."""

    def campaign(self, name: str, now: datetime) -> None:
        """plan, approve, deliver, measure."""

    def tick(self, now: datetime) -> None:
        """advance, deliver, settle, expire."""

    def report(self, now: datetime) -> None:
        """Reports that are due."""


@dataclass(frozen=True)
class Cue:
    """One thing to do at a time."""

    at: datetime
    what: str
    campaign: str | None = None


def cues(project: Project, day: date) -> list[Cue]:
    """What one day holds, in order of time."""
    here = zone(project.settings.timezone)

    def at(clock: time) -> datetime:
        return datetime.combine(day, clock, here).astimezone(UTC)

    found = [Cue(at(REFRESH), "refresh"), Cue(at(REPORT), "report"), *(Cue(at(clock), "tick") for clock in TICKS)]
    found += [Cue(due, "campaign", name) for name, due in _due(project, at(time(0)), at(time(23, 59)))]
    return sorted(found, key=lambda cue: (cue.at, cue.what, cue.campaign or ""))


def play(
    project: Project, show: Show, player: Player, done: Callable[[date], None], only: set[date] | None = None
) -> None:
    """Every simulated day (or only some); `done` hears of each."""
    here = zone(project.settings.timezone)
    for day in days(show):
        if only is not None and day not in only:
            continue
        for cue in cues(project, day):
            _run(player, cue)
        start = datetime.combine(day, time(), here).astimezone(UTC)
        end = datetime.combine(day + timedelta(days=1), time(), here).astimezone(UTC)
        with Ledger.open(project) as ledger:
            react(project, ledger, show.effects, show.seed, start, end)
        done(day)


def days(show: Show) -> Iterator[date]:
    """The simulated days."""
    return (show.first_day + timedelta(days=number) for number in range(DAYS))


def due_days(project: Project, campaign: str, show: Show) -> set[date]:
    """The simulated days on which a campaign runs."""
    return {day for day in days(show) if any(cue.campaign == campaign for cue in cues(project, day))}


def _run(player: Player, cue: Cue) -> None:
    if cue.campaign is not None:
        player.campaign(cue.campaign, cue.at)
    else:
        getattr(player, cue.what)(cue.at)


def _due(project: Project, start: datetime, end: datetime) -> Iterator[tuple[str, datetime]]:
    for name, campaign in sorted(project.campaigns.items()):
        if campaign.status == "live" and not isinstance(campaign.schedule, Once):
            due = occasion_at(campaign, project.settings.timezone, end, start).due_at
            if start <= due <= end:
                yield name, due
