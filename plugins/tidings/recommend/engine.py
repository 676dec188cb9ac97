"""From tables to recommendations.parquet: mine when it is time, prepare, rank by each strategy in use, fill up."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidings.errors import TidingsError, did_you_mean
from tidings.plugins import contained
from tidings.project import Project
from tidings.recommend.assortment import SHOWN, Assortment, candidates, load_products
from tidings.recommend.baskets import load_baskets, load_bought, purchases, sales, sold_lines
from tidings.recommend.recommenders import COLUMNS as RANKED
from tidings.recommend.recommenders import POPULAR, RANKS, Popular
from tidings.recommend.rules import association_rules, frequent_itemsets
from tidings.warehouse.connection import Warehouse

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

RULES = "rules.parquet"
RECOMMENDATIONS = "recommendations.parquet"
COLUMNS = ("person_key", "strategy", "rank", *SHOWN, "reason", "reason_product", "score")


@dataclass(frozen=True)
class Recommended:
    """How many persons have a recommendation, and what the summary keeps of the mining."""

    persons: int
    mining: dict[str, Any] | None


@dataclass(frozen=True)
class Previous:
    """The refresh before this one: its folder and what its summary says of the mining."""

    folder: Path
    mining: Mapping[str, Any]


def strategies(project: Project) -> list[str]:
    """The recommenders that live campaigns name, in alphabetical order; TidingsError for one nobody registered."""
    live = [campaign for campaign in project.campaigns.values() if campaign.status == "live"]
    names = {step.recommend.strategy for campaign in live for step in campaign.send_steps if step.recommend}
    known = project.plugins.recommenders
    for name in sorted(names - set(known)):
        raise TidingsError(f"there is no recommender {name!r}", did_you_mean(name, list(known)))
    return sorted(names)


def save_recommendations(
    project: Project,
    warehouse: Warehouse,
    tables: Mapping[str, ir.Table],
    persons: pd.DataFrame,
    previous: Previous | None,
    now: datetime,
    folder: Path,
) -> Recommended:
    """Write rules.parquet and recommendations.parquet into `folder`; neither where no live campaign recommends.

    `persons` has customer_id, person_key and represents. Rules younger than `mining.every` are carried over from the
    `previous` refresh.
    """
    import ibis

    names = strategies(project)
    if not names:
        return Recommended(0, None)
    mining, backend = project.settings.mining, warehouse.backend
    lines = sold_lines(tables, mining, now)
    mined = _rules(project, backend, lines, previous, now, folder / RULES)
    products, bought = load_products(backend, tables), load_bought(backend, lines)
    item = "category" if mining.level == "category" else "product_id"
    known = products.dropna(subset=[item])
    items: dict[str, str] = dict(zip(known["product_id"], known[item], strict=True))
    held = purchases(bought, items, persons, now - mining.replenish)
    prepared: dict[str, Any] = {
        "rules": _read(folder / RULES),
        "purchases": ibis.memtable(_arrow(held)),
        "candidates": ibis.memtable(_arrow(candidates(sales(bought), products, items))),
    }
    people = persons[persons["represents"]].sort_values("customer_id", ignore_index=True)
    assortment = Assortment(set(products.loc[products["sellable"], "product_id"]), items, held[held["recent"]])
    ranked = _rank(project, names, {**tables, **prepared}, people[["customer_id"]], now, assortment)
    rows = _described(ranked, products, people)
    rows.to_parquet(folder / RECOMMENDATIONS, index=False)
    return Recommended(rows["person_key"].nunique(), mined)


def _rules(
    project: Project, backend: Any, lines: ir.Table, previous: Previous | None, now: datetime, path: Path
) -> dict[str, Any]:
    """Mine into `path`, or carry the last rules over; returns what the summary keeps."""
    mining = project.settings.mining
    settings = mining.model_dump(mode="json", exclude={"every", "replenish"})
    if previous and previous.mining.get("settings") == settings and (previous.folder / RULES).exists():
        age = now - datetime.fromisoformat(previous.mining["mined_at"])
        if timedelta(0) <= age < mining.every:
            shutil.copyfile(previous.folder / RULES, path)
            return dict(previous.mining)
    baskets = load_baskets(backend, lines)
    itemsets = frequent_itemsets(baskets, mining.min_support, mining.max_length)
    count = baskets.matrix.shape[0]
    rules = association_rules(itemsets, count, mining.min_confidence)
    sides = {side: rules[side].map(list) for side in ("antecedents", "consequents")}
    rules.assign(**sides).to_parquet(path, index=False)
    sizes = {"baskets": count, "items": len(baskets.items), "itemsets": len(itemsets), "rules": len(rules)}
    return {"mined_at": now.isoformat(), "settings": settings, **sizes}


def _rank(
    project: Project,
    names: list[str],
    tables: Mapping[str, Any],
    people: pd.DataFrame,
    now: datetime,
    assortment: Assortment,
) -> pd.DataFrame:
    """The rows of every strategy; those of whom it has too little to say are filled up with what is popular."""
    import pandas as pd

    popular = Popular().recommend(tables, people, now)
    done = []
    for name in names:
        rows = popular
        if name != POPULAR:
            with contained(f"the recommender {name!r}"):
                own = project.plugins.recommenders[name]().recommend(tables, people, now)
                missing = sorted(set(RANKED) - set(own.columns))
            if missing:
                fix = f"it needs {', '.join(RANKED)}"
                raise TidingsError(f"the recommender {name!r} returns no {missing[0]!r}", fix)
            own = assortment.keep(own[list(RANKED)])
            both = pd.concat([own, popular.assign(rank=popular["rank"] + RANKS)], ignore_index=True)
            both = both.sort_values(["customer_id", "rank"], kind="stable")
            both = both.drop_duplicates(["customer_id", "product_id"]).groupby("customer_id").head(RANKS)
            rows = both.assign(rank=both.groupby("customer_id").cumcount() + 1)
        done.append(rows.assign(strategy=name))
    return pd.concat(done, ignore_index=True)


def _described(ranked: pd.DataFrame, products: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """The rows of recommendations.parquet, with what a message shows of each product."""
    names = products.set_index("product_id")["name"]
    rows = ranked.assign(reason_product=ranked["reason_product"].map(names))
    rows = rows.merge(products[list(SHOWN)], on="product_id").merge(
        people[["customer_id", "person_key"]], on="customer_id"
    )
    return rows[list(COLUMNS)].sort_values(["strategy", "person_key", "rank"], ignore_index=True)


def _read(path: Path) -> Any:
    import ibis
    import pyarrow.parquet as pq

    return ibis.memtable(pq.read_table(path))


def _arrow(frame: pd.DataFrame) -> Any:
    import pyarrow as pa

    return pa.Table.from_pandas(frame, preserve_index=False)
