"""The portfolio's cells from the sums of its grid."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tidings.insight.portfolio import grid
from tidings.model.portfolio import STATES, CellLine, GridCell, Portfolio, PortfolioShape, Served, Sums
from tidings.model.seams import Snapshot

if TYPE_CHECKING:
    import pandas as pd

MONEY = ("value", "profit", "expected", "spend")
NOBODY = {"persons": 0}


def shaped(
    snapshot: Snapshot,
    portfolio: Portfolio,
    rows: pd.DataFrame,
    budgets: Mapping[str, int],
    aims: Mapping[str, str],
    unasked: Sequence[str],
) -> PortfolioShape:
    """The rows of `in_cells` put together: `aims` is the aim of each campaign that has a column in them."""
    cell_of = grid(portfolio, STATES[portfolio.by])
    found: list[dict[str, Any]] = [
        {str(name): value for name, value in row.items()} for row in rows.astype(object).to_dict("records")
    ]
    known = {name for name in MONEY if rows[name].notna().any()}
    held = {(row["band"] if isinstance(row["band"], str) else None, row["state"]): row for row in found}
    rest = [row for both, row in held.items() if both not in cell_of]
    lines = []
    for cell in portfolio.cells:
        own = [row for both, row in held.items() if cell_of.get(both) == cell.cell]
        inside = {name: sum(row[name] for row in own) for name, aim in aims.items() if aim == cell.aim}
        lines.append(
            CellLine(
                **_sums(own, known),
                **cell.model_dump(include={"cell", "title", "bands", "states", "aim", "owner"}),
                budget=budgets.get(cell.cell),
                campaigns=[Served(campaign=name, persons=n) for name, n in sorted(inside.items()) if n],
            )
        )
    return PortfolioShape(
        snapshot=snapshot.snapshot_id,
        as_of=snapshot.as_of,
        value=portfolio.value,
        by=portfolio.by,
        cells=lines,
        rest=Sums(**_sums(rest, known)),
        total=Sums(**_sums(found, known)),
        grid=[
            GridCell(band=both[0], state=both[1], cell=cell_of.get(both), persons=held.get(both, NOBODY)["persons"])
            for both in dict.fromkeys([*cell_of, *held])
        ],
        unserved=[line.cell for line in lines if line.persons and not line.campaigns],
        unasked=list(unasked),
    )


def _sums(rows: Sequence[Mapping[str, Any]], known: Collection[str]) -> dict[str, Any]:
    import pandas as pd

    sums = {
        name: sum(int(row[name]) for row in rows if not pd.isna(row[name])) if name in known else None for name in MONEY
    }
    return {**sums, "persons": sum(row["persons"] for row in rows)}
