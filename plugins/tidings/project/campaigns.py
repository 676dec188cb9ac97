"""A campaign against everything it names: segments, conditions, channels, offers, recommenders, steps."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidings.clock import parse_at
from tidings.errors import TidingsError
from tidings.model.campaign import Campaign, Once
from tidings.model.mistakes import Mistake, Place, shown
from tidings.model.steps import If, Send, UntilGoal, Wait, walk_places
from tidings.plugins import Plugins
from tidings.project.conditions import SINCE_ENTRY, Clauses, Leaf
from tidings.project.segments import Names, endless_mistakes, lasting_mistakes, unknown

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
WEEKDAYS = "sun mon tue wed thu fri sat"
# Croniter knows more: R is a random number, H a hash of something, ? and W mean other things elsewhere.
_CRON = re.compile(rf"(?:[0-9*,/#\- ]|l(?![a-z])|{'|'.join((MONTHS + ' ' + WEEKDAYS).split())})+", re.IGNORECASE)
_DRAWN = re.compile(r"(?<![a-z])[rh](?![a-z])", re.IGNORECASE)


@dataclass(frozen=True)
class Known:
    """What a campaign may name; where the channels cannot be read (None) they are not asked about.

    `carriers` maps a channel to the names of its providers.
    """

    plugins: Plugins
    names: Names
    channels: Collection[str] | None
    carriers: Mapping[str, Sequence[str]]


def campaign_mistakes(campaign: Campaign, known: Known) -> list[Mistake]:
    """Everything a campaign names that is not there, or that does not go together."""
    found = [*_schedule(campaign), *_audience(campaign, known), *_guarantee(campaign, known), *_ids(campaign)]
    return [*found, *_steps(campaign, known)]


def _schedule(campaign: Campaign) -> Iterator[Mistake]:
    schedule = campaign.schedule
    if isinstance(schedule, Once):
        try:
            parse_at(schedule.once)
        except TidingsError as error:
            yield Mistake(("schedule", "once"), error.reason, error.fix)
    elif isinstance(schedule, str) and (drawn := _DRAWN.search(schedule)):
        reason = f"`{drawn[0]}` in a schedule stands for another time at each reading"
        yield Mistake(("schedule",), reason, "write the minute and the hour out")
    elif isinstance(schedule, str) and not _fires(schedule):
        fix = 'write minute, hour, day, month and weekday, such as "0 9 * * *", or @daily'
        yield Mistake(("schedule",), f"{shown(schedule)} is not a cron expression", fix)


def _fires(schedule: str) -> bool:
    """Whether a cron expression of five fields (or a word such as @daily) ever comes due."""
    from croniter import CroniterError, croniter

    if not schedule.startswith("@") and (len(schedule.split()) != 5 or not _CRON.fullmatch(schedule)):
        return False
    try:
        croniter(schedule, datetime(2026, 1, 1)).get_next()  # noqa: DTZ001 - cron knows no zone
    except (CroniterError, ValueError, KeyError, AttributeError):
        return False
    return True


def _audience(campaign: Campaign, known: Known) -> Iterator[Mistake]:
    clauses = Clauses(known.plugins.conditions)
    parts: list[tuple[Any, Place]] = [(campaign.audience.include, ("audience", "include"))]
    parts += [(clause, ("audience", "exclude", index)) for index, clause in enumerate(campaign.audience.exclude)]
    for clause, place in parts:
        leaves, mistakes = clauses.read(clause, place)
        yield from mistakes
        for leaf in leaves:
            if leaf.bare and leaf.bare not in known.names.segments:
                yield unknown("segment", leaf.bare, leaf.place, known.names.segments)
            yield from lasting_mistakes(leaf, known.names)


def _guarantee(campaign: Campaign, known: Known) -> Iterator[Mistake]:
    if campaign.guarantee != "cancel_in_doubt":
        return
    used = {channel for step in campaign.send_steps for channel in step.channels}
    carried = {(name, channel) for channel in used for name in known.carriers.get(channel, ())}
    for name, channel in sorted(carried):
        provider = known.plugins.providers.get(name)
        if provider is not None and provider.real and provider.cancels is None:
            fix = "write at_most_once, or have the channel carried by one that can, such as sendgrid"
            reason = f"{name}, which carries {channel}, cannot cancel what is in doubt"
            yield Mistake(("guarantee",), reason, fix)


def _ids(campaign: Campaign) -> Iterator[Mistake]:
    seen: set[str] = set()
    steps = list(walk_places(campaign.steps))
    for place, step in steps:
        if step.id is None and len(steps) > 1:
            yield Mistake((*place, "id"), "the step has no id", "add `id:`; one step alone may go without")
        elif step.id in seen:
            fix = "rename one; ids are unique in a campaign and never reused"
            yield Mistake((*place, "id"), f"the step id {step.id!r} is used twice", fix)
        elif step.id:
            seen.add(step.id)


def _steps(campaign: Campaign, known: Known) -> Iterator[Mistake]:
    for place, step in walk_places(campaign.steps):
        if isinstance(step, Send):
            yield from _send(campaign, step, place, known)
        elif isinstance(step, Wait) and isinstance(step.wait, UntilGoal) and campaign.goal is None:
            yield Mistake((*place, "wait"), "the campaign has no goal to wait for", "add `goal:`, or wait for a time")
        elif isinstance(step, If):
            leaves, mistakes = Clauses(known.plugins.conditions).read(step.condition, (*place, "if"))
            yield from mistakes
            for leaf in leaves:
                yield from _branch(leaf, campaign, known.names)
    if campaign.purpose == "service" and campaign.holdout:
        fix = "remove it: everybody gets a service message"
        yield Mistake(("holdout",), "a service campaign holds nobody out", fix, at_key=True)


def _branch(leaf: Leaf, campaign: Campaign, names: Names) -> Iterator[Mistake]:
    sends = [step.name for step in campaign.send_steps]
    if leaf.campaign not in (None, campaign.campaign):
        fix = "remove `campaign`, or put the condition into a segment and ask in_segment"
        yield Mistake((*leaf.place, "campaign"), "a branch asks about its own campaign only", fix)
    elif leaf.step and leaf.step not in sends:
        yield unknown("send step", leaf.step, (*leaf.place, "step"), sends)
    if leaf.asked and leaf.asked not in names.segments:
        yield unknown("segment", leaf.asked, (*leaf.place, "segment"), names.segments)
    if leaf.name not in SINCE_ENTRY:
        yield from endless_mistakes(leaf)


def _send(campaign: Campaign, step: Send, place: Place, known: Known) -> Iterator[Mistake]:
    channels = step.channels if known.channels is None else known.channels
    for index, channel in enumerate(step.channels):
        if channel not in channels:
            where = (*place, "send") if isinstance(step.send, str) else (*place, "send", "any_of", index)
            yield unknown("channel", channel, where, channels)
    if step.offer:
        if step.offer not in known.names.offers:
            yield unknown("offer", step.offer, (*place, "offer"), known.names.offers)
        if campaign.purpose == "service":
            fix = "remove the offer, or write `purpose: marketing`"
            yield Mistake((*place, "offer"), "a service message carries no offer", fix)
    if step.recommend:
        recommenders, strategy = list(known.plugins.recommenders), step.recommend.strategy
        if strategy not in recommenders:
            yield unknown("recommender", strategy, (*place, "recommend", "strategy"), recommenders)
        if step.recommend.at_least > step.recommend.count:
            reason = f"at_least {step.recommend.at_least} is more than count {step.recommend.count}"
            yield Mistake((*place, "recommend", "at_least"), reason, "ask for as many as are shown, or fewer")
    yield from _variants(step, place)


def _variants(step: Send, place: Place) -> Iterator[Mistake]:
    total = round(sum(variant.share for variant in step.variants) * 100, 6)
    if step.variants and total != 100:
        reason = f"the shares of the variants add up to {total:g} %"
        yield Mistake((*place, "variants"), reason, "make them 100 %")
    ids = [variant.id for variant in step.variants]
    for index, name in enumerate(ids):
        if name in ids[:index]:
            fix = "rename one; ids are unique in a step and never reused"
            yield Mistake((*place, "variants", index, "id"), f"the variant id {name!r} is used twice", fix)
