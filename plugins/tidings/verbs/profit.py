"""profit: what customers earned, what activities for them cost, and what nobody caused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.snapshots import current_snapshot
from tidings.model.costing import ProfitShape
from tidings.model.seams import Snapshot
from tidings.project import Project


def profit(project: Project, *, picture: Path | None = None) -> ProfitShape:
    """By the current snapshot; with `picture`, the whale curve as a PNG or SVG file there.

    TidingsError before the first refresh, where the snapshot is older than profit, and for a picture without profit.
    """
    from tidings.insight.whale import profits, whale
    from tidings.reports.pictures import save_picture
    from tidings.reports.whale import draw_whale

    with Ledger.open(project, create=False) as ledger, ledger.read() as connection:
        snapshot = current_snapshot(connection, project.root)
    kept = costing(snapshot)
    pools: list[dict[str, Any]] = kept["pools"]
    assigned, costs = (sum(pool[name] for pool in pools) for name in ("assigned", "amount"))
    earned = kept["margin"] - assigned if pools else None
    ordered = profits(snapshot) if pools else None
    curve = whale(ordered) if ordered is not None and len(ordered) else None
    if picture is not None:
        if curve is None or ordered is None:
            raise TidingsError("there is no profit to draw", "write the table activity_costs: docs/profit.md")
        save_picture(picture, lambda sheet: draw_whale(sheet, ordered, curve, project.settings.base_currency))
    return ProfitShape(
        snapshot=snapshot.snapshot_id,
        as_of=snapshot.as_of,
        **kept,
        costs=costs,
        assigned=assigned,
        unassigned=costs - assigned,
        profit=earned,
        result=None if earned is None else earned + kept["margin_of_others"] - (costs - assigned),
        whale=curve,
    )


def costing(snapshot: Snapshot) -> dict[str, Any]:
    """What the refresh kept of the costs; TidingsError where it did not yet."""
    if not snapshot.costing.exists():
        raise TidingsError("the current snapshot knows nothing of profit", "run `tidings refresh`")
    return dict(json.loads(snapshot.costing.read_text(encoding="utf-8")))
