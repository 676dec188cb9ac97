"""settle: what a person found out about a campaign's messages in doubt."""

from __future__ import annotations

from datetime import datetime

from tidings.ledger import messages
from tidings.ledger.database import Ledger
from tidings.model.counts import SettleShape
from tidings.planning.plan import find_campaign
from tidings.project import Project


def settle(project: Project, campaign: str, now: datetime, *, sent: bool) -> SettleShape:
    """They were `sent`, or they were not and leave once more; TidingsError for a campaign that is not there."""
    find_campaign(project, campaign)
    state, reason = ("accepted", "settled") if sent else ("planned", "once_more")
    with Ledger.open(project, create=False) as ledger, ledger.write() as connection:
        return SettleShape(settled=messages.end_doubt(connection, campaign, now, state, reason, now))
