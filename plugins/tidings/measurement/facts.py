"""What a campaign's report is made from, and which occasion a report is due for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from tidings.ledger import messages, plans
from tidings.ledger.snapshots import find_current, summary
from tidings.measurement.outcomes import measure_campaign
from tidings.model.campaign import Campaign
from tidings.model.counts import PlanCounts
from tidings.planning.program import enrols
from tidings.project import Project

FLOW_TICK = "due:"


def report_facts(project: Project, campaign: Campaign, connection: Connection, now: datetime) -> dict[str, Any]:
    """The mapping of reports.facts.Facts, read from the ledger and the warehouse."""
    settings = project.settings
    snapshot = find_current(connection, project.root)
    return {
        "campaign": campaign,
        "measure": measure_campaign(project, campaign, connection, now),
        "plans": [
            {
                "occasion": row.occasion,
                "step": None,
                "counts": PlanCounts.model_validate(plans.counts_of(row)),
                "states": messages.states(connection, plan_id=row.plan_id),
            }
            for row in plans.list_plans(connection, campaign.campaign)
            if not row.occasion.startswith(FLOW_TICK)
        ],
        "states": messages.states(connection, campaign.campaign),
        "currency": settings.base_currency,
        "locale": settings.locale,
        "brand": settings.brand.model_dump(),
        "as_of": now,
        "quarantined": summary(connection, snapshot.snapshot_id).get("quarantined", {}) if snapshot else {},
    }


def due_occasion(campaign: Campaign, connection: Connection, now: datetime) -> str | None:
    """The occasion whose goal window has closed last, or None while none has.

    A flow takes people in every day; its owner gets one report a week, named by the ISO week.
    """
    if campaign.goal is None:
        return None
    closed = [
        row.occasion
        for row in plans.list_plans(connection, campaign.campaign)
        if row.created_at + campaign.goal.within <= now and not row.occasion.startswith(FLOW_TICK)
    ]
    if not closed:
        return None
    year, week, _ = now.isocalendar()
    return f"{year}-W{week:02d}" if enrols(campaign) else closed[-1]
