"""One template with one customer's own data, as the plan would fill it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from tidings.content.compile import CompiledTemplate
from tidings.content.context import build_context
from tidings.content.sources import list_templates
from tidings.errors import TidingsError, did_you_mean
from tidings.model.campaign import Campaign
from tidings.model.seams import Snapshot
from tidings.model.steps import Send
from tidings.planning.decide import Decider
from tidings.planning.definition import compile_step, customer_columns
from tidings.planning.links import unsubscribe_url
from tidings.planning.people import load_contacts, load_features
from tidings.planning.products import Picks, pick_products
from tidings.project import Project

SAMPLE_KEY = "0" * 32


def sample(
    project: Project, connection: Connection, snapshot: Snapshot, template: str, customer: str, now: datetime
) -> tuple[CompiledTemplate, dict[str, Any]]:
    """The compiled template and its context; TidingsError for an unknown template or customer."""
    import pandas as pd

    campaign, step = _user(project, template)
    contact = load_contacts(snapshot).get(customer)
    if contact is None:
        raise TidingsError(f"there is no customer {customer!r}", "use a customer_id of the last refresh")
    stored = compile_step(project, campaign, step, template)
    compiled = CompiledTemplate.model_validate(stored["compiled"])
    [features] = load_features(snapshot, customer_columns([stored]), [customer]).to_pylist()
    person = str(contact["person_key"])
    picks = Picks({}, frozenset())
    if step.recommend is not None:
        decider = Decider(project, campaign, snapshot, connection, now)
        picks = pick_products(decider, step.recommend, pd.Series([person]))
    settings = project.settings
    locale = compiled.reader_locale(contact["locale"] or settings.locale)
    offer = project.offers[step.offer] if step.offer else None
    return compiled, build_context(
        customer=features | {name: contact[name] for name in ("customer_id", "first_name", "last_name")},
        brand=settings.brand.model_dump(),
        campaign={"id": campaign.campaign, "title": campaign.title},
        unsubscribe_url=unsubscribe_url(project, SAMPLE_KEY, now),
        sender=settings.sender.email if step.channels[0] == "email" else settings.sender.name,
        locale=locale,
        currency=settings.base_currency,
        today=now.date(),
        products=picks.products.get(person, []),
        offer=offer.terms(now) if offer else None,
    )


def _user(project: Project, template: str) -> tuple[Campaign, Send]:
    """The campaign and step that use the template."""
    for campaign in project.campaigns.values():
        for step in campaign.send_steps:
            if template in {step.template, *(variant.template for variant in step.variants)}:
                return campaign, step
    known = sorted(list_templates(project.root))
    if template in known:
        raise TidingsError(f"no campaign uses the template {template!r}", "name it in a send step first")
    raise TidingsError(f"there is no template {template!r}", did_you_mean(template, known))
