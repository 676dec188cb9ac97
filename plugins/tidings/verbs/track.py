"""track: take what came back; each event counts once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tidings.ledger.database import Ledger
from tidings.model.counts import TrackShape
from tidings.model.delivery import ProviderEvent
from tidings.project import Project
from tidings.tracking.record import take


def track(project: Project, events: Sequence[ProviderEvent], now: datetime) -> TrackShape:
    """Keep the events and act on them in one transaction."""
    with Ledger.open(project, create=False) as ledger:
        return take(project, ledger, events, now)
