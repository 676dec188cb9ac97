"""Walk enrolments along their flow until each waits, ends or asks for a message. Pure: nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tidings.model.campaign import Campaign
from tidings.model.steps import If, Send, Wait
from tidings.planning.facts import Facts
from tidings.planning.frames import records
from tidings.planning.program import Program, compile_flow

if TYPE_CHECKING:
    import pandas as pd

FINISHED = "finished"
EXITED = "exited"
LEFT_WAREHOUSE = "left_warehouse"


@dataclass
class Walk:
    """Where everybody stands afterwards, and the messages asked for on the way."""

    moves: list[dict[str, Any]]
    asked: list[tuple[Send, pd.DataFrame]]


def leave_early(campaign: Campaign, people: pd.DataFrame, facts: Facts) -> pd.Series[str]:
    """The reason to exit now (`goal`, `excluded`), or missing; asked before anything else happens to a person.

    `people` has person_key, entered_at and excluded.
    """
    import pandas as pd

    reasons = pd.Series(pd.NA, index=people.index, dtype="object")
    if people.empty:
        return reasons
    if "excluded" in campaign.exit:
        reasons[people["excluded"].astype(bool)] = "excluded"
    if "goal" in campaign.exit and campaign.goal is not None:
        reasons[facts.goal_reached(campaign.goal.where, people)] = "goal"
    return reasons


def advance(campaign: Campaign, people: pd.DataFrame, facts: Facts, now: datetime) -> Walk:
    """Move everybody who is due.

    `people` has id, person_key, customer_id, occasion, step, entered_at and `arrived`: True for those who come
    to their step now, False for those whose wait there is over.
    """
    program = compile_flow(campaign)
    walk = Walk([], [])
    for step, group in _split(people, "step"):
        _enter(program, step, group, walk, facts, now)
    return walk


def _enter(program: Program, name: str | None, group: pd.DataFrame, walk: Walk, facts: Facts, now: datetime) -> None:
    if group.empty:
        return
    node = program.nodes.get(name) if name else None
    if name is None or node is None:
        # A step that was removed from the file ends the flow for those who stood there.
        reason = None if name is None else "step_removed"
        walk.moves += _moves(group, name or "end", None, None, FINISHED, now, reason)
        return
    step = node.step
    if isinstance(step, Wait):
        arrived = group["arrived"].astype(bool)
        span, waiting = _span(step)
        walk.moves += _moves(group[arrived], name, now + span, waiting, "active", None, None)
        _enter(program, node.after, _arrive(group[~arrived]), walk, facts, now)
    elif isinstance(step, If):
        holds = facts.holds(step.condition, group)
        _enter(program, node.then, _arrive(group[holds]), walk, facts, now)
        _enter(program, node.otherwise, _arrive(group[~holds]), walk, facts, now)
    else:
        walk.asked.append((step, group))
        _enter(program, node.after, _arrive(group), walk, facts, now)


def _span(step: Wait) -> tuple[timedelta, str]:
    if isinstance(step.wait, timedelta):
        return step.wait, "time"
    return step.wait.timeout, "goal"


def _arrive(group: pd.DataFrame) -> pd.DataFrame:
    return group.assign(arrived=True)


def _split(people: pd.DataFrame, column: str) -> Iterator[tuple[str, pd.DataFrame]]:
    for value, group in people.groupby(column, sort=True):
        yield str(value), group


def _moves(
    group: pd.DataFrame,
    step: str,
    due_at: datetime | None,
    waiting: str | None,
    state: str,
    exited_at: datetime | None,
    reason: str | None,
) -> list[dict[str, Any]]:
    same = {"step": step, "due_at": due_at, "waiting_for": waiting, "state": state}
    same |= {"exited_at": exited_at, "reason": reason}
    return [{"id": row["id"], "was": row["step"]} | same for row in records(group[["id", "step"]])]


def exits(people: pd.DataFrame, reasons: pd.Series[str], now: datetime) -> list[dict[str, Any]]:
    """The moves of those who leave early, each from the step where it stands."""
    gone = people.assign(reason=reasons)[reasons.notna()]
    same = {"due_at": None, "waiting_for": None, "state": EXITED, "exited_at": now}
    return [
        {"id": row["id"], "was": row["step"], "step": row["step"], "reason": row["reason"]} | same
        for row in records(gone)
    ]
