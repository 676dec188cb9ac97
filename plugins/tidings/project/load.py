"""Reading the files of a workspace: every mistake is collected, none hides another."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import ValidationError

from tidings.errors import ProjectErrors, TidingsError, Where
from tidings.model.base import Noun
from tidings.model.campaign import Campaign, Offer, Segment
from tidings.plugins import Plugins
from tidings.project.campaigns import Known, campaign_mistakes
from tidings.project.literals import literal_secrets
from tidings.project.providers import settings_mistakes
from tidings.project.segments import Names, segment_mistakes
from tidings.project.workspace import Project
from tidings.settings import Reading as SettingsReading
from tidings.settings import read_settings
from tidings.yamlfile import YamlDocument, mistakes, read_yaml

CAMPAIGNS = Path("config/campaigns")
OFFERS = Path("config/offers")
SEGMENTS = Path("segments")

T = TypeVar("T", bound=Noun)
REGISTRIES = ("providers", "conditions", "eligibility", "recommenders", "sections")


@dataclass
class Shelf(Generic[T]):
    """The nouns of one folder with their files.

    `names` also holds those whose file is broken: who refers to one has made no mistake of his own.
    """

    entries: list[tuple[T, YamlDocument]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    documents: dict[str, YamlDocument] = field(default_factory=dict)

    def nouns(self, key: str) -> dict[str, T]:
        """The nouns by name, without those whose file has another one."""
        named = ((getattr(noun, key), noun, document) for noun, document in self.entries)
        return {name: noun for name, noun, document in named if document.file.endswith(f"/{name}.yaml")}


@dataclass(frozen=True)
class Reading:
    """What could be read: the project as far as it holds (None without settings), and every mistake."""

    project: Project | None
    errors: list[TidingsError]
    campaigns: int
    segments: int


def load_project(root: Path) -> Project:
    """The workspace at `root`; ProjectErrors with every mistake in it."""
    reading = read_project(root)
    if reading.errors or reading.project is None:
        raise ProjectErrors(reading.errors)
    return reading.project


def read_project(root: Path) -> Reading:
    """The workspace at `root` and all its mistakes, those of plugins too, in file order."""
    errors: list[TidingsError] = []
    documents: dict[str, YamlDocument] = {}
    settings = _settings(root, documents, errors)
    plugins = Plugins(root, errors)
    campaigns = _shelf(root, CAMPAIGNS, Campaign, "campaign", errors)
    offers = _shelf(root, OFFERS, Offer, "offer", errors)
    segments = _shelf(root, SEGMENTS, Segment, "segment", errors)
    documents |= campaigns.documents | offers.documents | segments.documents
    present = settings[-1] if settings else None
    if _registries_work(plugins, errors):
        for reading in settings:
            errors += settings_mistakes(reading.settings, reading.layers, plugins) if reading.settings else []
        steps = {each.campaign: [step.name for step in each.send_steps] for each, _ in campaigns.entries}
        names = Names(segments.names, campaigns.names, offers.names, steps)
        errors += segment_mistakes(segments.entries, names, plugins)
        known = Known(plugins, names, present.settings if present else None)
        for campaign, document in campaigns.entries:
            errors += campaign_mistakes(campaign, document, known)
    for document in documents.values():
        found = literal_secrets(document)
        hidden = {error.where for error in found}
        errors = [error for error in errors if error.where not in hidden] + found
    project = None
    if present and present.settings:
        nouns = (campaigns.nouns("campaign"), segments.nouns("segment"), offers.nouns("offer"))
        project = Project(root, present.name, present.settings, plugins, *nouns, documents)
    once = {str(error): error for error in errors}
    return Reading(project, ProjectErrors(list(once.values())).errors, len(campaigns.names), len(segments.names))


def _settings(root: Path, documents: dict[str, YamlDocument], errors: list[TidingsError]) -> list[SettingsReading]:
    try:
        readings, found = read_settings(root)
    except TidingsError as error:
        errors.append(error)
        return []
    errors += found
    documents |= {document.file: document for document, _ in readings[-1].layers.documents}
    return readings


def _shelf(root: Path, folder: Path, model: type[T], key: str, errors: list[TidingsError]) -> Shelf[T]:
    shelf: Shelf[T] = Shelf()
    for path in sorted((root / folder).rglob("*.y*ml")):
        name = path.relative_to(root).as_posix()
        if path.suffix != ".yaml" or path.parent != root / folder:
            fix = f"move it to {folder}/{path.stem}.yaml"
            errors.append(TidingsError("the file is not read", fix, Where(name, 1, 1)))
            continue
        shelf.names.add(path.stem)
        try:
            document = read_yaml(path, root)
            shelf.documents[name] = document
            noun = _noun(document, model)
        except ProjectErrors as found:
            errors += found.errors
        except TidingsError as error:
            errors.append(error)
        else:
            shelf.entries.append((noun, document))
            shelf.names.add(getattr(noun, key))
            if getattr(noun, key) != path.stem:
                reason = f"the file is called {path.stem}, the {key} in it {getattr(noun, key)}"
                fix = f"rename the file to {getattr(noun, key)}.yaml, or write `{key}: {path.stem}`"
                errors.append(TidingsError(reason, fix, document.where((key,))))
    return shelf


def _noun(document: YamlDocument, model: type[T]) -> T:
    if not isinstance(document.data, dict):
        raise TidingsError("the file is not a mapping", "write `key: value` lines", document.where())
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise ProjectErrors(mistakes(error, document, model)) from error


def _registries_work(plugins: Plugins, errors: list[TidingsError]) -> bool:
    """Whether every registry can be built; a plugin that breaks one is named."""
    before = len(errors)
    for name in REGISTRIES:
        try:
            getattr(plugins, name)
        except TidingsError as error:
            errors.append(error)
    return len(errors) == before
