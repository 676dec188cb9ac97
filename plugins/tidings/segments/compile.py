"""Conditions of YAML → one DuckDB boolean expression that is never NULL.

A string is a segment's name or SQL over feature columns; a mapping is `all`, `any`, `not` or a named condition of a
plugin. A condition on NULL is false, so `not` of a condition is its complement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tidings.errors import ProjectErrors, TidingsError, did_you_mean
from tidings.model.mistakes import Mistake, Place
from tidings.model.seams import Condition
from tidings.project import Clauses, Leaf, Project
from tidings.segments.columns import NAME, segment_column
from tidings.segments.expressions import Expression, Kind, Scope, Value
from tidings.segments.features import STAGE_2, known_columns
from tidings.warehouse.features import BASE
from tidings.warehouse.money import exponent

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True)
class CompiledCondition:
    """`sql` over the columns of people.parquet, its `parameters` by name, and what it stands on.

    `conditions` are the named conditions whose aggregates must be columns, `segments` the segments it reads.
    """

    sql: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    segments: frozenset[str] = frozenset()

    def aggregates(
        self, tables: Mapping[str, ir.Table], now: datetime, *, ledger: bool = False
    ) -> dict[str, ir.Column]:
        """Column name → aggregate over `tables`: the warehouse's, or the ledger's `touches`."""
        wanted = (condition for condition in self.conditions if condition.ledger == ledger)
        return {name: column for each in wanted for name, column in each.aggregates(tables, now).items()}


def compile_condition(
    project: Project, condition: Any, now: datetime, *, columns: Mapping[str, Kind] | None = None
) -> CompiledCondition:
    """One condition (a list means *and*); ProjectErrors with every mistake in it.

    `columns` are the feature columns it may ask about; by default those of the warehouse as it is now.
    """
    compiler = Compiler(project, now, scope_of(project, known_columns(project) if columns is None else columns))
    compiled = compiler.compile(condition)
    if compiler.mistakes:
        raise ProjectErrors([TidingsError(found.reason, found.fix) for found in compiler.mistakes])
    return compiled


class Compiler:
    """Compiles conditions of one project; `mistakes` collects what is wrong in all of them, each with its place.

    `since_entry`: the conditions belong to an `if` step, where an event without `within` means since entry.
    """

    def __init__(self, project: Project, now: datetime, scope: Scope, since_entry: bool = False) -> None:
        self.project = project
        self.now = now
        self.scope = scope
        self.since_entry = since_entry
        self.clauses = Clauses(project.plugins.conditions)
        self.mistakes: list[Mistake] = []

    def compile(self, condition: Any, place: Place = ()) -> CompiledCondition:
        """The condition; FALSE, and an entry in `mistakes`, where it is wrong."""
        if isinstance(condition, list):
            return self._joined("AND", condition, place)
        if isinstance(condition, dict) and len(condition) == 1:
            [(word, value)] = condition.items()
            if word in ("all", "any") and isinstance(value, list) and value:
                return self._joined("AND" if word == "all" else "OR", value, (*place, word))
            if word == "not" and not isinstance(value, list):
                inner = self.compile(value, (*place, word))
                return CompiledCondition(f"(NOT {inner.sql})", inner.parameters, inner.conditions, inner.segments)
        leaves, mistakes = self.clauses.read(condition, place)
        self.mistakes += mistakes
        return self._leaf(leaves[0]) if leaves and not mistakes else CompiledCondition("FALSE")

    def _joined(self, word: str, conditions: list[Any], place: Place) -> CompiledCondition:
        parts = [self.compile(each, (*place, index)) for index, each in enumerate(conditions)]
        if not parts:
            return CompiledCondition("TRUE")
        return CompiledCondition(
            f"({f' {word} '.join(part.sql for part in parts)})",
            {name: value for part in parts for name, value in part.parameters.items()},
            tuple(condition for part in parts for condition in part.conditions),
            frozenset().union(*(part.segments for part in parts)),
        )

    def _leaf(self, leaf: Leaf) -> CompiledCondition:
        try:
            return self._text(leaf.text.strip()) if leaf.text is not None else self._named(leaf)
        except TidingsError as error:
            self.mistakes.append(Mistake(leaf.place, error.reason, error.fix))
            return CompiledCondition("FALSE")

    def _text(self, text: str) -> CompiledCondition:
        if NAME.fullmatch(text):
            if text in self.project.segments:
                return self._segment(text)
            if text not in self.scope.columns and not self.scope.open:
                fix = did_you_mean(text, [*self.project.segments, *self.scope.columns])
                raise TidingsError(f"there is no segment {text!r}", fix)
        expression = Expression(self.scope)
        sql = expression.boolean(text)
        return CompiledCondition(f"coalesce({sql}, FALSE)", expression.parameters)

    def _named(self, leaf: Leaf) -> CompiledCondition:
        config, kind = leaf.config, self.project.plugins.conditions[str(leaf.name)]
        if is_event(kind) and getattr(config, "within", None) is None and not self.since_entry:
            raise TidingsError(
                f"`{leaf.name}` needs `within` here",
                f"write {leaf.name}: {{within: 365d}}; only an `if` step means since entry",
            )
        condition = kind(config)
        if leaf.name == "in_segment":
            return self._segment(str(getattr(config, "segment", "")))
        return CompiledCondition(f"coalesce({condition.sql(self.now)}, FALSE)", {}, (condition,))

    def _segment(self, name: str) -> CompiledCondition:
        if name not in self.project.segments:
            raise TidingsError(f"there is no segment {name!r}", did_you_mean(name, list(self.project.segments)))
        return CompiledCondition(f'"{segment_column(name)}"', segments=frozenset({name}))


def is_event(kind: type[Condition]) -> bool:
    """Whether the condition is about something that happens: it can say `within`."""
    return "within" in kind.Config.model_fields


def scope_of(project: Project, columns: Mapping[str, Kind] | None) -> Scope:
    """What the project's strings may speak of; None stands for a warehouse that cannot be read."""
    settings = project.settings
    known = {**BASE, **STAGE_2} if columns is None else columns
    digits = exponent(settings.base_currency)
    return Scope(known, settings.base_currency, digits, settings.timezone, open=columns is None)
