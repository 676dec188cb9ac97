"""Share of wallet by each of its sources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.insight.test_profit import snapshot
from tests.warehouse.workspaces import NOW, ago, customer, order, workspace
from tidings.errors import ProjectErrors, TidingsError
from tidings.insight.wallet import FEWEST, allocated
from tidings.verbs.refresh import refresh


def held(root: Path, wallet: dict[str, Any] | None, **columns: list[Any]) -> list[float | None]:
    """The shares after a refresh: of so many customers, who spent 1, 2, 3 … and the last of them nothing."""
    [number] = {len(values) for values in columns.values()}
    rows = [
        customer(f"{each:02}", **{name: values[each] for name, values in columns.items()}) for each in range(number)
    ]
    orders = [order(str(each), f"{each:02}", ago(9), each + 1) for each in range(number - 1)]
    orders += [order("old", "00", ago(400), "999")]
    more = {"wallet": wallet} if wallet else {}
    project = workspace(
        root, {"customers": rows, "orders": orders}, segments={"known": ["share_of_wallet > 0"]}, **more
    )
    refresh(project, NOW)
    found = pd.read_parquet(snapshot(project).people, columns=["share_of_wallet"])["share_of_wallet"]
    return [None if pd.isna(each) else round(float(each), 4) for each in found]


def test_the_rule_adds_up_to_one() -> None:
    """Keiningham et al. (2011): of two brands the first has two thirds; over all ranks it is the whole wallet."""
    assert list(allocated(pd.Series([1, 2]), pd.Series([2, 2])).round(4)) == [0.6667, 0.3333]
    for n in range(1, 9):
        ranks = pd.Series(range(1, n + 1))
        assert allocated(ranks, pd.Series([n] * n)).sum() == pytest.approx(1)


def test_by_rank(tmp_path: Path) -> None:
    """A rank that is not among the brands, or is not known, tells nothing."""
    wallet = {"source": "rank", "columns": ["place", "brands"]}
    assert held(tmp_path, wallet, place=[1, 3, 4, None, 0], brands=[1, 3, 3, 2, 2]) == [1.0, 0.1667, None, None, None]


def test_by_survey(tmp_path: Path) -> None:
    """What they said, where it can be a share; also where it stands as text."""
    said = ["0.25", "1", "1.5", "-0.1", "most", None]
    assert held(tmp_path, {"source": "survey", "columns": ["said"]}, said=said) == [0.25, 1.0, None, None, None, None]


def test_by_peers(tmp_path: Path) -> None:
    """Own spend of a year over the ninth tenth of who is alike; too few peers, and who bought nothing, are unknown."""
    kind = ["many"] * (FEWEST + 1) + ["few"] * 3 + ["many"]
    found = held(tmp_path, {"source": "peers", "columns": ["kind"]}, kind=kind)
    wallet = 1 + 0.9 * FEWEST  # of 1, 2, … 21 by linear interpolation
    assert found[:3] == [round(each / wallet, 4) for each in (1, 2, 3)]
    assert found[18:21] == [1.0] * 3
    assert found[21:] == [None] * 4


def test_without_a_source_nobody_is_known(tmp_path: Path) -> None:
    """And conditions may ask for it all the same."""
    assert held(tmp_path, None, kind=["a", "b"]) == [None, None]


def test_what_the_settings_cannot_say(tmp_path: Path) -> None:
    """Too few columns for the source, and a column that is not there."""
    with pytest.raises(ProjectErrors, match="`columns` of the source rank are 2, not 1"):
        workspace(tmp_path / "a", wallet={"source": "rank", "columns": ["place"]})
    project = workspace(
        tmp_path / "b", {"customers": [customer("a")]}, wallet={"source": "survey", "columns": ["contry"]}
    )
    with pytest.raises(TidingsError, match="customers have no column 'contry'; did you mean 'country'"):
        refresh(project, NOW)
