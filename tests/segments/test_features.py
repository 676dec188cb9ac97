from __future__ import annotations

from pathlib import Path

import pytest

from tests.warehouse.workspaces import customer, product, workspace
from tidings.errors import TidingsError
from tidings.project import Project
from tidings.segments.features import STAGE_2, Sources, all_columns, look_at_sources
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.features import BASE
from tidings.warehouse.reading import Unreachable


def wrong(project: Project) -> list[tuple[str | None, str]]:
    """What is said of each source."""
    return [(name, str(error)) for name, error in look_at_sources(project).wrong]


def test_known_columns_are_base_own_and_stage_2(tmp_path: Path) -> None:
    """What a segment may ask about, with the kind of each; and what products there are."""
    tables = {"customers": [customer("1", tier="gold")], "products": [product("1"), product("2", None)]}
    found = look_at_sources(workspace(tmp_path, tables))
    assert found.columns is not None
    assert {**BASE, **STAGE_2, "tier": "text"}.items() <= found.columns.items()
    assert (found.columns["rfm_money"], found.columns["last_clicked_at"]) == ("number", "time")
    assert (found.categories, found.wrong) == ({"Milk"}, [])


def test_columns_are_unknown_before_the_data_is_there(tmp_path: Path) -> None:
    """None, not an empty mapping: every column could be there. It is said once, not for each table."""
    found = look_at_sources(workspace(tmp_path, warehouse={"folder": "nowhere"}))
    assert found == Sources(wrong=found.wrong)
    [(name, error)] = found.wrong
    assert name is None
    assert isinstance(error, Unreachable)


def test_every_source_is_looked_at(tmp_path: Path) -> None:
    """A table that is missing, a query that is wrong, a column that is missing: one does not hide the next."""
    tables = {"orders": "ordrs", "order_lines": "select order_id from lines_", "cases": "select 1 as case_id"}
    project = workspace(tmp_path, {"customers": [customer("1", shoe_size=38)]}, warehouse={"tables": tables})
    found = look_at_sources(project)
    assert found.columns is not None
    assert found.columns["shoe_size"] == "number"
    said = dict(wrong(project))
    assert list(said) == ["orders", "order_lines", "cases"]
    assert said["orders"].endswith("has no table 'ordrs'; did you mean 'orders'?")
    assert "has no table 'lines_'" in said["order_lines"]
    assert said["cases"].startswith("the table 'cases' lacks the columns 'customer_id', 'opened_at', 'closed_at'")
    assert not any(isinstance(error, Unreachable) for _, error in found.wrong)


def test_a_query_over_a_column_that_is_not_there_is_wrong(tmp_path: Path) -> None:
    """What the engine refuses is a mistake in the settings; what it cannot reach is not."""
    project = workspace(tmp_path, warehouse={"tables": {"products": "select shoe from products"}})
    found = look_at_sources(project)
    assert [(name, type(error)) for name, error in found.wrong] == [("products", TidingsError)]
    away = workspace(tmp_path, warehouse={"url": f"duckdb://{tmp_path}/none.ddb"})
    assert [(name, type(error)) for name, error in look_at_sources(away).wrong] == [(None, Unreachable)]


@pytest.mark.parametrize("column", ["orders", "Total_Spend", "rfm_money", "last_opened_at", "person_key", "in__loyal"])
def test_no_column_of_the_company_takes_a_feature_s_place(tmp_path: Path, column: str) -> None:
    """Of either stage, in any case of letters: a segment that asks for the feature would read theirs."""
    project = workspace(tmp_path, {"customers": [customer("1", **{column: 5})]})
    with (
        open_warehouse(project) as warehouse,
        pytest.raises(TidingsError, match=rf"customers\.{column} has the name of a feature; rename it"),
    ):
        all_columns(warehouse.table("customers"))
