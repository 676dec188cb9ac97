"""docs/recommendations.md says what the code does."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pandas as pd

from tests.recommend.test_recommenders import FRAMES
from tests.warehouse.workspaces import NOW, ago, customer, line, order, product, workspace
from tidings.model.insight import Mining
from tidings.recommend.builtin import register_recommenders
from tidings.recommend.recommenders import BECAUSE, POPULAR, RANKS
from tidings.recommend.rules import FEW_ITEMS
from tidings.verbs.refresh import refresh

PAGE = (Path(__file__).parent.parent.parent / "docs/recommendations.md").read_text(encoding="utf-8")


def test_every_strategy_and_reason_is_described() -> None:
    """What `strategy:` may say, and the reason codes that templates get."""
    strategies = PAGE.split("## Strategies")[1].split("\n#")[0]
    names = re.findall(r"^\| `(\w+)` \|", strategies, re.MULTILINE)
    assert names == [kind.name for kind in register_recommenders()]
    assert f"`{BECAUSE}`" in PAGE
    assert f"`{POPULAR}`" in PAGE


def test_the_settings_shown_are_the_defaults() -> None:
    """The block can be copied, and says nothing new."""
    shown = dict(re.findall(r"^  (\w+): (.+)$", PAGE.split("```yaml\nmining:\n")[1].split("```")[0], re.MULTILINE))
    assert Mining.model_validate(shown | {"max_length": int(shown["max_length"])}) == Mining()
    assert set(shown) == set(Mining.model_fields)


def test_numbers_are_those_of_the_code() -> None:
    """Twelve ranks; H-Mine up to 500 items."""
    assert RANKS == 12
    assert "twelve to a person" in PAGE
    assert f"up to {FEW_ITEMS} frequent items" in PAGE


def test_the_strategy_of_the_page_works(tmp_path: Path) -> None:
    """The block is a plugin as it stands; what may not be offered is taken out of what it says."""
    (tmp_path / "plugins").mkdir()
    block = PAGE.split("```python\n")[1].split("```")[0]
    (tmp_path / "plugins/best_margin.py").write_text(block, encoding="utf-8")
    tables = {
        "customers": [customer("1"), customer("2")],
        "products": [product(name, name, unit_cost=Decimal(cost) / 4) for cost, name in enumerate(("a", "b", "c"))],
        "orders": [order("1", "1", ago(30)), order("2", "2", ago(3))],
        "order_lines": [*(line("1", name) for name in "abc"), line("2", "a")],
    }
    step = {"id": "only", "send": "email", "template": "x/only", "recommend": {"strategy": "best_margin"}}
    campaigns = {"x": {"steps": [step]}}
    project = workspace(tmp_path, tables, segments={"everybody": ["orders >= 0"]}, campaigns=campaigns)
    refresh(project, NOW, new_key=iter("pq").__next__)
    [path] = tmp_path.glob(".tidings/snapshots/*/recommendations.parquet")
    rows = pd.read_parquet(path)
    assert list(zip(rows["person_key"], rows["product_id"], strict=True)) == [
        ("p", "a"), ("p", "b"), ("p", "c"), ("q", "b"), ("q", "c"),
    ]  # fmt: skip
    assert set(rows["strategy"]) == {"best_margin"}


def test_the_tables_of_a_strategy_have_the_columns_of_the_page() -> None:
    """purchases, rules and candidates, as the built-in strategies read them."""
    rows = re.findall(r"^\| `(\w+)` \| .*? \| (.*) \|$", PAGE, re.MULTILINE)
    named = {name: set(re.findall(r"`(\w+)`", rest)) for name, rest in rows}
    assert set(FRAMES["purchases"].columns) <= named["purchases"]
    assert set(FRAMES["candidates"].columns) == named["candidates"]
