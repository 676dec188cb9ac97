"""What the segments asked when a snapshot was made: its columns have their names alone, and a file may be edited."""

from __future__ import annotations

import json

from tidings.model.seams import Snapshot
from tidings.project import Clauses, Project
from tidings.segments.columns import digest


def asked(project: Project) -> dict[str, str]:
    """Segment → what it asks, as one short hash; a refresh keeps it in its summary, as `questions`."""
    return {name: digest(segment.where) for name, segment in project.segments.items()}


def edited_segments(project: Project, snapshot: Snapshot, condition: object) -> list[str]:
    """The segments behind a condition that ask something else by now than the snapshot was asked, sorted.

    A snapshot that does not say what it was asked is taken at its word.
    """
    changed = _changed(project, snapshot)
    return sorted(_behind(project, condition) & changed) if changed else []


def edited(project: Project, snapshot: Snapshot) -> list[str]:
    """The segments that were asked something else, themselves or by one they read, than they say now; sorted."""
    changed = _changed(project, snapshot)
    return [name for name in sorted(project.segments) if changed and _behind(project, name) & changed]


def _changed(project: Project, snapshot: Snapshot) -> set[str]:
    path = snapshot.folder / "summary.json"
    then = json.loads(path.read_text(encoding="utf-8")).get("questions", {}) if path.exists() else {}
    return {name for name, now in asked(project).items() if then.get(name, now) != now}


def _behind(project: Project, condition: object) -> set[str]:
    """The segments that a condition names, those that these name, and so on."""
    clauses = Clauses(project.plugins.conditions)
    found: set[str] = set()
    waiting = [condition]
    while waiting:
        leaves, _ = clauses.read(waiting.pop())
        named = {str(leaf.segment or leaf.bare) for leaf in leaves}
        for name in (named & project.segments.keys()) - found:
            found.add(name)
            waiting += project.segments[name].where
    return found
