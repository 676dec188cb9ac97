"""Each person's products for one step: ranked by the recommender, without what was shown lately."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection

from tidings.ledger import messages
from tidings.model.campaign import Campaign
from tidings.model.seams import Snapshot
from tidings.model.steps import Recommend
from tidings.project import Project

if TYPE_CHECKING:
    import pandas as pd

CONTENT = "content.parquet"


class Asking(Protocol):
    """What picking needs to know of the plan that asks."""

    project: Project
    campaign: Campaign
    snapshot: Snapshot
    connection: Connection
    now: datetime


@dataclass(frozen=True)
class Picks:
    """person_key → products in order of rank; `enough` are the persons with as many as the step asks for."""

    products: dict[str, list[dict[str, Any]]]
    enough: frozenset[str]

    def joined(self, others: Picks | None) -> Picks:
        """These, and those of other persons."""
        return self if others is None else Picks(others.products | self.products, others.enough | self.enough)


def plan_folder(root: Path, plan_id: str) -> Path:
    """Where a plan keeps its decisions, templates and content."""
    return root / ".tidings" / "plans" / plan_id


def pick_products(asking: Asking, recommend: Recommend, persons: pd.Series[str]) -> Picks:
    """At most `count` products a person, best rank first, none that was shown within `not_again`."""
    import pandas as pd

    if not asking.snapshot.recommendations.exists():
        return Picks({}, frozenset())
    ranked = pd.read_parquet(asking.snapshot.recommendations)
    ranked = ranked[ranked["person_key"].isin(set(persons))]
    if "strategy" in ranked:
        ranked = ranked[ranked["strategy"] == recommend.strategy]
    shown = _shown(asking, recommend)
    if shown:
        pairs = zip(ranked["person_key"], ranked["product_id"].astype(str), strict=True)
        ranked = ranked[[pair not in shown for pair in pairs]]
    ranked = ranked.sort_values(["person_key", "rank"]).groupby("person_key").head(recommend.count)
    products: dict[str, list[dict[str, Any]]] = {}
    # By way of JSON, as the plan stores them: numbers without their library, None where a value is missing.
    for row in json.loads(ranked.to_json(orient="records")):
        products.setdefault(str(row.pop("person_key")), []).append(row)
    enough = frozenset(key for key, found in products.items() if len(found) >= recommend.at_least)
    return Picks(products, enough)


def _shown(asking: Asking, recommend: Recommend) -> set[tuple[str, str]]:
    """(person_key, product_id) that this campaign showed within `not_again`, to held-out people on paper."""
    import pandas as pd

    if recommend.not_again is None:
        return set()
    shown = set()
    since = asking.now - recommend.not_again
    for plan_id, persons in messages.shown(asking.connection, asking.campaign.campaign, since).items():
        path = plan_folder(asking.project.root, plan_id) / CONTENT
        if path.exists():
            content = pd.read_parquet(path, columns=["send_key", "products"])
            content = content[content["send_key"].isin(persons.keys())]
            for send_key, text in zip(content["send_key"], content["products"], strict=True):
                shown |= {(persons[send_key], str(product["product_id"])) for product in json.loads(text)}
    return shown
