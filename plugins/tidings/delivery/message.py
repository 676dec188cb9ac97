"""A claimed row becomes a message: rendered from the plan's own templates, never from the working tree."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from functools import cached_property
from typing import Any

from tidings.content.compile import CompiledTemplate
from tidings.content.context import build_context
from tidings.content.render import render
from tidings.content.skeleton import Splitter
from tidings.model.base import Noun
from tidings.model.campaign import Offer
from tidings.model.delivery import Outgoing
from tidings.planning.links import unsubscribe_url
from tidings.planning.products import CONTENT, plan_folder
from tidings.planning.store import TEMPLATES
from tidings.project import Project
from tidings.tokens import TokenSigner


class Stored(Noun):
    """One step's template, offer and campaign title as the plan froze them."""

    step: str
    variant: str | None
    channel: str
    title: str
    offer: Offer | None
    compiled: CompiledTemplate


class Writer:
    """Renders the messages of one plan."""

    def __init__(self, project: Project, plan_id: str, signer: TokenSigner, now: datetime) -> None:
        self.project = project
        self.folder = plan_folder(project.root, plan_id)
        self.signer = signer
        self.now = now
        self.splitter = Splitter()

    @cached_property
    def templates(self) -> dict[tuple[str, str | None, str], Stored]:
        """(step, variant, channel) → what the plan stored."""
        entries = [Stored.model_validate(entry) for entry in json.loads((self.folder / TEMPLATES).read_text())]
        return {(entry.step, entry.variant, entry.channel): entry for entry in entries}

    @cached_property
    def content(self) -> dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]:
        """send_key → (features, products)."""
        from pyarrow import parquet

        table = parquet.read_table(self.folder / CONTENT, columns=["send_key", "features", "products"])
        return {row["send_key"]: (row["features"], json.loads(row["products"])) for row in table.to_pylist()}

    def write(self, row: Mapping[str, Any], *, split: bool = False) -> Outgoing:
        """The message of one claimed row (with `address` and `contact`); TidingsError where it cannot be made.

        `split` gives it a skeleton and holes too, for a provider that `substitutes`.
        """
        stored = self.templates[(row["step"], row["variant"], row["channel"])]
        features, products = self.content[row["send_key"]]
        contact = row["contact"]
        settings = self.project.settings
        locale = stored.compiled.reader_locale(contact.get("locale") or settings.locale)
        link = unsubscribe_url(self.project, row["send_key"], self.now, self.signer)
        context = build_context(
            customer={**features, **{name: contact.get(name) for name in ("customer_id", "first_name", "last_name")}},
            brand=settings.brand.model_dump(),
            campaign={"id": row["campaign"], "title": stored.title},
            unsubscribe_url=link,
            sender=settings.sender.email if row["channel"] == "email" else settings.sender.name,
            locale=locale,
            currency=settings.base_currency,
            today=self.now.date(),
            products=products,
            offer=stored.offer.terms(row["not_before"]) if stored.offer else None,
        )
        extend = self.project.plugins.prepare_jinja
        if split:
            rendered, skeleton, holes = self.splitter.render(stored.compiled, locale, context, extend=extend)
        else:
            rendered, skeleton, holes = render(stored.compiled, locale, context, extend=extend), None, {}
        return Outgoing(
            send_key=row["send_key"],
            channel=row["channel"],
            to=row["address"],
            sender=settings.sender.email,
            sender_name=settings.sender.name,
            reply_to=settings.sender.reply_to,
            subject=rendered.subject,
            html=rendered.html,
            text=rendered.text,
            headers=_headers(row, link, self.now),
            skeleton=skeleton,
            holes=holes,
        )


def _headers(row: Mapping[str, Any], link: str, now: datetime) -> dict[str, str]:
    if row["channel"] != "email":
        return {}
    dated = {"Date": format_datetime(now)}
    if row["purpose"] != "marketing":
        return dated
    return dated | {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}  # R21
