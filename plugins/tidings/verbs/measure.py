"""measure: what the campaign claims, and what it caused."""

from __future__ import annotations

from datetime import datetime

from tidings.ledger.database import Ledger
from tidings.measurement.outcomes import measure_campaign
from tidings.model.counts import MeasureShape
from tidings.planning.plan import find_campaign
from tidings.project import Project


def measure(project: Project, campaign: str, now: datetime) -> MeasureShape:
    """Lift with its interval over everybody whose goal window has closed at `now`."""
    found = find_campaign(project, campaign)
    with Ledger.open(project, create=False) as ledger, ledger.read() as connection:
        return measure_campaign(project, found, connection, now)
