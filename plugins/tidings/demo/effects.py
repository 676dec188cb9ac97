"""What the simulated customers do because they were mailed: the truth that the report has to find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from tidings.ledger.database import Ledger
from tidings.ledger.snapshots import current_snapshot
from tidings.ledger.tables import assignments, messages
from tidings.model.campaign import Campaign
from tidings.planning.arms import TREATED, uniform
from tidings.planning.facts import orders_of
from tidings.project import Project
from tidings.warehouse.scratch import scratch

if TYPE_CHECKING:
    import pandas as pd

EARLIEST = timedelta(hours=26)
MARGIN = timedelta(hours=12)
UNDER_WAY = ("planned", "sending", "accepted", "in_doubt")


@dataclass(frozen=True)
class Purchase:
    """One order that would not have been placed without the campaign."""

    order_id: str
    customer_id: str
    ordered_at: datetime
    product: Mapping[str, Any]


def caused_purchases(
    project: Project, ledger: Ledger, campaign: Campaign, effect: float, seed: int, since: datetime, until: datetime
) -> list[Purchase]:
    """Orders of the persons anchored in [since, until) who are mailed, today or on the next morning of their own.

    `effect` is the rise of the probability to reach the goal. Who would reach it anyway (y0) gains nothing; everyone
    else orders with probability effect / (1 − mean y0), at most 1, the mean taken over both arms. The expected rise
    over the people anchored is then the effect where every treated person is mailed; each one who is not, because a
    gate closed or the provider refused, lowers it.
    """
    goal = campaign.goal
    people = _anchored(ledger, campaign.campaign, since, until)
    if goal is None or people.empty or effect == 0:
        return []
    with ledger.read() as connection:
        snapshot = current_snapshot(connection, project.root)
    window = until + goal.within
    orders = orders_of(project, snapshot, people[["person_key", "since"]], window, goal.where)
    orders = orders.merge(people[["person_key", "since"]], on="person_key")
    anyway = set(orders.loc[orders["ordered_at"] < orders["since"] + goal.within, "person_key"])
    would = people["person_key"].isin(anyway)
    chance = min(1.0, effect / max(1 - float(would.mean()), 1e-9))
    moved = people[~would & (people["arm"] == TREATED) & people["mailed"]]
    keys = list(moved["customer_id"])
    salt, name = f"demo customers {seed}", campaign.campaign
    buys = uniform(salt, f"{name} buys", keys) < chance
    when = uniform(salt, f"{name} when", keys)
    which = uniform(salt, f"{name} which", keys)
    products = _products(project, campaign)
    span = goal.within - EARLIEST - MARGIN
    return [
        Purchase(
            order_id=f"R-{name}-{row['customer_id']}",
            customer_id=row["customer_id"],
            ordered_at=(row["since"] + EARLIEST + span * float(when[index])).to_pydatetime().replace(microsecond=0),
            product=products[int(which[index] * len(products))],
        )
        for index, row in enumerate(moved.to_dict(orient="records"))
        if buys[index]
    ]


def _anchored(ledger: Ledger, campaign: str, since: datetime, until: datetime) -> pd.DataFrame:
    """person_key, customer_id, arm, since and mailed of the persons whose arm was drawn in the time."""
    import pandas as pd

    here = (assignments.c.campaign == campaign) & (assignments.c.anchored_at >= since)
    mailed = select(messages.c.person_key).where(messages.c.campaign == campaign, messages.c.state.in_(UNDER_WAY))
    with ledger.read() as connection:
        rows = connection.execute(select(assignments).where(here, assignments.c.anchored_at < until)).mappings().all()
        got = set(connection.execute(mailed).scalars())
    people = pd.DataFrame([dict(row) for row in rows], columns=["person_key", "customer_id", "arm", "anchored_at"])
    people["since"] = pd.to_datetime(people["anchored_at"], utc=True)
    return people.assign(mailed=people["person_key"].isin(got)).sort_values("customer_id", ignore_index=True)


def _products(project: Project, campaign: Campaign) -> list[dict[str, Any]]:
    """What they buy: the goal's category where it has one, else anything that is no other campaign's goal."""
    where = campaign.goal.where if campaign.goal else {}
    goals = (other.goal for other in project.campaigns.values() if other.goal is not None)
    others = sorted({goal.where["category"] for goal in goals if "category" in goal.where})
    values: dict[str, Any]
    file = str(project.warehouse_folder / "products.parquet")
    with scratch() as connection:
        query = "SELECT product_id, price FROM read_parquet($file) WHERE in_stock AND price > 1"
        if "category" in where:
            values = {"file": file, "category": where["category"]}
            rows = connection.execute(f"{query} AND category = $category", values)
        else:
            values = {"file": file, "others": others}
            rows = connection.execute(f"{query} AND NOT list_contains($others, category)", values)
        found = sorted(rows.fetchall())
    return [{"product_id": product, "price": price} for product, price in found]
