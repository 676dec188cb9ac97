"""What a campaign's report is made from, and which occasion a report is due for."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row

from tidings.clock import zone
from tidings.ledger import messages, plans, reports
from tidings.ledger.snapshots import find_current, summary
from tidings.measurement.outcomes import measure_campaign
from tidings.model.campaign import Campaign, Goal
from tidings.model.counts import PlanCounts
from tidings.planning.program import enrols
from tidings.project import Project

INTERIM = "interim:"


def report_facts(
    project: Project, campaign: Campaign, connection: Connection, now: datetime, occasion: str | None = None
) -> dict[str, Any]:
    """The mapping of reports.facts.Facts, read from the ledger and the warehouse; the last plan is the occasion's."""
    settings = project.settings
    snapshot = find_current(connection, project.root)
    made = [
        row for row in plans.list_plans(connection, campaign.campaign) if not row.occasion.startswith(plans.FOLLOW_UP)
    ]
    names = [row.occasion for row in made]
    return {
        "campaign": campaign,
        "measure": measure_campaign(project, campaign, connection, now) if campaign.goal else None,
        "plans": [
            {
                "occasion": row.occasion,
                "step": None,
                "counts": PlanCounts.model_validate(plans.counts_of(row)),
                "states": messages.states(connection, plan_id=row.plan_id),
            }
            for row in (made[: names.index(occasion) + 1] if occasion in names else made)
        ],
        "states": messages.states(connection, campaign.campaign),
        "currency": settings.base_currency,
        "locale": settings.locale,
        "timezone": campaign.timezone or settings.timezone,
        "brand": settings.brand.model_dump(),
        "as_of": now,
        "quarantined": summary(connection, snapshot.snapshot_id).get("quarantined", {}) if snapshot else {},
    }


def due_occasion(project: Project, campaign: Campaign, connection: Connection, now: datetime) -> str | None:
    """The oldest occasion whose goal window has closed and that no report was sent of; None where there is none.

    A flow takes people in every day: where anybody's window has closed since its last report, it is the ISO week.
    """
    if campaign.goal is None:
        return None
    closed = _closed(connection, campaign, campaign.goal, now)
    reported = reports.of_campaign(connection, campaign.campaign)
    if not enrols(campaign):
        return next((row.occasion for row in closed if row.occasion not in reported), None)
    last = max(reported.values(), default=None)
    year, week, _ = now.astimezone(_zone(project, campaign)).isocalendar()
    name = f"{year}-W{week:02d}"
    since = [row for row in closed if last is None or row.created_at + campaign.goal.within > last]
    return name if name not in reported and any(map(_reached, since)) else None


def report_occasion(project: Project, campaign: Campaign, connection: Connection, now: datetime) -> str:
    """The occasion of a report that is asked for: the one due, else the last reported, else interim, of the day."""
    due = due_occasion(project, campaign, connection, now)
    if due is not None:
        return due
    reported = reports.of_campaign(connection, campaign.campaign) if campaign.goal else {}
    past = [occasion for occasion in reported if not occasion.startswith(INTERIM)]
    day = now.astimezone(_zone(project, campaign)).date()
    return past[-1] if past else f"{INTERIM}{day.isoformat()}"


def _closed(connection: Connection, campaign: Campaign, goal: Goal, now: datetime) -> list[Row[Any]]:
    """Released plans whose window is over, oldest first."""
    found = plans.list_plans(connection, campaign.campaign)
    return [row for row in found if row.state in plans.RELEASED and row.created_at + goal.within <= now]


def _reached(plan: Row[Any]) -> bool:
    """Whether the plan has a message for anybody, sent or held out."""
    counts = PlanCounts.model_validate(plans.counts_of(plan))
    return counts.planned + counts.withheld > 0


def _zone(project: Project, campaign: Campaign) -> ZoneInfo:
    return zone(campaign.timezone or project.settings.timezone)
