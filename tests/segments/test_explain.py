"""What explains a membership agrees with it, for random trees and customers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.segments.naive import SQL, TREES, Row, Shop, Sql, build, holds, plain
from tests.segments.test_stage2 import people
from tests.warehouse.workspaces import NOW, ago, customer, order, workspace
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.snapshots import current_snapshot
from tidings.model.campaign import Segment
from tidings.model.seams import Snapshot
from tidings.project import Project
from tidings.segments.explain import Explained, explain_segment
from tidings.segments.features import all_columns
from tidings.segments.questions import compile_questions
from tidings.segments.stored import stored_columns
from tidings.segments.unknown import count_unknown
from tidings.verbs.refresh import refresh
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.tables import open_tables

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)

SQL_TREES = st.recursive(
    SQL,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"all": each}),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"any": each}),
        inner.map(lambda each: {"not": each}),
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shop of random conditions."""
    return build(tmp_path_factory.mktemp("shop"))


def with_segments(shop: Shop, conditions: list[Any]) -> Project:
    """The shop's project with a segment for each condition beside its own."""
    more = {f"s{n}": Segment(segment=f"s{n}", title="x", where=[plain(each)]) for n, each in enumerate(conditions)}
    files = {f"segments/{name}.yaml": None for name in more}
    return replace(shop.project, segments={**shop.project.segments, **more}, documents=shop.project.documents | files)


def snapshot(project: Project) -> Snapshot:
    """Where `people` writes."""
    return Snapshot("now", NOW, project.root)


def known(condition: Any, row: Row) -> bool | None:
    """Kleene's logic over SQL: what is known of a tree where some of its leaves are unknown."""
    if isinstance(condition, Sql):
        return condition.means(row)
    [(word, value)] = condition.items()
    if word == "not":
        inner = known(value, row)
        return None if inner is None else not inner
    found = [known(each, row) for each in value]
    decides = word == "any"
    return decides if decides in found else None if None in found else not decides


@settings(max_examples=3, phases=NO_SHRINKING)
@given(st.lists(TREES, min_size=6, max_size=6), st.lists(st.integers(0, 59), min_size=4, max_size=4))
def test_explaining_agrees_with_membership(shop: Shop, conditions: list[Any], customers: list[int]) -> None:
    """Trees of SQL, named conditions and other segments: the verdict is the column's, and a no names a condition."""
    project = with_segments(shop, conditions)
    rows, _ = people(project, project.root, touches=shop.touches)
    for n in range(len(conditions)):
        picked = [rows[number] for number in customers]
        found = explain_segment(project, snapshot(project), f"s{n}", [row["customer_id"] for row in picked])
        for row, told in zip(picked, found, strict=True):
            assert told.inside == row[f"in__s{n}"] == holds(conditions[n], row, shop)
            assert bool(told.failed) == (not told.inside)


@settings(max_examples=3, phases=NO_SHRINKING)
@given(st.lists(SQL_TREES, min_size=12, max_size=12))
def test_unknown_is_what_three_valued_logic_cannot_decide(shop: Shop, conditions: list[Any]) -> None:
    """Persons are counted where the whole tree is unknown, not where some leaf of it is."""
    project = with_segments(shop, conditions)
    rows, _ = people(project, project.root)
    with open_warehouse(project) as warehouse:
        columns = all_columns(open_tables(warehouse, NOW)["customers"])
    counted = count_unknown(snapshot(project).people, compile_questions(project, NOW, columns))
    expected = [sum(known(condition, row) is None for row in rows) for condition in conditions]
    assert [counted[f"s{n}"] for n in range(len(conditions))] == expected


def told(project: Project, name: str, who: str) -> Explained:
    """An explanation in a shop just written."""
    people(project, project.root)
    return explain_segment(project, snapshot(project), name, [who])[0]


@pytest.fixture
def corner(tmp_path: Path) -> Project:
    """One customer with two orders of milk, one without any."""
    tables = {
        "customers": [customer("1", points=4), customer("2", points=None)],
        "orders": [order("a", "1", ago(3), 20), order("b", "1", ago(40), 20)],
    }
    segments: dict[str, Any] = {
        "several": ["orders >= 2"],
        "keen": ["several", {"any": ["points > 5", {"ordered": {"within": "2d"}}]}],
        "others": [{"not": {"in_segment": "several"}}, {"not": "points > 3"}],
        "best": [{"top": {"by": "total_spend", "count": 1}}],
        "neither": [{"not": {"any": ["orders = 2", "points is null"]}}],
    }
    return workspace(tmp_path, tables, segments=segments)


def test_a_no_names_the_conditions_it_hangs_on(corner: Project) -> None:
    """Down into `any` and into the segment that is read; what holds is not named."""
    found = told(corner, "keen", "1")
    assert (found.inside, found.failed) == (False, ["points > 5", "ordered: {within: 2d}"])
    lines = [(line.depth, line.words, line.answer, line.failed) for line in found.lines]
    assert lines == [
        (0, "keen", False, False), (1, "several", True, False), (2, "orders >= 2", True, False),
        (1, "any", False, False), (2, "points > 5", False, True), (2, "ordered: {within: 2d}", False, True),
    ]  # fmt: skip
    values = [line.values for line in found.lines]
    assert values[2] == {"orders": ("number", 2)}
    assert values[5] == {"last_order_at": ("time", ago(3))}


def test_what_is_unknown_is_said_and_counts_as_false(corner: Project) -> None:
    """Under `not` it lets the customer in."""
    found = told(corner, "keen", "2")
    assert [line.answer for line in found.lines] == [False, False, False, False, None, False]
    assert found.failed == ["orders >= 2", "points > 5", "ordered: {within: 2d}"]
    inside = told(corner, "others", "2")
    assert (inside.inside, inside.failed, inside.lines[-1].answer) == (True, [], None)


def test_below_not_the_condition_that_holds_is_to_blame(corner: Project) -> None:
    """It is named with its `not`; of an `any` below `not` only the parts that hold are."""
    assert told(corner, "others", "1").failed == ["not: orders >= 2", "not: points > 3"]
    assert told(corner, "neither", "1").failed == ["not: orders = 2"]


def test_a_rank_counts_among_all_customers(corner: Project) -> None:
    """Not among the records of the one who is asked about."""
    assert (told(corner, "best", "1").inside, told(corner, "best", "2").inside) == (True, False)


def test_a_customer_whom_the_snapshot_has_not(corner: Project) -> None:
    """The message says where customers come from."""
    with pytest.raises(TidingsError, match="there is no customer '3'; use a customer_id of the last refresh"):
        told(corner, "keen", "3")


def test_columns_of_the_file_have_the_kinds_of_the_warehouse(shop: Shop) -> None:
    """Conditions compile over the snapshot alone as they did over the warehouse."""
    refresh(shop.project, NOW)
    with open_warehouse(shop.project) as warehouse:
        columns = all_columns(open_tables(warehouse, NOW)["customers"])
    with Ledger.open(shop.project) as ledger, ledger.read() as connection:
        made = current_snapshot(connection, shop.project.root)
    assert stored_columns(made) == columns
    assert set(columns) <= set(pq.read_schema(made.people).names)
