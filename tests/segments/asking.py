"""One condition compiled by itself, as tests ask it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.warehouse.workspaces import NOW
from tidings.project import Project
from tidings.segments.compile import CompiledCondition, Compiler, scope_of
from tidings.segments.expressions import Kind


def compiled_condition(project: Project, condition: Any, columns: Mapping[str, Kind] | None) -> CompiledCondition:
    """The condition (a list means *and*) over these columns, without a mistake; None: the warehouse is not there."""
    compiler = Compiler(project, NOW, scope_of(project, columns))
    made = compiler.compile(condition)
    assert compiler.mistakes == []
    return made
