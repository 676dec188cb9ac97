"""report: what a campaign did, mailed to its owner, once an occasion."""

from __future__ import annotations

from datetime import datetime

from tidings.delivery.single import send_report
from tidings.ledger.database import Ledger
from tidings.ledger.keys import random_key
from tidings.measurement.facts import report_facts, report_occasion
from tidings.model.counts import ReportShape
from tidings.planning.plan import find_campaign
from tidings.project import Project
from tidings.reports.build import build_report
from tidings.reports.letter import outgoing_report, write_report


def report(
    project: Project, campaign: str, now: datetime, *, send: bool = True, true_effect: float | None = None
) -> ReportShape:
    """Write the report to .tidings/reports and, with `send`, mail it to the owner.

    The occasion is the oldest one whose goal window has closed and that the owner has no report of, else the last
    one reported; before there is any, it is an interim report of the day. The owner gets each occasion once.
    `true_effect` is known only to the demo.
    """
    found = find_campaign(project, campaign)
    with Ledger.open(project, create=False) as ledger:
        with ledger.read() as connection:
            occasion = report_occasion(project, found, connection, now)
            facts = report_facts(project, found, connection, now, occasion) | {"true_effect": true_effect}
        built = build_report(facts, project.plugins.sections.values(), root=project.root)  # type: ignore[arg-type]
        folder = project.state / "reports"
        html, text = write_report(built, folder, f"{campaign}-{occasion}")
        state = "written"
        if send:
            message = outgoing_report(built, project.settings.sender, found.owner, random_key(), now)
            state = send_report(project, ledger, message, (campaign, occasion), now, str(folder))
    return ReportShape(
        campaign=campaign,
        occasion=occasion,
        html=str(html),
        text=str(text),
        sent_to=found.owner if send else None,
        state=state,
    )
