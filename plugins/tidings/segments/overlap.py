"""Which segments share their people."""

from __future__ import annotations

from collections.abc import Sequence

from tidings.model.seams import Snapshot
from tidings.segments.columns import segment_column
from tidings.warehouse.scratch import scratch


def count_overlap(snapshot: Snapshot, segments: Sequence[str]) -> list[list[int]]:
    """Persons in both of each two of these segments, which the snapshot answers; on the diagonal their sizes.

    A person is in a segment where any profile is, so two profiles may put one person into both.
    """
    if not segments:
        return []
    answers = ", ".join(f'bool_or("{segment_column(name)}")::INT AS "{name}"' for name in segments)
    with scratch() as connection:
        connection.read_parquet(str(snapshot.people)).create_view("people")
        found = connection.execute(f"SELECT {answers} FROM people GROUP BY person_key").fetchnumpy()
    import numpy as np

    inside = np.column_stack(list(found.values())).astype("float64")
    return [[int(number) for number in row] for row in inside.T @ inside]
