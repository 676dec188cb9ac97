"""The plan of one campaign: its new occasion, or its due enrolments. Building it writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from tidings.errors import TidingsError, did_you_mean
from tidings.ledger import enrolments
from tidings.ledger.keys import random_key
from tidings.ledger.plans import FOLLOW_UP
from tidings.ledger.snapshots import current_snapshot, was_asked
from tidings.model.campaign import Campaign
from tidings.model.counts import PlanCounts, PlanRow, PlanShape
from tidings.model.seams import Snapshot
from tidings.planning.advance import LEFT_WAREHOUSE, Walk, advance, exits, leave_early
from tidings.planning.decide import Decider
from tidings.planning.definition import definition_of
from tidings.planning.facts import Facts
from tidings.planning.frames import records
from tidings.planning.gates import first_closed
from tidings.planning.occasion import Occasion, occasion_at
from tidings.planning.people import load_people
from tidings.planning.products import Picks
from tidings.planning.program import compile_flow, enrols
from tidings.project import Project

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("person_key", "customer_id", "occasion", "step", "decision", "reason", "arm", "probability", "variant"),
    *("epoch", "channel", "address_key", "not_before", "expires_at", "enrolment_id"),
)


@dataclass
class Plan:
    """Everyone considered, each with a decision and a reason, and what the ledger would be told."""

    campaign: Campaign
    occasion: str
    snapshot: Snapshot
    definition_hash: str
    rows: pd.DataFrame
    now: datetime
    entered: list[dict[str, Any]] = field(default_factory=list)
    moves: list[dict[str, Any]] = field(default_factory=list)
    picks: dict[str, Picks] = field(default_factory=dict)
    plan_id: str | None = None
    state: str | None = None
    due_at: datetime | None = None

    @property
    def counts(self) -> PlanCounts:
        """considered = planned + withheld + the sum of reasons."""
        decided = self.rows["decision"].value_counts()
        closed = self.rows.loc[self.rows["decision"] == "no", "reason"].value_counts()
        reasons = {str(code): int(number) for code, number in closed.items()}
        planned, withheld = int(decided.get("planned", 0)), int(decided.get("withheld", 0))
        return PlanCounts(considered=len(self.rows), planned=planned, withheld=withheld, reasons=reasons)

    @property
    def follows_up(self) -> bool:
        """Whether it is a flow's tick, not an occasion on which people enter."""
        return self.occasion.startswith(FOLLOW_UP)

    @property
    def plan_hash(self) -> str:
        """The definition and every decision, without send times and keys: the clock is not in it.

        The occasion is: a yes to this audience is none to the same people next week.
        """
        digest = sha256(self.definition_hash.encode())
        names = ["person_key", "occasion", "step", "decision", "reason", "arm", "variant", "channel"]
        for line in sorted("|".join(_word(value) for value in row) for row in self.rows[names].itertuples(index=False)):
            digest.update(line.encode() + b"\n")
        return digest.hexdigest()

    def shape(self, rows: bool = False) -> PlanShape:
        """What `plan --json` prints."""
        return PlanShape(
            campaign=self.campaign.campaign,
            occasion=self.occasion,
            snapshot=self.snapshot.snapshot_id,
            definition_hash=self.definition_hash,
            hash=self.plan_hash,
            counts=self.counts,
            rows=[_row(row) for row in self.rows.itertuples()] if rows else None,
        )


def find_campaign(project: Project, name: str) -> Campaign:
    """The campaign of that name; TidingsError with the nearest name otherwise."""
    if name not in project.campaigns:
        raise TidingsError(f"there is no campaign {name!r}", did_you_mean(name, list(project.campaigns)))
    return project.campaigns[name]


def next_occasion(project: Project, campaign: Campaign, connection: Connection, now: datetime) -> Occasion:
    """The occasion that a run at `now` would serve."""
    as_of = current_snapshot(connection, project.root).as_of
    return occasion_at(campaign, project.settings.timezone, now, as_of)


def plan_occasion(
    project: Project, campaign: Campaign, connection: Connection, now: datetime, occasion: str | None = None
) -> Plan:
    """Entry gates over everybody; who passes a broadcast's is sent to, who passes a flow's is enrolled and walks."""
    decider = Decider(project, campaign, current_snapshot(connection, project.root), connection, now)
    name = occasion or next_occasion(project, campaign, connection, now).name
    plan = _empty(decider, name)
    people = decider.prepare_entry(load_people(project, campaign, decider.snapshot))
    people["step"] = compile_flow(campaign).first
    people["occasion"] = name
    reasons = first_closed(people, decider.entry_gates())
    closed = people[reasons.notna()].assign(decision="no", reason=reasons[reasons.notna()])
    inside = people[reasons.isna()]
    if not enrols(campaign):
        step = campaign.send_steps[0]
        sent = [decider.send(step, inside, name).assign(enrolment_id=None)]
    else:
        inside = inside.assign(id=[random_key() for _ in range(len(inside))], entered_at=now, arrived=True)
        plan.entered = _enrolled(campaign, inside, now)
        walk = advance(campaign, inside, decider_facts(decider), now)
        _place(plan.entered, walk)
        sent = _ask(decider, walk)
        asked = {key for frame in sent for key in frame["person_key"]}
        waiting = inside[~inside["person_key"].isin(asked)]
        sent.append(waiting.assign(decision="no", reason="enrolled", enrolment_id=waiting["id"]))
    return _filled(plan, decider, [closed, *sent])


