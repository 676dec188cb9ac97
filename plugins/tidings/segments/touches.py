"""What passed between us and each person, from the ledger: what they were sent, opened and clicked."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from tidings.ledger import touches

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (*touches.WHAT, "at")
LAST = {"received": "last_received_at", "opened": "last_opened_at", "clicked": "last_clicked_at"}
"""The feature that holds the last moment of each kind of touch, whatever the campaign."""


def load_touches(connection: Connection, now: datetime) -> pd.DataFrame:
    """The last moment before `now` of each kind of touch by person, campaign and step, as `ledger.touches.load`."""
    import pandas as pd

    frame = pd.DataFrame(touches.load(connection, now), columns=list(COLUMNS))
    texts = dict.fromkeys(COLUMNS[:-1], "str")
    return frame.assign(at=pd.to_datetime(frame["at"], utc=True).astype("datetime64[us, UTC]")).astype(texts)
