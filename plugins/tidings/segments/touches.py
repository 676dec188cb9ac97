"""What passed between us and each person, from the ledger: what they were sent, opened and clicked."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, literal, select, union_all

from tidings.ledger.tables import events, messages

if TYPE_CHECKING:
    import pandas as pd

SENT = ("accepted", "in_doubt", "withheld")
COLUMNS = ("person_key", "campaign", "step", "kind", "at")
LAST = {"received": "last_received_at", "opened": "last_opened_at", "clicked": "last_clicked_at"}
"""The feature that holds the last moment of each kind of touch, whatever the campaign."""


def load_touches(connection: Connection, now: datetime) -> pd.DataFrame:
    """The last moment before `now` of each kind (`received`, `opened`, `clicked`) by person, campaign and step.

    A withheld message counts as received: what a campaign asks of both arms must be alike. What a machine opened
    or clicked is left out (R37).
    """
    import pandas as pd

    who = (messages.c.person_key, messages.c.campaign, messages.c.step)
    received = (
        select(*who, literal("received").label("kind"), func.max(messages.c.counted_at).label("at"))
        .where(messages.c.state.in_(SENT), messages.c.counted_at < now)
        .group_by(*who)
    )
    acted = (
        select(*who, events.c.kind, func.max(events.c.occurred_at).label("at"))
        .join(events, events.c.message_id == messages.c.id)
        .where(events.c.kind.in_(("opened", "clicked")), ~events.c.machine, events.c.occurred_at < now)
        .group_by(*who, events.c.kind)
    )
    rows = connection.execute(union_all(received, acted)).all()
    frame = pd.DataFrame([tuple(row) for row in rows], columns=list(COLUMNS))
    texts = dict.fromkeys(COLUMNS[:-1], "str")
    return frame.assign(at=pd.to_datetime(frame["at"], utc=True).astype("datetime64[us, UTC]")).astype(texts)
