"""segment: why one customer is in a segment, or which condition keeps them out."""

from __future__ import annotations

from typing import Any

from tidings.errors import TidingsError, did_you_mean
from tidings.ledger.database import Ledger
from tidings.ledger.snapshots import current_snapshot
from tidings.model.segment_counts import Answer, ColumnValue, ExplainLine, ExplainShape
from tidings.planning.people import answer_column, load_profiles
from tidings.project import Project
from tidings.segments.explain import explain_segment

ANSWERS: dict[bool | None, Answer] = {True: "true", False: "false", None: "unknown"}


def segment(project: Project, name: str, customer: str) -> ExplainShape:
    """The segment's tree for one customer, by the current snapshot.

    TidingsError for a segment or a customer nobody knows, and where the segment was edited after the refresh.
    """
    if name not in project.segments:
        raise TidingsError(f"there is no segment {name!r}", did_you_mean(name, list(project.segments)))
    with Ledger.open(project, create=False) as ledger, ledger.read() as connection:
        snapshot = current_snapshot(connection, project.root)
    column = answer_column(project, snapshot, name)
    [told] = explain_segment(project, snapshot, name, [customer])
    people = load_profiles(snapshot, [column])
    person = str(people.loc[people["customer_id"] == customer, "person_key"].iloc[0])
    theirs = people[(people["person_key"] == person) & people[column]]
    return ExplainShape(
        segment=name,
        customer=customer,
        person=person,
        as_of=snapshot.as_of,
        inside=told.inside,
        member=not theirs.empty,
        records=sorted(theirs["customer_id"]),
        failed=told.failed,
        lines=[
            ExplainLine(
                depth=line.depth,
                words=line.words,
                answer=ANSWERS[line.answer],
                failed=line.failed,
                values=[
                    ColumnValue(column=column, kind=kind, value=_plain(value))
                    for column, (kind, value) in line.values.items()
                ],
            )
            for line in told.lines
        ],
    )


def _plain(value: Any) -> bool | int | float | str | None:
    """As JSON has it."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value.isoformat()) if hasattr(value, "isoformat") else float(value)
