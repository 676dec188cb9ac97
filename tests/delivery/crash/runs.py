"""The whole matrix at once: every lane beside the others, so that what one waits for is another's time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.delivery.crash.cells import LANES, cells
from tests.delivery.crash.lane import Lane, Report

Told = Callable[[str], object]


def run_matrix(
    folder: Path, seed: int, kills: int, *, races: int, pairs: int, tell: Told = lambda _: None
) -> dict[tuple[str, str], Report]:
    """So many kills in every cell, and in every lane so many races and so many kills of two workers at once."""
    made = [Lane(folder / f"{kind}-{provider}", kind, provider, seed) for kind, provider in LANES]

    def run(lane: Lane) -> Report:
        with lane:
            lane.race(races)
            for number in range(kills):
                lane.run(list(cells(lane.provider)))
                tell(f"{lane.kind} {lane.provider}: round {number + 1} of {kills}")
            lane.kill_two(pairs)
            return lane.finish()

    with ThreadPoolExecutor(len(made)) as pool:
        return dict(zip(LANES, pool.map(run, made), strict=True))
