"""Level and status: how far a customer has come, and, apart from it, how they are doing.

Two columns because a recovery is not an upgrade: a level never falls by silence and never rises by a return.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from tidings.errors import TidingsError, did_you_mean
from tidings.segments.columns import quoted
from tidings.segments.conditions import moment
from tidings.warehouse.milestones import BACK_AT, LOYAL_AT

if TYPE_CHECKING:
    from tidings.model.insight import Ladder
    from tidings.segments.expressions import Kind

LEVELS = ("prospect", "first_time", "repeat", "loyal", "advocate")
"""From the lowest to the highest."""

STATUSES = ("active", "at_risk", "lapsed", "lost", "won_back")


def level_sql(ladder: Ladder) -> str:
    """DuckDB text over the features: one of LEVELS."""
    declared = "" if ladder.advocate is None else f"WHEN {quoted(ladder.advocate)} THEN 'advocate' "
    return (
        f"CASE WHEN orders = 0 THEN 'prospect' {declared}WHEN {LOYAL_AT} IS NOT NULL THEN 'loyal' "
        "WHEN orders = 1 THEN 'first_time' ELSE 'repeat' END"
    )


def status_sql(ladder: Ladder, now: datetime) -> str:
    """DuckDB text over the features: one of STATUSES, NULL for who never ordered.

    The days since the last order are counted in the customer's own average gaps: more than `lost`, `lapsed` or
    `at_risk` of them.
    """
    day = 86_400
    shortest, usual = ladder.shortest_gap.total_seconds() / day, ladder.usual_gap.total_seconds() / day
    gap = f"CASE WHEN average_gap_days IS NULL THEN {usual} ELSE greatest(average_gap_days, {shortest}) END"
    silence = f"(epoch({moment(now)}) - epoch(last_order_at)) / {day}"
    slower = " ".join(
        f"WHEN {silence} > {getattr(ladder, name)} * ({gap}) THEN '{name}'" for name in ("lost", "lapsed", "at_risk")
    )
    back = f"WHEN {BACK_AT} >= {moment(now - ladder.won_back)} THEN 'won_back'"
    return f"CASE WHEN orders = 0 THEN NULL {slower} {back} ELSE 'active' END"


def check_advocate(ladder: Ladder, columns: Mapping[str, Kind]) -> None:
    """TidingsError where the settings name a column of advocates that is not there, or is not true or false."""
    if ladder.advocate is None:
        return
    if ladder.advocate not in columns:
        fix = did_you_mean(ladder.advocate, list(columns))
        raise TidingsError(f"ladder.advocate: customers have no column {ladder.advocate!r}", fix)
    if columns[ladder.advocate] != "boolean":
        fix = f"cast it in warehouse.tables: customers: select ... as {ladder.advocate}"
        raise TidingsError(f"ladder.advocate: the column {ladder.advocate!r} is not true or false", fix)
