"""Segments against each other and against the plugins' conditions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tidings.errors import TidingsError, did_you_mean
from tidings.model.campaign import Segment
from tidings.model.mistakes import Mistake, Place
from tidings.plugins import Plugins
from tidings.project.conditions import Clauses, Leaf
from tidings.project.shelf import Entry


@dataclass(frozen=True)
class Names:
    """Every name that has a file, also a broken one, and the send steps of readable campaigns."""

    segments: Collection[str]
    campaigns: Collection[str]
    offers: Collection[str]
    steps: Mapping[str, Collection[str]]


def segment_mistakes(segments: Sequence[Entry[Segment]], names: Names, plugins: Plugins) -> list[TidingsError]:
    """Unknown conditions, wrong arguments, unknown names and circles. SQL strings are `check`'s."""
    clauses = Clauses(plugins.conditions)
    errors: list[TidingsError] = []
    uses: dict[str, list[tuple[str, Leaf]]] = {}
    for entry in segments:
        for index, clause in enumerate(entry.noun.where):
            leaves, mistakes = clauses.read(clause, ("where", index))
            mistakes += [mistake for leaf in leaves for mistake in lasting_mistakes(leaf, names)]
            errors += entry.placed(mistakes)
            asked = [(leaf.asked, leaf) for leaf in leaves if leaf.asked]
            uses.setdefault(entry.name, []).extend((name, leaf) for name, leaf in asked if name in names.segments)
    entries = {entry.name: entry for entry in segments}
    return errors + [error for name, mistake in _circles(uses) for error in entries[name].placed([mistake])]


def lasting_mistakes(leaf: Leaf, names: Names) -> Iterator[Mistake]:
    """What is wrong with a named condition where no moment of entry gives it a beginning."""
    if leaf.segment and leaf.segment not in names.segments:
        yield unknown("segment", leaf.segment, (*leaf.place, "segment"), names.segments)
    if leaf.campaign and leaf.campaign not in names.campaigns:
        yield unknown("campaign", leaf.campaign, (*leaf.place, "campaign"), names.campaigns)
    if leaf.step and not leaf.campaign:
        fix = "add `campaign:`, or ask it in an `if` of that campaign"
        yield Mistake(leaf.place, f"`{leaf.name}` names the step {leaf.step!r} of no campaign", fix)
    elif leaf.step and leaf.step not in names.steps.get(leaf.campaign or "", (leaf.step,)):
        yield unknown("send step", leaf.step, (*leaf.place, "step"), names.steps[leaf.campaign or ""])
    yield from endless_mistakes(leaf)


def endless_mistakes(leaf: Leaf) -> Iterator[Mistake]:
    """A condition about something that happens has to say how far back."""
    if leaf.config is not None and getattr(leaf.config, "within", leaf) is None:
        yield Mistake(leaf.place, f"`{leaf.name}` needs `within` here", "say how far back: within: 30d")


def unknown(noun: str, name: str, place: Place, known: Collection[str]) -> Mistake:
    """The mistake of naming what is not there, with the nearest name that is."""
    return Mistake(place, f"there is no {noun} {name!r}", did_you_mean(name, list(known)))


def _circles(uses: Mapping[str, Sequence[tuple[str, Leaf]]]) -> Iterator[tuple[str, Mistake]]:
    """Each circle once, at the reference in its alphabetically first segment."""
    seen: set[frozenset[str]] = set()
    for start in sorted(uses):
        for used, leaf in uses[start]:
            way = _way(used, start, uses, (start,))
            if way and frozenset(way) not in seen:
                seen.add(frozenset(way))
                circle = " → ".join((*way, start))
                fix = "break the circle: write the conditions of one of them out"
                yield start, Mistake(leaf.place, f"segments that ask each other: {circle}", fix)


def _way(
    here: str, goal: str, uses: Mapping[str, Sequence[tuple[str, Leaf]]], behind: tuple[str, ...]
) -> tuple[str, ...] | None:
    """The segments on a way from `behind` over `here` back to `goal`, None where there is none."""
    if here == goal:
        return behind
    if here in behind:
        return None
    ways = (_way(used, goal, uses, (*behind, here)) for used, _ in uses.get(here, ()))
    return next((way for way in ways if way), None)
