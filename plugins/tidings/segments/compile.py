"""Conditions of YAML → one DuckDB boolean expression that is never NULL.

A string is a segment's name or SQL over feature columns; a mapping is `all`, `any`, `not` or a named condition of a
plugin. A condition on NULL is false, so `not` of a condition is its complement.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tidings.errors import TidingsError, did_you_mean
from tidings.model.mistakes import Mistake, Place
from tidings.model.money import exponent
from tidings.model.seams import Condition, Surroundings
from tidings.plugins import contained
from tidings.project import Clauses, Leaf, Project
from tidings.segments.columns import known_column, segment_column
from tidings.segments.conditions import NEGATED
from tidings.segments.expressions import Expression, Kind, Scope, Value
from tidings.segments.features import STAGE_2
from tidings.warehouse.features import BASE


@dataclass(frozen=True)
class CompiledCondition:
    """`sql` over the columns of people.parquet, its `parameters` by name, and what it stands on.

    `known` asks the same in three-valued logic, for counting: NULL where the answer hangs on what is not known. It
    reads the column `known__<name>` of each segment. `conditions` are the named conditions whose aggregates must be
    columns, `segments` the segments it reads.
    """

    sql: str
    known: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    segments: frozenset[str] = frozenset()


NEVER = CompiledCondition("FALSE", "FALSE")


class Compiler:
    """Compiles conditions of one project; `mistakes` collects what is wrong in all of them, each with its place.

    `tables` are the source tables that are there; None stands for a warehouse that cannot be read.
    """

    def __init__(self, project: Project, now: datetime, scope: Scope, tables: Collection[str] | None = None) -> None:
        self.project = project
        self.now = now
        self.scope = scope
        columns = None if scope.open else scope.columns
        self.around = Surroundings(project.warehouse_folder, project.settings.timezone, columns, tables)
        self.clauses = Clauses(project.plugins.conditions)
        self.mistakes: list[Mistake] = []

    def compile(self, condition: Any, place: Place = (), *, negated: bool = False) -> CompiledCondition:
        """The condition; FALSE, and an entry in `mistakes`, where it is wrong.

        `negated`: its complement is asked for, so that it holds wherever `not` of it must not (R37).
        """
        if isinstance(condition, list):
            return self._joined("AND", condition, place, negated)
        if isinstance(condition, dict) and len(condition) == 1:
            [(word, value)] = condition.items()
            if word in ("all", "any") and isinstance(value, list) and value:
                return self._joined("AND" if word == "all" else "OR", value, (*place, word), negated)
            if word == "not" and not isinstance(value, list):
                inner = self.compile(value, (*place, word), negated=not negated)
                return replace(inner, sql=f"(NOT {inner.sql})", known=f"(NOT {inner.known})")
        leaves, mistakes = self.clauses.read(condition, place)
        self.mistakes += mistakes
        return self._leaf(leaves[0], negated) if leaves and not mistakes else NEVER

    def _joined(self, word: str, conditions: list[Any], place: Place, negated: bool) -> CompiledCondition:
        parts = [self.compile(each, (*place, index), negated=negated) for index, each in enumerate(conditions)]
        if not parts:
            return CompiledCondition("TRUE", "TRUE")
        return CompiledCondition(
            f"({f' {word} '.join(part.sql for part in parts)})",
            f"({f' {word} '.join(part.known for part in parts)})",
            {name: value for part in parts for name, value in part.parameters.items()},
            tuple(condition for part in parts for condition in part.conditions),
            frozenset().union(*(part.segments for part in parts)),
        )

    def _leaf(self, leaf: Leaf, negated: bool) -> CompiledCondition:
        try:
            if leaf.name == "in_segment" or (leaf.bare and leaf.bare in self.project.segments):
                return self._segment(str(leaf.asked))
            return self._text(leaf) if leaf.text is not None else self._named(leaf, negated)
        except TidingsError as error:
            self.mistakes.append(Mistake(leaf.place, error.reason, error.fix))
            return NEVER

    def _text(self, leaf: Leaf) -> CompiledCondition:
        if leaf.bare and leaf.bare not in self.scope.columns and not self.scope.open:
            fix = did_you_mean(leaf.bare, [*self.project.segments, *self.scope.columns])
            raise TidingsError(f"there is no segment {leaf.bare!r}", fix)
        expression = Expression(self.scope)
        sql = expression.boolean(str(leaf.text).strip())
        return CompiledCondition(f"coalesce({sql}, FALSE)", sql, expression.parameters)

    def _named(self, leaf: Leaf, negated: bool) -> CompiledCondition:
        kind = self.project.plugins.conditions[str(leaf.name)]
        with contained(f"the condition {leaf.name!r}"):
            condition = (NEGATED.get(kind, kind) if negated else kind)(leaf.config)
            condition.around = self.around
            found = list(condition.mistakes())
            sql = "FALSE" if found else condition.sql(self.now)
        self.mistakes += [replace(each, place=(*leaf.place, *each.place)) for each in found]
        segments = frozenset({leaf.segment} if leaf.segment else ())
        # What nobody recorded has not happened: a named condition is never unknown.
        answer = f"coalesce({sql}, FALSE)"
        return CompiledCondition(answer, answer, {}, (condition,), segments)

    def _segment(self, name: str) -> CompiledCondition:
        if name not in self.project.segments:
            raise TidingsError(f"there is no segment {name!r}", did_you_mean(name, list(self.project.segments)))
        return CompiledCondition(f'"{segment_column(name)}"', f'"{known_column(name)}"', segments=frozenset({name}))


def scope_of(project: Project, columns: Mapping[str, Kind] | None) -> Scope:
    """What the project's strings may speak of; None stands for a warehouse that cannot be read."""
    settings = project.settings
    known = {**BASE, **STAGE_2} if columns is None else columns
    digits = exponent(settings.base_currency)
    return Scope(known, settings.base_currency, digits, settings.timezone, open=columns is None)
