"""Every question answered, with what the summary keeps of the answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tidings.model.insight import Ladder
from tidings.segments.history import History
from tidings.segments.questions import Questions
from tidings.segments.stage2 import save_people
from tidings.segments.unknown import count_unknown
from tidings.warehouse.features import USUAL_LADDER

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class Answers:
    """Persons by segment: who is in it, who entered and left it, and of whom it could not be known."""

    segments: dict[str, int]
    entered: dict[str, int]
    left: dict[str, int]
    unknown: dict[str, int]


def save_answers(
    features: Path,
    persons: pd.DataFrame,
    touches: pd.DataFrame,
    questions: Questions,
    history: History,
    folder: Path,
    ladder: Ladder = USUAL_LADDER,
    valued: pa.Table | None = None,
) -> Answers:
    """Write people.parquet and membership.parquet into `folder`; the arguments are those of `save_people`."""
    people = folder / "people.parquet"
    sizes = save_people(features, persons, touches, questions, history.now, people, ladder, history, valued)
    changes = history.save(people, folder / "membership.parquet")
    return Answers(sizes, changes.entered, changes.left, count_unknown(people, questions))
