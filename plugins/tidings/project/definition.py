"""What a campaign's definition is made of, as files and as one hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tidings.model.campaign import Campaign
from tidings.model.steps import If, walk
from tidings.project.conditions import Clauses
from tidings.project.workspace import Project
from tidings.settings import MARKER

# What a message says, to whom and how often. Not: where the tables, the ledger or the clock are.
SETTINGS = {
    "workspace", "base_currency", "timezone", "locale", "salt", "brand", "sender", "public_url",
    "channels", "caps", "quiet_hours", "control_group",
}  # fmt: skip


def definition_files(project: Project, campaign: Campaign) -> list[Path]:
    """The files of config/ and segments/ that decide what a campaign does, sorted; templates are apart."""
    root = project.root
    files = {root / MARKER, root / "config" / "campaigns" / f"{campaign.campaign}.yaml"}
    files |= {root / "config" / "offers" / f"{name}.yaml" for name in _offers(campaign)}
    files |= {root / "segments" / f"{name}.yaml" for name in _segments(project, campaign)}
    return sorted(files)


def definition_hash(project: Project, campaign: Campaign, template_files: Iterable[Path]) -> str:
    """SHA-256 (hex) over what the campaign, its segments, offers, settings and template files say.

    Comments, key order and the way a duration is written do not count in YAML; in templates every byte does.
    """
    settings = project.settings.model_dump(mode="json", include=SETTINGS)
    content = {
        "campaign": campaign.model_dump(mode="json", by_alias=True),
        "segments": {name: project.segments[name].model_dump(mode="json") for name in _segments(project, campaign)},
        "offers": {name: project.offers[name].model_dump(mode="json") for name in _offers(campaign)},
        "settings": settings,
        "templates": {
            path.relative_to(project.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in template_files
        },
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _offers(campaign: Campaign) -> set[str]:
    return {step.offer for step in campaign.send_steps if step.offer}


def _segments(project: Project, campaign: Campaign) -> set[str]:
    """Every segment the campaign asks about, and those these segments ask about."""
    clauses = Clauses(project.plugins.conditions)

    def named(clause: Any) -> set[str]:
        leaves, _ = clauses.read(clause)
        return {leaf.asked for leaf in leaves if leaf.asked}

    branches = [step.condition for step in walk(campaign.steps) if isinstance(step, If)]
    waiting: set[str] = set()
    for clause in (campaign.audience.include, *campaign.audience.exclude, *branches):
        waiting |= named(clause)
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        found.add(name)
        for clause in project.segments[name].where:
            # A bare word that is no segment's name is a column.
            waiting |= named(clause) & project.segments.keys() - found
    return found
