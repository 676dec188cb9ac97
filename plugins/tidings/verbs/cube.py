"""cube: people and money by features and months."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.snapshots import current_snapshot, summary
from tidings.model.cube import CubeShape
from tidings.project import Project
from tidings.verbs.profit import costing


def cube(project: Project, by: Sequence[str], measures: Sequence[str], *, picture: Path | None = None) -> CubeShape:
    """By the current snapshot; with `picture`, two dimensions of one measure as a PNG or SVG file there.

    TidingsError before the first refresh, and for dimensions and measures that are not there.
    """
    import pyarrow.parquet as pq

    from tidings.insight.cube import cube as count
    from tidings.insight.cube import read_question
    from tidings.reports.grid import draw_cube
    from tidings.reports.pictures import save_picture

    with Ledger.open(project, create=False) as ledger, ledger.read() as connection:
        snapshot = current_snapshot(connection, project.root)
        columns = summary(connection, snapshot.snapshot_id)["columns"]
    kept = costing(snapshot)
    asked = read_question(by, measures, columns, pq.read_schema(snapshot.people).names)
    if picture is not None and (len(asked.by), len(asked.measures)) != (2, 1):
        fix = "ask such as --by level,status --measure people"
        raise TidingsError("a picture shows one measure by two dimensions", fix)
    cells, total = count(project, snapshot, asked, (kept["since"], kept["until"]))
    shape = CubeShape(
        snapshot=snapshot.snapshot_id,
        as_of=snapshot.as_of,
        by=list(asked.by),
        measures=list(asked.measures),
        cells=cells,
        total=total,
    )
    if picture is not None:
        save_picture(picture, lambda sheet: draw_cube(sheet, shape, project.settings.base_currency))
    return shape
