"""check: every mistake of a workspace at once. Nothing is written, nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tidings.content.sources import list_templates
from tidings.content.uses import TemplateCheck
from tidings.errors import TidingsError, Where
from tidings.model.counts import CheckShape, Finding
from tidings.model.mistakes import Place
from tidings.model.steps import If, walk_places
from tidings.project import Project, read_project
from tidings.segments.compile import Compiler, scope_of
from tidings.segments.expressions import Kind
from tidings.segments.features import known_columns
from tidings.settings import MARKER
from tidings.yamlfile import YamlDocument, place_mistake


def check(root: Path) -> CheckShape:
    """What `load_project` finds, then conditions against the warehouse's columns, then templates.

    Findings are in order of file and line, warnings among them; `ok` where none is an error.
    """
    reading = read_project(root)
    findings = {_finding(error): None for error in reading.errors}
    if reading.project is not None:
        columns = known_columns(reading.project)
        if columns is None:
            fix = "put the tables into data/, or mend `warehouse:`"
            where = reading.project.documents[str(MARKER)].where(("warehouse",))
            error = TidingsError("the warehouse cannot be read, so columns are not checked", fix, where)
            findings[_finding(error, warning=True)] = None
        said = {error.where for error in reading.errors}
        for error in _conditions(reading.project, columns):
            # What a name or an argument gets wrong has been said already, by whoever read the file.
            if error.where not in said:
                findings[_finding(error)] = None
        names = None if columns is None else set(columns)
        findings |= dict.fromkeys(TemplateCheck(reading.project, names).findings())
    return CheckShape(
        ok=not any(finding.level == "error" for finding in findings),
        campaigns=reading.campaigns,
        segments=reading.segments,
        templates=len(list_templates(root)),
        findings=sorted(findings, key=lambda each: (each.file, each.line or 0, each.column or 0, each.reason)),
    )


def _conditions(project: Project, columns: Mapping[str, Kind] | None) -> Iterator[TidingsError]:
    scope = scope_of(project, columns)
    for document, condition, place in _asked(project):
        compiler = Compiler(project, project.now(), scope, since_entry="if" in place)
        compiler.compile(condition, place)
        yield from (place_mistake(mistake, document) for mistake in compiler.mistakes)


def _asked(project: Project) -> Iterator[tuple[YamlDocument, Any, Place]]:
    """Every condition with its file and its place there."""
    for name, segment in project.segments.items():
        yield project.documents[f"segments/{name}.yaml"], segment.where, ("where",)
    for name, campaign in project.campaigns.items():
        document = project.documents[f"config/campaigns/{name}.yaml"]
        yield document, campaign.audience.include, ("audience", "include")
        yield document, campaign.audience.exclude, ("audience", "exclude")
        for place, step in walk_places(campaign.steps):
            if isinstance(step, If):
                yield document, step.condition, (*place, "if")


def _finding(error: TidingsError, *, warning: bool = False) -> Finding:
    where = error.where or Where(".")
    level = "warning" if warning else "error"
    return Finding(level=level, reason=error.reason, fix=error.fix, **vars(where))
