"""A workspace as one value: settings, plugins and the nouns of its files, all checked against each other."""

from tidings.project.conditions import Clauses, Leaf
from tidings.project.definition import definition_files, definition_hash
from tidings.project.load import Reading, load_project, read_project
from tidings.project.workspace import Project, find_root

__all__ = [
    "Clauses",
    "Leaf",
    "Project",
    "Reading",
    "definition_files",
    "definition_hash",
    "find_root",
    "load_project",
    "read_project",
]
