"""segments: how large each segment is, who came and went, and of whom it is not known."""

from __future__ import annotations

from datetime import datetime
from itertools import product
from pathlib import Path

from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.snapshots import current_snapshot, summary
from tidings.model.segment_counts import Overlap, SegmentLine, SegmentsShape
from tidings.planning.questions import edited
from tidings.project import Project


def segments(project: Project, now: datetime, *, overlap: bool = False, picture: Path | None = None) -> SegmentsShape:
    """Every segment that has a file, by the current snapshot; with `overlap` the persons of each two in both, and with
    `picture` their shares as a PNG or SVG file there.

    TidingsError before the first refresh, and for a picture without overlaps.
    """
    from tidings.reports.grid import draw_overlap
    from tidings.reports.pictures import save_picture
    from tidings.segments.overlap import count_overlap

    with Ledger.open(project, create=False) as ledger, ledger.read() as connection:
        snapshot = current_snapshot(connection, project.root)
        counts = summary(connection, snapshot.snapshot_id)
    sizes: dict[str, int] = counts["segments"]
    everybody: int = counts["persons"]
    said = {name: counts.get(name, {}) for name in ("entered", "left", "unknown")}
    changed = edited(project, snapshot)
    lines = [
        SegmentLine(
            segment=name,
            title=segment.title,
            persons=sizes.get(name),
            share=sizes[name] / everybody if everybody and name in sizes else None,
            by_edit=name in counts.get("edited", []),
            edited=name in changed,
            **{field: by_segment.get(name) for field, by_segment in said.items()},
        )
        for name, segment in sorted(project.segments.items())
    ]
    asked = sorted(project.segments.keys() & sizes.keys())
    both = count_overlap(snapshot, asked) if overlap else []
    pairs = [
        Overlap(
            segment=asked[row],
            other=asked[column],
            persons=both[row][column],
            share=both[row][column] / both[row][row] if both[row][row] else None,
        )
        for row, column in product(range(len(both)), repeat=2)
        if row != column
    ]
    found = SegmentsShape(
        snapshot=snapshot.snapshot_id,
        as_of=snapshot.as_of,
        age_hours=(now - snapshot.as_of).total_seconds() / 3600,
        persons=everybody,
        segments=lines,
        overlap=pairs if overlap else None,
    )
    if picture is not None:
        if not pairs:
            raise TidingsError("there are no overlaps to draw", "add --overlap, and have two segments or more")
        save_picture(picture, lambda sheet: draw_overlap(sheet, found))
    return found
