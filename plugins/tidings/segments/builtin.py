"""The built-in conditions, registered like anyone's. Light: the libraries they need are imported when they run."""

from __future__ import annotations

from tidings.hookspecs import hookimpl
from tidings.model.seams import Condition
from tidings.segments.conditions import Bought, Clicked, InSegment, Opened, Ordered, Received
from tidings.segments.membership import Joined, Left


@hookimpl
def register_conditions() -> list[type[Condition]]:
    """Conditions about orders, about our own messages, and about other segments and their history."""
    return [Bought, Ordered, InSegment, Joined, Left, Received, Opened, Clicked]