def plan_due(project: Project, campaign: Campaign, connection: Connection, now: datetime) -> Plan | None:
    """Advance the enrolments that are due; None where nobody is.

    Who waits for the goal is looked up once for each snapshot, so that a tick between two reads no order.
    """
    import pandas as pd

    snapshot = current_snapshot(connection, project.root)
    rows = enrolments.due(connection, campaign.campaign, now)
    rows += _goal_waiters(connection, campaign, snapshot, {row["id"] for row in rows})
    if not rows:
        return None
    decider = Decider(project, campaign, snapshot, connection, now)
    plan = _empty(decider, f"{FOLLOW_UP}{now.isoformat(timespec='seconds')}")
    people = load_people(project, campaign, decider.snapshot)
    enrolled = pd.DataFrame(rows).drop(columns="customer_id")
    gone = enrolled[~enrolled["person_key"].isin(people["person_key"])]
    due = enrolled.merge(people, on="person_key")
    facts = decider_facts(decider)
    due["entered_at"] = pd.to_datetime(due["entered_at"], utc=True)
    reasons = leave_early(campaign, due, facts)
    plan.moves = exits(gone, pd.Series(LEFT_WAREHOUSE, index=gone.index), now) + exits(due, reasons, now)
    early = pd.to_datetime(due["due_at"], utc=True) > pd.Timestamp(now)
    staying = due[reasons.isna() & ~(early & ~_goal_met(campaign, due, facts))].assign(arrived=False)
    walk = advance(campaign, staying, facts, now)
    plan.moves += walk.moves
    return _filled(plan, decider, _ask(decider, walk))


def decider_facts(decider: Decider) -> Facts:
    """The facts that this decider's branches ask for."""
    name = decider.campaign.campaign
    return Facts(decider.project, decider.snapshot, decider.connection, name, decider.now)


def _goal_waiters(
    connection: Connection, campaign: Campaign, snapshot: Snapshot, have: set[str]
) -> list[dict[str, Any]]:
    """Who waits for the goal and is not due yet: an order may have come with a new snapshot."""
    if campaign.goal is None or was_asked(connection, campaign.campaign, snapshot.snapshot_id):
        return []
    rows = enrolments.active(connection, campaign.campaign)
    return [row for row in rows if row["waiting_for"] == "goal" and row["id"] not in have]


def _goal_met(campaign: Campaign, due: pd.DataFrame, facts: Facts) -> pd.Series[bool]:
    import pandas as pd

    # Where the goal is a way out, who has reached it has left already.
    if campaign.goal is None or "goal" in campaign.exit or not (due["waiting_for"] == "goal").any():
        return pd.Series(False, index=due.index)
    return facts.goal_reached(campaign.goal.where, due) & (due["waiting_for"] == "goal")


def _place(entered: list[dict[str, Any]], walk: Walk) -> None:
    """Those who enter begin where their walk has led them."""
    moves = {move["id"]: {key: value for key, value in move.items() if key != "was"} for move in walk.moves}
    for row in entered:
        row.update(moves[row["id"]])


def _ask(decider: Decider, walk: Walk) -> list[pd.DataFrame]:
    """The send gates for every step that the walk reached, an occasion at a time."""
    return [
        decider.send(step, part, str(occasion)).assign(enrolment_id=part["id"])
        for step, group in walk.asked
        for occasion, part in group.groupby("occasion")
    ]


def _empty(decider: Decider, occasion: str) -> Plan:
    import pandas as pd

    definition = definition_of(decider.project, decider.campaign)
    rows = pd.DataFrame(columns=list(COLUMNS))
    return Plan(decider.campaign, occasion, decider.snapshot, definition, rows, decider.now)


def _filled(plan: Plan, decider: Decider, frames: list[pd.DataFrame]) -> Plan:
    import pandas as pd

    parts = [frame.reindex(columns=list(COLUMNS)).astype(object) for frame in frames if len(frame)]
    rows = pd.concat(parts, ignore_index=True) if parts else plan.rows
    plan.rows = rows.astype(object).where(rows.notna(), None).sort_values(["person_key", "step"], ignore_index=True)
    plan.picks = decider.picks
    return plan


def _enrolled(campaign: Campaign, people: pd.DataFrame, now: datetime) -> list[dict[str, Any]]:
    same = {"campaign": campaign.campaign, "entered_at": now, "due_at": None, "waiting_for": None}
    same |= {"state": enrolments.ACTIVE, "exited_at": None, "reason": None}
    columns = ["id", "person_key", "customer_id", "occasion", "step"]
    return [row | same for row in records(people[columns])]


def _row(row: Any) -> PlanRow:
    return PlanRow(
        person=row.person_key,
        customer=row.customer_id,
        decision=row.decision,
        reason=row.reason,
        arm=row.arm,
        variant=row.variant,
        channel=row.channel,
        send_at=row.not_before,
    )


def _word(value: Any) -> str:
    return "" if value is None else str(value)
