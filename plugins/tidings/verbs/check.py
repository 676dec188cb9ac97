"""check: every mistake of a workspace at once. Nothing is written, and nothing leaves the machine unasked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from tidings.content.sources import list_templates
from tidings.content.uses import TemplateCheck
from tidings.delivery.control import refused_senders
from tidings.errors import TidingsError, Where, did_you_mean
from tidings.model.counts import CheckShape, Finding
from tidings.model.mistakes import Mistake, Place
from tidings.model.steps import If, walk_places
from tidings.planning.windows import too_short
from tidings.project import Clauses, Project, Reading, read_project
from tidings.segments.compile import Compiler, scope_of
from tidings.segments.features import Sources, look_at_sources
from tidings.segments.ladder import check_advocate
from tidings.warehouse.reading import Unreachable
from tidings.yamlfile import YamlDocument, place_mistake

WAREHOUSE = "warehouse"


def check(root: Path, at: str | None = None, *, online: bool = False) -> CheckShape:
    """What `load_project` finds, then conditions as they read at the time `at` against the warehouse, then templates.

    `online` also asks the providers whether they take messages from the sender.

    Findings are in order of file and line, warnings among them; `ok` where none is an error.
    """
    reading = read_project(root)
    project = reading.project
    sources = _look(reading, project.now(at))
    findings = {_finding(error): None for error in reading.errors}
    findings |= dict.fromkeys(
        [
            *_wrong_sources(reading, sources),
            *_wrong_advocate(reading, sources),
            *_stale_sources(reading, sources),
            *map(_finding, too_short(project)),
        ]
    )
    if online and not reading.errors:
        where = reading.settings.layers.where(("sender", "email"))
        found_there = [TidingsError(each.reason, each.fix, where) for each in refused_senders(project)]
        findings |= dict.fromkeys(map(_finding, found_there))
    # What a name or an argument gets wrong has been said already, by whoever read the file.
    said = {error.where for error in reading.errors}
    found = [*_conditions(project, sources, at), *_categories(project, sources)]
    found += TemplateCheck(project, sources.columns).findings()
    findings |= {each: None for each in found if Where(each.file, each.line, each.column) not in said}
    return CheckShape(
        ok=not any(finding.level == "error" for finding in findings),
        campaigns=reading.campaigns,
        segments=reading.segments,
        templates=len(list_templates(root)),
        findings=sorted(findings, key=lambda each: (each.file, each.line or 0, each.column or 0, each.reason)),
    )


def _look(reading: Reading, now: datetime) -> Sources:
    """The warehouse; nothing is known of it where the settings do not say where it is."""
    mended = {place[1:2] for place in reading.settings.mended if place[:1] in ((), (WAREHOUSE,))}
    if mended - {("tables",), ("freshness",)}:
        return Sources()
    sources = look_at_sources(reading.project, now)
    if ("tables",) in mended:
        sources.wrong.clear()  # a table is missed that is only mapped wrongly
    return sources


def _wrong_sources(reading: Reading, sources: Sources) -> Iterator[Finding]:
    tables = reading.project.settings.warehouse.tables
    for name, error in sources.wrong:
        place: Place = (WAREHOUSE, "tables", name) if name is not None and name in tables else (WAREHOUSE, "url")
        where = reading.settings.layers.where(place)
        if isinstance(error, Unreachable):
            reason = f"columns are not checked: {error.reason}"
            yield _finding(TidingsError(reason, error.fix, where), warning=True)
        else:
            yield _finding(TidingsError(error.reason, error.fix, where))


def _wrong_advocate(reading: Reading, sources: Sources) -> Iterator[Finding]:
    try:
        if sources.columns is not None:
            check_advocate(reading.project.settings.ladder, sources.columns)
    except TidingsError as error:
        yield _finding(TidingsError(error.reason, error.fix, reading.settings.layers.where(("ladder", "advocate"))))


def _stale_sources(reading: Reading, sources: Sources) -> Iterator[Finding]:
    """A table that is too old is nobody's mistake in a file: campaigns wait for a newer one."""
    for each in sources.stale:
        where = reading.settings.layers.where((WAREHOUSE, "freshness", each.source))
        fix = "campaigns that depend on it plan nobody until it is newer"
        yield _finding(TidingsError(str(each), fix, where), warning=True)


def _conditions(project: Project, sources: Sources, at: str | None) -> Iterator[Finding]:
    scope, now = scope_of(project, sources.columns), project.now(at)
    for document, condition, place in _asked(project):
        compiler = Compiler(project, now, scope, sources.tables)
        compiler.compile(condition, place)
        yield from (_finding(place_mistake(mistake, document)) for mistake in compiler.mistakes)


def _categories(project: Project, sources: Sources) -> Iterator[Finding]:
    """Categories that no product has, where one is called nearly so; others may come yet."""
    known = sorted(sources.categories or ())
    for document, category, place in _asked_categories(project):
        hint = did_you_mean(category, known)
        if category not in known and hint.startswith("did"):
            mistake = Mistake(place, f"no product has the category {category!r}", hint)
            yield _finding(place_mistake(mistake, document), warning=True)


def _asked_categories(project: Project) -> Iterator[tuple[YamlDocument, str, Place]]:
    clauses = Clauses(project.plugins.conditions)
    for name, campaign in project.campaigns.items():
        if campaign.goal and "category" in campaign.goal.where:
            document = project.documents[f"config/campaigns/{name}.yaml"]
            yield document, campaign.goal.where["category"], ("goal", "where", "category")
    for document, condition, place in _asked(project):
        for leaf in clauses.read(condition, place)[0]:
            if leaf.name in ("bought", "due") and (category := getattr(leaf.config, "category", None)):
                yield document, category, (*leaf.place, "category")


def _asked(project: Project) -> Iterator[tuple[YamlDocument, Any, Place]]:
    """Every condition with its file and its place there."""
    for name, segment in project.segments.items():
        for index, clause in enumerate(segment.where):
            yield project.documents[f"segments/{name}.yaml"], clause, ("where", index)
    for name, campaign in project.campaigns.items():
        document = project.documents[f"config/campaigns/{name}.yaml"]
        yield document, campaign.audience.include, ("audience", "include")
        for index, clause in enumerate(campaign.audience.exclude):
            yield document, clause, ("audience", "exclude", index)
        for place, step in walk_places(campaign.steps):
            if isinstance(step, If):
                yield document, step.condition, (*place, "if")


def _finding(error: TidingsError, *, warning: bool = False) -> Finding:
    where = error.where or Where(".")
    level = "warning" if warning else "error"
    return Finding(level=level, reason=error.reason, fix=error.fix, **vars(where))
