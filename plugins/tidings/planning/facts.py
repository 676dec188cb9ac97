"""What happened to people since a moment: orders from the warehouse, clicks from the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from tidings.ledger import events, messages
from tidings.model.seams import Snapshot
from tidings.planning.people import load_keys, members
from tidings.project import Project
from tidings.project.conditions import condition_config
from tidings.warehouse.orders import orders_since

if TYPE_CHECKING:
    import pandas as pd

ORDERS = ("ordered", "bought")
TOUCHES = ("received", "opened", "clicked")


def orders_of(
    project: Project, snapshot: Snapshot, people: pd.DataFrame, now: datetime, where: Mapping[Any, str]
) -> pd.DataFrame:
    """person_key, order_id, ordered_at and value (minor units) of the orders of every profile of a person.

    `people` has person_key and since; orders in [since, now) that hold a line `where` asks for count.
    """
    profiles = load_keys(snapshot).merge(people[["person_key", "since"]], on="person_key")
    found = orders_since(project, profiles[["customer_id", "since"]], now, where)
    joined = found.merge(profiles[["customer_id", "person_key"]], on="customer_id")
    return joined[["person_key", "order_id", "ordered_at", "value"]].drop_duplicates()


class Facts:
    """Answers a branch's conditions for enrolled people; event conditions mean since this person entered."""

    def __init__(
        self, project: Project, snapshot: Snapshot, connection: Connection, campaign: str, now: datetime
    ) -> None:
        self.project = project
        self.snapshot = snapshot
        self.connection = connection
        self.campaign = campaign
        self.now = now

    def holds(self, condition: Any, people: pd.DataFrame) -> pd.Series[bool]:
        """One boolean a row of `people` (person_key, entered_at); TidingsError where the snapshot does not know."""
        return self._holds(condition, people, negated=False)

    def goal_reached(self, where: Mapping[Any, str], people: pd.DataFrame) -> pd.Series[bool]:
        """Whether an order that meets the goal came since the person entered."""
        return self._ordered(where, 1, people["person_key"], people["entered_at"])

    def _holds(self, condition: Any, people: pd.DataFrame, *, negated: bool) -> pd.Series[bool]:
        word, value = next(iter(condition.items())) if isinstance(condition, dict) else (None, condition)
        if word == "not":
            return ~self._holds(value, people, negated=not negated)
        if word in ("all", "any"):
            parts = [self._holds(part, people, negated=negated) for part in value]
            return reduce(and_ if word == "all" else or_, parts)
        if word not in (*ORDERS, *TOUCHES):
            return people["person_key"].isin(members(self.project, self.snapshot, condition))
        asked = condition_config(self.project.plugins.conditions[word].Config, value)
        since = self._since(people["entered_at"], getattr(asked, "within", None))
        if word in ORDERS:
            named = {key: getattr(asked, key, None) for key in ("category", "product")}
            where = {key: value for key, value in named.items() if value is not None}
            return self._ordered(where, getattr(asked, "at_least", 1), people["person_key"], since)
        step = getattr(asked, "step", None)
        return self._touched(word, step, people["person_key"], since, machines=negated)

    def _since(self, entered: pd.Series[pd.Timestamp], within: timedelta | None) -> pd.Series[pd.Timestamp]:
        import pandas as pd

        earliest = pd.Timestamp(self.now - within) if within is not None else None
        return entered if earliest is None else entered.where(entered >= earliest, earliest)

    def _ordered(
        self, where: Mapping[Any, str], at_least: int, keys: pd.Series[str], since: pd.Series[pd.Timestamp]
    ) -> pd.Series[bool]:
        import pandas as pd

        asked = pd.DataFrame({"person_key": keys, "since": since})
        orders = orders_of(self.project, self.snapshot, asked, self.now, where)
        return keys.map(orders.groupby("person_key")["order_id"].nunique()).fillna(0) >= at_least

    def _touched(
        self, word: str, step: str | None, keys: pd.Series[str], since: pd.Series[pd.Timestamp], *, machines: bool
    ) -> pd.Series[bool]:
        """A machine's open is nobody's: it satisfies neither `opened` nor `not opened` (R37)."""
        import pandas as pd

        if word == "received":
            found = messages.sent(self.connection, self.campaign)
        else:
            counted = machines and word == "opened"
            rows = events.of_campaign(self.connection, self.campaign, word)
            found = [row | {"at": row["occurred_at"]} for row in rows if counted or not row["machine"]]
        happened = pd.DataFrame(found, columns=["person_key", "step", "at"])
        if step is not None:
            happened = happened[happened["step"] == step]
        last = keys.map(happened.groupby("person_key")["at"].max())
        return pd.to_datetime(last, utc=True) >= since
