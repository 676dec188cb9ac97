from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.warehouse.workspaces import NOW, Row, ago, customer, line, order, product, workspace
from tidings.errors import TidingsError
from tidings.model.campaign import Campaign
from tidings.project import Project
from tidings.recommend.engine import COLUMNS, Previous, Recommended, save_recommendations, strategies
from tidings.recommend.recommenders import BECAUSE, POPULAR, RANKS
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.tables import open_tables

CATEGORIES = ("Milk", "Bread", "Cereal", "Coffee", "Tea", "Fruit")
MINING = {"level": "category", "min_support": "5%", "min_confidence": "10%", "window": "180d", "replenish": "14d"}


def recommending(strategy: str = "association_rules", status: str = "live") -> dict[str, Any]:
    """A campaign that recommends."""
    recommend = {"strategy": strategy, "count": 3}
    step = {"id": "only", "send": "email", "template": "x/only", "recommend": recommend}
    return {"status": status, "steps": [step]}


def random_shop() -> dict[str, list[Row]]:
    """60 customers, 300 baskets, 30 products: one out of stock, one sold at a loss, some without a known cost."""
    draw = random.Random(8)
    products = [
        product(f"p{n}", CATEGORIES[n % 6], name=f"{CATEGORIES[n % 6]} {n}", price=Decimal(2 + n)) for n in range(30)
    ]
    products[0]["in_stock"] = False
    products[6]["unit_cost"] = Decimal(99)
    for row in products[1::7]:
        row["unit_cost"] = None
    customers = [customer(f"c{n:02}", email=f"c{n // 2}@corner.example" if n < 10 else None) for n in range(60)]
    orders = [order(f"o{n}", f"c{draw.randrange(55):02}", ago(draw.uniform(0, 200))) for n in range(300)]
    lines = [line(row["order_id"], f"p{n}") for row in orders for n in draw.sample(range(30), draw.randint(1, 6))]
    return {"customers": customers, "orders": orders, "order_lines": lines, "products": products}


def households(customers: Sequence[Row]) -> pd.DataFrame:
    """The first ten customers are five persons of two profiles, the second of which speaks."""
    ids = [row["customer_id"] for row in customers]
    keys = [f"person {n // 2}" if n < 10 else f"person {n}" for n in range(len(ids))]
    frame = pd.DataFrame({"customer_id": ids, "person_key": keys})
    return frame.assign(represents=~frame["person_key"].duplicated(keep="last"))


def recommended(
    project: Project, persons: pd.DataFrame, folder: Path, previous: Previous | None = None, days: float = 0
) -> Recommended:
    """One run, so many days after NOW."""
    folder.mkdir(parents=True, exist_ok=True)
    now = NOW + timedelta(days=days)
    with open_warehouse(project) as warehouse:
        return save_recommendations(project, warehouse, open_tables(warehouse, now), persons, previous, now, folder)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, dict[str, list[Row]], pd.DataFrame, Recommended]:
    """The random shop and its recommendations."""
    root, tables = tmp_path_factory.mktemp("shop"), random_shop()
    project = workspace(
        root, tables, segments={"everybody": ["orders >= 0"]}, campaigns={"x": recommending()}, mining=MINING
    )
    done = recommended(project, households(tables["customers"]), root / "out")
    return project, tables, pd.read_parquet(root / "out/recommendations.parquet"), done


def bought(tables: Mapping[str, list[Row]], days: float) -> dict[str, set[str]]:
    """person → products bought within so many days."""
    person = households(tables["customers"]).set_index("customer_id")["person_key"]
    placed = {row["order_id"]: row for row in tables["orders"] if row["ordered_at"] >= ago(days)}
    found: dict[str, set[str]] = {}
    for row in tables["order_lines"]:
        if row["order_id"] in placed:
            found.setdefault(person[placed[row["order_id"]]["customer_id"]], set()).add(row["product_id"])
    return found


