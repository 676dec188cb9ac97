"""Who reads a column that is gone, or holds something else than at the last refresh: nobody is asked less silently."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tidings.errors import ProjectErrors, TidingsError, Where
from tidings.project import Project
from tidings.segments.expressions import Kind
from tidings.segments.questions import compile_questions
from tidings.segments.reads import FEATURES
from tidings.warehouse.drift import Change, Schema, changes

CUSTOMERS = "customers"


def refuse_drift(
    project: Project,
    now: datetime,
    columns: Mapping[str, Kind],
    kept: Mapping[str, Any],
    schema: Schema,
) -> list[Change]:
    """How the source tables differ from those of the last refresh, whose summary is `kept`; nothing where it has none.

    ProjectErrors naming each change that a segment or campaign cannot do without, and the places that read it.
    `columns` are those that may be asked about now, `schema` is that of the tables. A column of another type that
    is still of a kind its readers understand is no mistake, nor is one that nobody reads.
    """
    found = changes(kept["schema"], schema) if "schema" in kept else []
    base = {**columns, **kept.get("columns", {})}
    wrong_anyway: set[Where | None] | None = None
    errors: list[TidingsError] = []
    for change in found:
        altered = _altered(base, columns, change)
        if altered == base:
            continue
        if wrong_anyway is None:
            wrong_anyway = set(_mistaken(project, now, base))
        if places := [str(where) for where in _mistaken(project, now, altered) if where not in wrong_anyway]:
            fix = "bring it back or map it in warehouse.tables, or mend these files; the last snapshot stays current"
            errors.append(TidingsError(f"{change} since the last refresh, and is read by {', '.join(places)}", fix))
    if errors:
        raise ProjectErrors(errors)
    return found


def _altered(base: Mapping[str, Kind], columns: Mapping[str, Kind], change: Change) -> dict[str, Kind]:
    """The columns of the last refresh with this one change."""
    if change.was is None:
        return dict(base)
    if change.column is None:
        return {name: kind for name, kind in base.items() if change.table not in FEATURES.get(name, ())}
    if change.table != CUSTOMERS:
        return dict(base)
    altered = {name: kind for name, kind in base.items() if name != change.column}
    if change.now is not None and change.column in columns:
        altered[change.column] = columns[change.column]
    return altered


def _mistaken(project: Project, now: datetime, columns: Mapping[str, Kind]) -> list[Where | None]:
    try:
        compile_questions(project, now, columns)
    except ProjectErrors as error:
        return [each.where for each in error.errors]
    return []
