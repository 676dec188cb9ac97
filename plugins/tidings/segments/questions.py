"""Every question a workspace asks of its customers, compiled: segments in order, and the conditions of campaigns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidings.errors import ProjectErrors, TidingsError, Where
from tidings.model.campaign import Campaign
from tidings.model.mistakes import Place
from tidings.model.seams import Condition
from tidings.model.steps import If, walk_places
from tidings.project import Project
from tidings.project.conditions import SINCE_ENTRY
from tidings.segments.columns import condition_column, segment_column
from tidings.segments.compile import CompiledCondition, Compiler, scope_of
from tidings.segments.expressions import Kind
from tidings.segments.ladder import check_advocate
from tidings.yamlfile import place_mistake

SEGMENT_FILE = "segments/{}.yaml"
CAMPAIGN_FILE = "config/campaigns/{}.yaml"


@dataclass(frozen=True)
class Questions:
    """Boolean columns by name, layer by layer: a layer reads only the columns of those before it.

    `segments` is the column of each segment.
    """

    layers: list[dict[str, CompiledCondition]]
    segments: dict[str, str]

    @property
    def conditions(self) -> list[Condition]:
        """The named conditions whose aggregates are needed."""
        return [condition for layer in self.layers for each in layer.values() for condition in each.conditions]


def compile_questions(
    project: Project, now: datetime, columns: Mapping[str, Kind], tables: Collection[str] | None = None
) -> Questions:
    """All segments and campaign conditions; ProjectErrors with file, line and column of everything wrong in them."""
    errors: list[TidingsError] = []
    scope = scope_of(project, columns)
    check_advocate(project.settings.ladder, columns)

    def compiled(condition: Any, file: str, place: Place) -> CompiledCondition:
        compiler = Compiler(project, now, scope, tables)
        found = compiler.compile(condition, place)
        errors.extend(place_mistake(mistake, project.documents[file]) for mistake in compiler.mistakes)
        return found

    segments = {
        name: compiled(segment.where, SEGMENT_FILE.format(name), ("where",))
        for name, segment in project.segments.items()
    }
    asked: dict[str, CompiledCondition] = {}
    for name, campaign in project.campaigns.items():
        for place, condition in campaign_conditions(campaign):
            column = condition_column(condition)
            if column not in asked:
                asked[column] = compiled(condition, CAMPAIGN_FILE.format(name), place)
    if errors:
        raise ProjectErrors(errors)
    layers = [{segment_column(name): segments[name] for name in layer} for layer in in_layers(segments)]
    columns_of = {name: segment_column(name) for name in sorted(segments)}
    others = {column: each for column, each in asked.items() if column not in columns_of.values()}
    return Questions([*layers, others], columns_of)


def campaign_conditions(campaign: Campaign) -> Iterator[tuple[Place, Any]]:
    """The conditions of a campaign that the snapshot answers, with their place in its file.

    Of an `if` step these are the single questions about the customer; what happened since entry is asked later.
    """
    yield ("audience", "include"), campaign.audience.include
    for index, condition in enumerate(campaign.audience.exclude):
        yield ("audience", "exclude", index), condition
    for place, step in walk_places(campaign.steps):
        if isinstance(step, If):
            yield from _static(step.condition, (*place, "if"))


def _static(condition: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    if isinstance(condition, dict) and len(condition) == 1:
        [(word, value)] = condition.items()
        if word in ("all", "any") and isinstance(value, list):
            for index, each in enumerate(value):
                yield from _static(each, (*place, word, index))
            return
        if word == "not":
            yield from _static(value, (*place, word))
            return
        if word in SINCE_ENTRY:
            return
    yield place, condition


def in_layers(segments: Mapping[str, CompiledCondition]) -> list[list[str]]:
    """Segments so that each stands after those it reads; ProjectErrors where they go round in a circle."""
    layers: list[list[str]] = []
    done: set[str] = set()
    rest = dict(segments)
    while rest:
        layer = sorted(name for name, each in rest.items() if each.segments <= done)
        if not layer:
            around = ", ".join(sorted(rest))
            where = Where(SEGMENT_FILE.format(min(rest)))
            raise ProjectErrors(
                [TidingsError(f"segments ask about each other in a circle: {around}", "break it", where)]
            )
        layers.append(layer)
        done.update(layer)
        rest = {name: each for name, each in rest.items() if name not in done}
    return layers
