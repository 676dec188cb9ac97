"""What people did from their anchor to the end of the goal window, by arm; and what the campaign may claim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from tidings.errors import TidingsError
from tidings.ledger import assignments, events, persons
from tidings.ledger.archive import Archive
from tidings.ledger.retention import clicks
from tidings.ledger.snapshots import current_snapshot
from tidings.measurement.lift import lift, sample_ratios
from tidings.model.campaign import Campaign, Goal
from tidings.model.counts import MeasureShape, Split
from tidings.planning.facts import orders_of
from tidings.project import Project

if TYPE_CHECKING:
    import pandas as pd


def measure_campaign(project: Project, campaign: Campaign, connection: Connection, now: datetime) -> MeasureShape:
    """Lift over the persons whose window has closed at `now`, each counted in the arm of their first anchor."""
    if campaign.goal is None:
        raise TidingsError(f"{campaign.campaign} has no goal", "write `goal:` so that there is something to measure")
    anchored = _anchored(connection, campaign, campaign.goal, now)
    orders = _orders(project, connection, campaign.goal, anchored, now)
    people = _outcomes(anchored, orders)
    result = lift(people) if len(people) else None
    archived = clicks(connection, Archive.of(project), campaign.campaign)
    clicked = [*archived, *events.of_campaign(connection, campaign.campaign, "clicked")]
    claimed = _claimed(clicked, campaign.goal, orders)
    return MeasureShape(
        campaign=campaign.campaign,
        as_of=now,
        window_days=campaign.goal.within.total_seconds() / 86400,
        matured=len(people),
        strata=people["stratum"].nunique(),
        split=_split(people),
        arms=list(result.arms) if result else [],
        conversion_lift=result.conversion_lift if result else None,
        value_lift=result.value_lift if result else None,
        caused_buyers=result.caused_buyers if result else None,
        caused_orders=result.caused_orders if result else None,
        caused_value=result.caused_value if result else None,
        claimed_orders=len(claimed),
        claimed_value=int(claimed["value"].sum()),
    )


def _anchored(connection: Connection, campaign: Campaign, goal: Goal, now: datetime) -> pd.DataFrame:
    import pandas as pd

    gone = persons.merged(connection)
    rows = [row for row in assignments.load(connection, campaign.campaign) if row["person_key"] not in gone]
    frame = pd.DataFrame(rows, columns=["person_key", "epoch", "arm", "probability", "anchored_at"])
    frame["since"] = pd.to_datetime(frame["anchored_at"], utc=True)
    # The share that was to be held out, as it was logged: what the campaign says today may be another.
    frame["share"] = frame["probability"].where(frame["arm"] == "control", 1 - frame["probability"]).round(9)
    frame["stratum"] = frame["epoch"] + "|" + frame["share"].astype(str)
    frame = frame.drop_duplicates("person_key", keep="first")
    return frame[frame["since"] + goal.within <= pd.Timestamp(now)]


def _orders(
    project: Project, connection: Connection, goal: Goal, anchored: pd.DataFrame, now: datetime
) -> pd.DataFrame:
    """The goal orders of the window, with `since` and `arm` of their person."""
    import pandas as pd

    snapshot = current_snapshot(connection, project.root)
    found = orders_of(project, snapshot, anchored[["person_key", "since"]], now, goal.where)
    joined = found.merge(anchored[["person_key", "since", "arm"]], on="person_key")
    ordered = pd.to_datetime(joined["ordered_at"], utc=True)
    return joined.assign(ordered_at=ordered)[ordered < joined["since"] + goal.within]


def _outcomes(anchored: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    sums = orders.groupby("person_key").agg(orders=("order_id", "nunique"), value=("value", "sum"))
    people = anchored.merge(sums, left_on="person_key", right_index=True, how="left")
    people = people.fillna({"orders": 0, "value": 0}).astype({"orders": int, "value": int})
    return people.assign(converted=people["orders"] > 0)


def _split(people: pd.DataFrame) -> Split | None:
    """The arms beside their draw, over the strata of which a share was to be held out."""
    drawn = people[(people["share"] > 0) & (people["share"] < 1)]
    if drawn.empty:
        return None
    strata = [
        (int((group["arm"] == "treated").sum()), int((group["arm"] == "control").sum()), float(group["share"].iloc[0]))
        for _, group in drawn.groupby("stratum")
    ]
    return Split(expected=float(drawn["share"].sum()), p_value=sample_ratios(strata))


def _claimed(clicked: Iterable[Mapping[str, Any]], goal: Goal, orders: pd.DataFrame) -> pd.DataFrame:
    """Goal orders of the treated after a click of theirs: what last-touch attribution would claim."""
    import pandas as pd

    people = [row for row in clicked if not row["machine"]]
    touched = pd.DataFrame(people, columns=["person_key", "occurred_at"])
    touched["clicked_at"] = pd.to_datetime(touched["occurred_at"], utc=True)
    joined = orders.merge(touched[["person_key", "clicked_at"]], on="person_key")
    after = joined["ordered_at"] - joined["clicked_at"]
    kept = joined[(after >= pd.Timedelta(0)) & (after <= goal.within)]
    return kept.drop_duplicates(["person_key", "order_id"])
