"""The built-in strategies of `recommend:`, registered like anyone's. Light: libraries are imported when they run."""

from __future__ import annotations

from tidings.hookspecs import hookimpl
from tidings.model.seams import Recommender
from tidings.recommend.recommenders import AssociationRules, Popular


@hookimpl
def register_recommenders() -> list[type[Recommender]]:
    """Rules from what is bought together, and what everybody buys."""
    return [AssociationRules, Popular]
