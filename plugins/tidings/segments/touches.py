"""What passed between us and each person, from the ledger: what they were sent, opened and clicked."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, and_, case, func, literal, or_, select, union_all

from tidings.ledger.tables import events, messages
from tidings.segments.conditions import OPENED_BY_MACHINE

if TYPE_CHECKING:
    import pandas as pd

SENT = ("accepted", "in_doubt", "withheld")
COLUMNS = ("person_key", "campaign", "step", "kind", "at")
LAST = {"received": "last_received_at", "opened": "last_opened_at", "clicked": "last_clicked_at"}
"""The feature that holds the last moment of each kind of touch, whatever the campaign."""


def load_touches(connection: Connection, now: datetime) -> pd.DataFrame:
    """The last moment before `now` of each kind of touch by person, campaign and step.

    Kinds are `received`, `opened`, `clicked` and, apart from what people opened, OPENED_BY_MACHINE; what a machine
    clicked is left out (R37). A withheld message counts as received: what a campaign asks of both arms must be alike.
    """
    import pandas as pd

    who = (messages.c.person_key, messages.c.campaign, messages.c.step)
    received = (
        select(*who, literal("received").label("kind"), func.max(messages.c.counted_at).label("at"))
        .where(messages.c.state.in_(SENT), messages.c.counted_at < now)
        .group_by(*who)
    )
    opened, clicked = events.c.kind == "opened", events.c.kind == "clicked"
    kind = case((and_(opened, events.c.machine), OPENED_BY_MACHINE), else_=events.c.kind).label("kind")
    acted = (
        select(*who, kind, func.max(events.c.occurred_at).label("at"))
        .join(events, events.c.message_id == messages.c.id)
        .where(or_(opened, and_(clicked, ~events.c.machine)), events.c.occurred_at < now)
        .group_by(*who, events.c.kind, events.c.machine)
    )
    rows = connection.execute(union_all(received, acted)).all()
    frame = pd.DataFrame([tuple(row) for row in rows], columns=list(COLUMNS))
    texts = dict.fromkeys(COLUMNS[:-1], "str")
    return frame.assign(at=pd.to_datetime(frame["at"], utc=True).astype("datetime64[us, UTC]")).astype(texts)
