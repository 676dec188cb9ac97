"""Reading the files of a workspace: every mistake is collected, none hides another."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from tidings.errors import ProjectErrors, TidingsError
from tidings.model.campaign import Campaign, Offer, Segment
from tidings.model.mistakes import Mistake
from tidings.model.salvage import StandIns, remove, salvage
from tidings.plugins import Plugins
from tidings.project.campaigns import Known, campaign_mistakes
from tidings.project.literals import literal_secrets
from tidings.project.portfolio import read_portfolio
from tidings.project.providers import settings_mistakes
from tidings.project.segments import Names, segment_mistakes
from tidings.project.shelf import STAND_INS, Entry, Shelf, read_shelf
from tidings.project.workspace import Project
from tidings.settings import Reading as SettingsReading
from tidings.settings import read_settings

CAMPAIGNS = Path("config/campaigns")
OFFERS = Path("config/offers")
SEGMENTS = Path("segments")

# A step whose channel is lost becomes a pause: its template cannot be looked into as what it is.
NO_CHANNEL = StandIns(
    {key: value for key, value in STAND_INS.keys.items() if key != "send"},
    {key: value for key, value in STAND_INS.items.items() if key != "any_of"},
)


@dataclass(frozen=True)
class Reading:
    """The project as far as its files hold, with stand-ins for the rest, and every mistake."""

    project: Project
    settings: SettingsReading
    errors: list[TidingsError]
    campaigns: int
    segments: int


def load_project(root: Path) -> Project:
    """The workspace at `root`; ProjectErrors with every mistake in it."""
    reading = read_project(root)
    if reading.errors:
        raise ProjectErrors(reading.errors)
    return reading.project


def read_project(root: Path) -> Reading:
    """The workspace at `root` and all its mistakes, those of plugins too, in file order."""
    settings, errors = read_settings(root)
    present = settings[-1]
    plugins = Plugins(root, errors)
    campaigns = read_shelf(root, CAMPAIGNS, Campaign, "campaign", errors)
    offers = read_shelf(root, OFFERS, Offer, "offer", errors)
    segments = read_shelf(root, SEGMENTS, Segment, "segment", errors)
    for reading in settings:
        errors += settings_mistakes(reading, plugins)
    names = Names(segments.names, campaigns.names, offers.names, _steps(campaigns))
    errors += segment_mistakes(segments.entries, names, plugins)
    carriers = {channel: how.providers for channel, how in present.settings.channels.items()}
    known = Known(plugins, names, present.channels, carriers)
    whole: dict[str, Campaign] = {}
    for entry in campaigns.entries:
        found = campaign_mistakes(entry.noun, known)
        errors += entry.placed(found)
        whole[entry.name] = _sendable(entry, found)
    documents = {document.file: document for document, _ in present.layers.documents}
    portfolio, file = read_portfolio(root, present.settings.base_currency, errors)
    documents |= file
    documents |= campaigns.documents | offers.documents | segments.documents
    for document in documents.values():
        secrets = literal_secrets(document)
        hidden = {error.where for error in secrets}
        errors = [error for error in errors if error.where not in hidden] + secrets
    nouns = (whole, segments.nouns, offers.nouns)
    project = Project(root, present.name, present.settings, plugins, *nouns, documents, portfolio)
    once = {str(error): error for error in errors}
    in_order = ProjectErrors(list(once.values())).errors
    return Reading(project, present, in_order, len(campaigns.names), len(segments.names))


def _steps(campaigns: Shelf[Campaign]) -> dict[str, list[str]]:
    """The send steps by campaign, where the file says all of them."""
    whole = [entry for entry in campaigns.entries if not any("steps" in place for place in entry.mended)]
    named = [(name, entry.noun) for entry in whole for name in (entry.name, entry.noun.campaign)]
    return {name: [step.name for step in noun.send_steps] for name, noun in named}


def _sendable(entry: Entry[Campaign], found: list[Mistake]) -> Campaign:
    """The campaign without channels that are not there: what goes with them cannot be looked into."""
    lost = [place for place in (*entry.mended, *(each.place for each in found)) if "send" in place]
    if not lost:
        return entry.noun
    data = deepcopy(entry.document.data)
    for place in sorted(lost, reverse=True):
        remove(data, place)
    return salvage(Campaign, data, NO_CHANNEL).noun or entry.noun
