"""How far back anything looks into the ledger's messages: what `retention.messages` may not be shorter than."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from tidings.errors import TidingsError, Where
from tidings.model.mistakes import Place
from tidings.model.scalars import format_duration
from tidings.model.steps import Send, walk_places
from tidings.project import Project
from tidings.settings import MARKER


class Window(NamedTuple):
    """A time that somebody looks back, and the file, line and column that say so."""

    span: timedelta
    what: str
    where: Where


def windows(project: Project) -> Iterator[Window]:
    """Caps, the goals of campaigns, and how long a product is not recommended again.

    What conditions ask (`received`, `opened`, `clicked`) is remembered beside the messages, and needs none of them.
    """
    settings = project.documents.get(MARKER.as_posix())
    for channel, cap in project.settings.caps.items():
        place: Place = ("caps", channel, "within")
        where = settings.where(place) if settings else Where(MARKER.as_posix())
        yield Window(cap.within, f"the cap of {channel}", where)
    for name, campaign in project.campaigns.items():
        file = f"config/campaigns/{name}.yaml"
        document = project.documents.get(file)
        found: list[tuple[timedelta, str, Place]] = []
        if campaign.goal is not None:
            found.append((campaign.goal.within, "the goal", ("goal", "within")))
        for place, step in walk_places(campaign.steps):
            if isinstance(step, Send) and step.recommend is not None and step.recommend.not_again is not None:
                found.append((step.recommend.not_again, "`not_again`", (*place, "recommend", "not_again")))
        for span, what, place in found:
            yield Window(span, f"{what} of {name}", document.where(place) if document else Where(file))


def too_short(project: Project) -> list[TidingsError]:
    """What looks back further than messages are kept, each at its place."""
    kept = project.settings.retention.messages
    if kept is None:
        return []
    fix = f"let retention.messages be {{}} or more, or remove it; it is {format_duration(kept)}"
    return [
        TidingsError(
            f"{each.what} looks back {format_duration(each.span)}, further than messages are kept",
            fix.format(format_duration(each.span)),
            each.where,
        )
        for each in windows(project)
        if each.span > kept
    ]
