"""Whether a campaign may rely on the snapshot: the age of the tables that it depends on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tidings.model.campaign import Campaign
from tidings.model.seams import Snapshot
from tidings.model.steps import If, walk_places
from tidings.project import Clauses, Project
from tidings.segments.columns import condition_column
from tidings.segments.questions import campaign_conditions
from tidings.segments.reads import REQUIRED
from tidings.warehouse.freshness import Stale, stale_sources

_SINCE_ENTRY = {"ordered": frozenset({"orders"}), "bought": frozenset({"order_lines", "orders", "products"})}


def stale_source(project: Project, campaign: Campaign, snapshot: Snapshot, now: datetime) -> Stale | None:
    """The first source, by name, that the campaign depends on and that is beyond its limit at `now`."""
    limits = project.settings.warehouse.freshness
    if not limits:
        return None
    path = snapshot.folder / "summary.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    sources = depends_on(project, campaign, kept.get("reads", {}))
    newest = {name: at and datetime.fromisoformat(at) for name, at in kept.get("newest", {}).items()}
    asked = {name: limit for name, limit in limits.items() if name in sources}
    return next(iter(stale_sources(asked, newest, snapshot.as_of, now)), None)


def depends_on(project: Project, campaign: Campaign, reads: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The source tables behind a campaign's questions, rules, recommendations, goal, consents and rates.

    `reads` is what a refresh has kept of its columns; one that it does not have stands on every table that must be
    there, and so does a recommendation.
    """
    columns = [condition_column(condition) for _, condition in campaign_conditions(campaign)]
    for rule in project.plugins.eligibility.values():
        if rule.campaigns is None or campaign.campaign in rule.campaigns:
            columns += rule.columns
    found = frozenset[str]().union(*(reads.get(column, REQUIRED) for column in columns))
    if any(step.recommend for step in campaign.send_steps):
        found |= REQUIRED
    if campaign.goal is not None:
        found |= _SINCE_ENTRY["bought" if campaign.goal.where else "ordered"]
    if campaign.purpose == "marketing":
        found |= {"consents"}
    found = found.union(*(_SINCE_ENTRY.get(name, frozenset()) for name in _branches(project, campaign)))
    return found | {"fx"} if "orders" in found else found


def _branches(project: Project, campaign: Campaign) -> list[Any]:
    clauses = Clauses(project.plugins.conditions)
    steps = [step.condition for _, step in walk_places(campaign.steps) if isinstance(step, If)]
    return [leaf.name for condition in steps for leaf in clauses.read(condition)[0]]