def test_the_reason_was_really_bought(shop: Any) -> None:
    """Because you buy X: X is a product that a profile of this very person bought within the window."""
    _, tables, rows, _ = shop
    named = {row["product_id"]: row["name"] for row in tables["products"]}
    mine = {person: {named[name] for name in names} for person, names in bought(tables, 180).items()}
    because = rows[rows["reason"] == BECAUSE]
    assert len(because) > 100
    assert all(
        reason in mine[person] for person, reason in zip(because["person_key"], because["reason_product"], strict=True)
    )
    assert rows.loc[rows["reason"] == POPULAR, "reason_product"].isna().all()


def test_what_cannot_or_should_not_be_sold_is_not_offered(shop: Any) -> None:
    """Nothing out of stock, nothing at a loss, no category bought within the replenishment time."""
    _, tables, rows, _ = shop
    assert {"p0", "p6"} & set(rows["product_id"]) == set()
    category = {row["product_id"]: row["category"] for row in tables["products"]}
    lately = {person: {category[name] for name in names} for person, names in bought(tables, 14).items()}
    assert lately
    assert not any(
        kind in lately.get(person, set()) for person, kind in zip(rows["person_key"], rows["category"], strict=True)
    )


def test_everybody_gets_a_ranking_without_gaps(shop: Any) -> None:
    """Also who bought nothing; one product a category, rules before what is popular, as a message shows it."""
    _, tables, rows, done = shop
    persons = set(households(tables["customers"])["person_key"])
    assert tuple(rows.columns) == COLUMNS
    lately = bought(tables, 14)
    category = {row["product_id"]: row["category"] for row in tables["products"]}
    full = {person for person, names in lately.items() if {category[name] for name in names} == set(CATEGORIES)}
    assert set(rows["person_key"]) == persons - full
    assert done.persons == len(persons - full) > 50
    assert not rows.duplicated(["person_key", "category"]).any()
    assert rows.groupby("person_key")["rank"].apply(lambda ranks: list(ranks) == list(range(1, len(ranks) + 1))).all()
    assert rows.groupby("person_key").size().max() <= min(RANKS, len(CATEGORIES))
    first_popular = rows[rows["reason"] == POPULAR].groupby("person_key")["rank"].min()
    last_because = rows[rows["reason"] == BECAUSE].groupby("person_key")["rank"].max()
    assert (first_popular.reindex(last_because.index).fillna(99) > last_because).all()
    assert set(rows.loc[rows["person_key"] == "person 59", "reason"]) == {POPULAR}
    sample = rows.iloc[0]
    prices = {row["product_id"]: int(row["price"] * 100) for row in tables["products"]}
    assert sample["price_minor"] == prices[sample["product_id"]]
    assert sample["url"] == f"https://corner.example/{sample['product_id']}"


def test_rules_are_carried_over_until_they_are_old(tmp_path: Path) -> None:
    """Within `every` the file is the same; after it, with other settings, or with a clock set back, they are new."""
    tables = random_shop()
    project = workspace(
        tmp_path, tables, segments={"everybody": ["orders >= 0"]}, campaigns={"x": recommending()}, mining=MINING
    )
    persons = households(tables["customers"])
    first = recommended(project, persons, tmp_path / "1")
    assert first.mining is not None
    assert first.mining["mined_at"] == NOW.isoformat()
    assert first.mining["rules"] == len(pd.read_parquet(tmp_path / "1/rules.parquet"))
    previous = Previous(tmp_path / "1", first.mining)
    kept = recommended(project, persons, tmp_path / "2", previous, days=6.9)
    assert kept.mining == first.mining
    assert (tmp_path / "2/rules.parquet").read_bytes() == (tmp_path / "1/rules.parquet").read_bytes()
    for days in (7, -1):
        again = recommended(project, persons, tmp_path / f"days {days}", previous, days=days)
        assert again.mining is not None
        assert again.mining["mined_at"] != first.mining["mined_at"]
    other = workspace(tmp_path, tables, campaigns={"x": recommending()}, mining=MINING | {"min_support": "8%"})
    changed = recommended(other, persons, tmp_path / "4", previous, days=1)
    assert changed.mining is not None
    assert changed.mining["settings"]["min_support"] == "8%"


