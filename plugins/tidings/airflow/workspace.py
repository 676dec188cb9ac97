"""The workspace as Airflow may use it: one broken campaign or segment does not take the others with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from tidings.airflow import connections
from tidings.airflow.compat import option
from tidings.errors import ProjectErrors, TidingsError
from tidings.model.campaign import Campaign, Segment
from tidings.project import Clauses, Project, definition_files, find_root, read_project

T = TypeVar("T")

# A mistake in one of these folders concerns whoever uses the file; any other concerns everybody.
NOUNS = ("config/campaigns/", "config/offers/", "segments/")


@dataclass(frozen=True)
class Workspace:
    """`project` holds only what is whole; `readable` also campaigns that use a broken segment or offer."""

    project: Project
    readable: dict[str, Campaign]
    mistakes: list[TidingsError]


def workspace_root(file: str | Path) -> Path:
    """The option [tidings] workspace, else the folder above the Dag file that has config/tidings.yaml."""
    return find_root(Path(option("tidings", "workspace", "") or file))


def read_workspace(root: Path) -> Workspace:
    """Everything that is whole. ProjectErrors where settings or a plugin are broken: a rule might be missing."""
    reading = read_project(root)
    project = reading.project
    everybodys = [error for error in reading.errors if not _of_a_noun(error)]
    if everybodys:
        raise ProjectErrors(everybodys)
    broken = {error.where.file for error in reading.errors if error.where}
    campaigns = _whole(project.campaigns, "config/campaigns", broken)
    return Workspace(_without(project, broken), campaigns, reading.errors)


def open_project(root: str) -> Project:
    """The whole part of the workspace, for a task: secrets may also come from Airflow's connections."""
    project = read_workspace(Path(root)).project
    _refuse_far_executors(project)
    if not project.plugins.manager.is_registered(connections):
        project.plugins.manager.register(connections, name=connections.__name__)
    return project


def open_campaign(root: str, name: str) -> Project:
    """As `open_project`; ProjectErrors with its mistakes where this campaign is not whole."""
    project = open_project(root)
    if name in project.campaigns:
        return project
    reading = read_project(Path(root))
    own = [error for error in reading.errors if error.where and error.where.file == campaign_file(name)]
    # Not its own file: a segment or an offer that it uses.
    raise ProjectErrors(own or reading.errors or [TidingsError(f"there is no campaign {name!r}")])


def answerable(project: Project) -> Project:
    """Without segments and campaigns that ask what the warehouse cannot answer: a refresh asks all at once."""
    from tidings.verbs.check import check

    errors = [finding for finding in check(project.root).findings if finding.level == "error"]
    return _without(project, {finding.file for finding in errors})


def campaign_file(name: str) -> str:
    """The campaign's file, relative to the workspace."""
    return f"config/campaigns/{name}.yaml"


def _of_a_noun(error: TidingsError) -> bool:
    return error.where is not None and error.where.file.startswith(NOUNS)


def _whole(nouns: dict[str, T], folder: str, broken: set[str]) -> dict[str, T]:
    return {name: noun for name, noun in nouns.items() if f"{folder}/{name}.yaml" not in broken}


def _without(project: Project, broken: set[str]) -> Project:
    """The project without the nouns of these files, and without those that use them."""
    kept = replace(
        project,
        segments=_whole_segments(project, broken),
        offers=_whole(project.offers, "config/offers", broken),
    )
    campaigns = _whole(project.campaigns, "config/campaigns", broken)
    return replace(kept, campaigns={name: one for name, one in campaigns.items() if _stands(kept, one)})


def _whole_segments(project: Project, broken: set[str]) -> dict[str, Segment]:
    """Segments without a mistake, in themselves and in those they ask about."""
    clauses = Clauses(project.plugins.conditions)
    kept = _whole(project.segments, "segments", broken)
    asks = {
        name: {
            asked
            for clause in segment.where
            for leaf in clauses.read(clause)[0]
            if (asked := leaf.segment or (leaf.bare if leaf.bare in project.segments else None))
        }
        for name, segment in kept.items()
    }
    while lost := {name for name in kept if asks[name] - kept.keys()}:
        kept = {name: segment for name, segment in kept.items() if name not in lost}
    return kept


def _stands(project: Project, campaign: Campaign) -> bool:
    """Whether everything that the campaign uses is in the project."""
    if {step.offer for step in campaign.send_steps if step.offer} - project.offers.keys():
        return False
    try:
        definition_files(project, campaign)
    except KeyError:  # a segment that was left out
        return False
    return True


def _refuse_far_executors(project: Project) -> None:
    """Refuse tasks on other machines where the ledger is a file of this one (R20)."""
    if not project.settings.ledger.url.startswith("sqlite"):
        return
    names = re.split(r"[,;]", option("core", "executor", "LocalExecutor"))
    if far := [name for name in names if re.split(r"[.:=]", name.strip())[-1] != "LocalExecutor"]:
        fix = "set ledger.url to a PostgreSQL database, or use the LocalExecutor"
        raise TidingsError(f"a SQLite ledger cannot serve the executor {far[0].strip()}", fix)
