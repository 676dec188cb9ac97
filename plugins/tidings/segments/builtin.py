"""The built-in conditions, registered like anyone's. Light: the libraries they need are imported when they run."""

from __future__ import annotations

from tidings.hookspecs import hookimpl
from tidings.model.seams import Condition
from tidings.segments.conditions import Bought, Clicked, InSegment, Opened, Ordered, Received
from tidings.segments.dates import Birthday, Due
from tidings.segments.happened import Did, Viewed
from tidings.segments.lists import Listed
from tidings.segments.membership import Joined, Left
from tidings.segments.ranks import Rfm, Top


@hookimpl
def register_conditions() -> list[type[Condition]]:
    """Conditions about orders, our messages, other segments, where a customer stands, days, lists, events."""
    about_us = [Bought, Ordered, InSegment, Joined, Left, Received, Opened, Clicked]
    return [*about_us, Top, Rfm, Birthday, Due, Listed, Viewed, Did]