@pytest.mark.parametrize("status", ["draft", "paused", "retired"])
def test_nothing_is_mined_for_nobody(tmp_path: Path, status: str) -> None:
    """Only live campaigns cost a mining."""
    tables = random_shop()
    project = workspace(
        tmp_path, tables, segments={"everybody": ["orders >= 0"]}, campaigns={"x": recommending(status=status)}
    )
    assert recommended(project, households(tables["customers"]), tmp_path / "out") == Recommended(0, None)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_strategy_stands_for_itself(tmp_path: Path) -> None:
    """Two campaigns with two strategies: each has its own ranking; `popular` is not filled up with itself."""
    tables = random_shop()
    campaigns = {"x": recommending(), "y": recommending("popular")}
    project = workspace(tmp_path, tables, segments={"everybody": ["orders >= 0"]}, campaigns=campaigns, mining=MINING)
    recommended(project, households(tables["customers"]), tmp_path / "out")
    rows = pd.read_parquet(tmp_path / "out/recommendations.parquet")
    assert set(rows["strategy"]) == {"association_rules", "popular"}
    assert set(rows.loc[rows["strategy"] == "popular", "reason"]) == {POPULAR}
    assert not rows.duplicated(["person_key", "strategy", "rank"]).any()


def test_a_strategy_nobody_registered_is_named(tmp_path: Path) -> None:
    """With the nearest one that is there."""
    project = workspace(tmp_path, segments={"everybody": ["orders >= 0"]}, campaigns={"x": recommending()})
    odd = Campaign.model_validate(project.campaigns["x"].model_dump(by_alias=True, mode="json") | {"steps": [
        {"id": "only", "send": "email", "template": "x/only", "recommend": {"strategy": "association_rule"}}
    ]})  # fmt: skip
    project.campaigns["x"] = odd
    with pytest.raises(TidingsError, match="no recommender 'association_rule'; did you mean 'association_rules'"):
        strategies(project)


def test_an_empty_shop_recommends_nothing(tmp_path: Path) -> None:
    """No products, no customers: files that everybody can read."""
    project = workspace(tmp_path, segments={"everybody": ["orders >= 0"]}, campaigns={"x": recommending()})
    persons = households([]).astype({"customer_id": "str", "person_key": "str", "represents": bool})
    done = recommended(project, persons, tmp_path / "out")
    assert done.persons == 0
    assert tuple(pd.read_parquet(tmp_path / "out/recommendations.parquet").columns) == COLUMNS


def test_a_strategy_that_forgets_a_column_is_named(tmp_path: Path) -> None:
    """The author of a plugin reads what is missing, not a stack trace."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/short.py").write_text(
        "from tidings.hookspecs import hookimpl\nfrom tidings.model.seams import Recommender\n"
        "class Short(Recommender):\n    name = 'short'\n"
        "    def recommend(self, tables, people, now):\n        return people.assign(rank=1)\n"
        "@hookimpl\ndef register_recommenders():\n    return [Short]\n"
    )
    tables = random_shop()
    campaigns = {"x": recommending("short")}
    project = workspace(tmp_path, tables, segments={"everybody": ["orders >= 0"]}, campaigns=campaigns)
    with pytest.raises(TidingsError, match="'short' returns no 'product_id'; it needs customer_id, rank"):
        recommended(project, households(tables["customers"]), tmp_path / "out")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise KeyError('a')", "fails: KeyError: 'a'; mend the plugin that registers it"),
        ("return [1, 2]", "fails: AttributeError"),
    ],
)
def test_a_strategy_that_fails_is_named(tmp_path: Path, body: str, said: str) -> None:
    """Whatever it raises, and what is no frame (R55)."""  # R55
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/odd.py").write_text(
        "from tidings.hookspecs import hookimpl\nfrom tidings.model.seams import Recommender\n"
        "class Odd(Recommender):\n    name = 'odd'\n"
        f"    def recommend(self, tables, people, now):\n        {body}\n"
        "@hookimpl\ndef register_recommenders():\n    return [Odd]\n"
    )
    tables = random_shop()
    project = workspace(tmp_path, tables, segments={"everybody": ["orders >= 0"]}, campaigns={"x": recommending("odd")})
    with pytest.raises(TidingsError) as caught:
        recommended(project, households(tables["customers"]), tmp_path / "out")
    assert f"the recommender 'odd' {said}" in str(caught.value)
