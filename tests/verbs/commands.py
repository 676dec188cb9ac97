"""`tidings … --json` in this process, and its answer held to the shape that docs/json.md promises."""

from __future__ import annotations

from typing import TypeVar

from typer.testing import CliRunner

from tidings.cli.main import app
from tidings.model.base import Shape
from tidings.project import Project

S = TypeVar("S", bound=Shape)


def answer(project: Project, shape: type[S], *arguments: str) -> S:
    """What the command prints, which is nothing but this shape, without a key more or less."""
    done = CliRunner().invoke(app, [*arguments, "--json", "--root", str(project.root)], catch_exceptions=False)
    assert 0 == done.exit_code, done.output
    found = shape.model_validate_json(done.stdout, strict=True)
    assert found.model_dump_json(indent=2) == done.stdout.strip()
    return found
