from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.segments.asking import compiled_condition
from tests.segments.naive import SEGMENTS, TREES, Shop, build, holds, plain
from tests.warehouse.workspaces import NOW, ago, customer, order, workspace
from tidings.errors import TidingsError
from tidings.project import Project
from tidings.segments.features import all_columns
from tidings.segments.questions import Questions, compile_questions
from tidings.segments.stage2 import save_people
from tidings.segments.touches import COLUMNS
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.features import save_features
from tidings.warehouse.tables import open_tables

NO_TOUCHES = pd.DataFrame({name: pd.Series(dtype="str") for name in COLUMNS}).astype({"at": "datetime64[us, UTC]"})


def persons(customers: list[str], keys: list[str] | None = None) -> pd.DataFrame:
    """Each customer a person, or those of `keys`, where the first of a key speaks for it."""
    frame = pd.DataFrame({"customer_id": customers, "person_key": keys or customers})
    return frame.assign(represents=~frame["person_key"].duplicated())


def people(
    project: Project, folder: Path, asked: dict[str, Any] | None = None, touches: pd.DataFrame = NO_TOUCHES
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The rows of people.parquet, with a column for each condition asked, and the sizes of segments."""
    with open_warehouse(project) as warehouse:
        tables = open_tables(warehouse, NOW)
        columns = all_columns(tables["customers"])
        questions = compile_questions(project, NOW, columns)
        more = {name: compiled_condition(project, each, columns) for name, each in (asked or {}).items()}
        questions = Questions([*questions.layers, more], questions.segments)
        ladder = project.settings.ladder
        save_features(warehouse, tables, questions.conditions, NOW, folder / "features.parquet", ladder)
    customers = pq.read_table(folder / "features.parquet", columns=["customer_id"])["customer_id"].to_pylist()
    path = folder / "people.parquet"
    sizes = save_people(folder / "features.parquet", persons(customers), touches, questions, NOW, path, ladder)
    return pq.read_table(path).to_pylist(), sizes


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shop of random conditions."""
    return build(tmp_path_factory.mktemp("shop"))


@settings(max_examples=5)
@given(st.lists(TREES, min_size=30, max_size=30))
def test_random_conditions_equal_a_naive_reading(shop: Shop, conditions: list[Any]) -> None:
    """Trees of SQL, named conditions, all, any and not: 150 of them, for every customer, NULLs and quotes included."""
    asked = {f"when__{n}": plain(condition) for n, condition in enumerate(conditions)}
    rows, _ = people(shop.project, shop.project.root, asked, shop.touches)
    for n, condition in enumerate(conditions):
        found = [row["customer_id"] for row in rows if row[f"when__{n}"]]
        expected = [row["customer_id"] for row in rows if holds(condition, row, shop)]
        assert found == expected, plain(condition)


def test_every_answer_is_yes_or_no(shop: Shop) -> None:
    """No boolean column holds a NULL, whatever is unknown: `not` of a condition is its complement."""
    unknown = {"a": "points > 1", "b": {"not": "points > 1"}, "c": {"bought": {"category": "Milk", "within": "9d"}}}
    rows, _ = people(shop.project, shop.project.root, unknown, shop.touches)
    assert {row[name] for row in rows for name in unknown} == {True, False}
    assert all(row["a"] != row["b"] for row in rows)
    assert any(row["points"] is None and row["b"] for row in rows)


def test_segments_are_counted_by_person(shop: Shop) -> None:
    """Sizes are persons, for every segment."""
    rows, sizes = people(shop.project, shop.project.root)
    assert sizes == {name: sum(row[f"in__{name}"] for row in rows) for name in SEGMENTS}
    assert 0 < sizes["rich"] < sizes["several"]


def test_the_file_has_one_row_a_profile_in_order(shop: Shop) -> None:
    """customer_id is unique and sorted; person and representative stand beside the features."""
    rows, _ = people(shop.project, shop.project.root)
    ids = [row["customer_id"] for row in rows]
    assert ids == sorted(set(ids))
    assert len(ids) == 60
    assert {"person_key", "represents", "orders", "last_clicked_at", "rfm_money"} <= set(rows[0])


def test_what_the_ledger_knows_of_a_person_stands_in_every_profile(tmp_path: Path) -> None:
    """Two profiles of one person both received the message; the last moments of each kind are columns."""
    project = workspace(tmp_path, {"customers": [customer("1"), customer("2")]})
    touches = pd.DataFrame(
        [
            ("p", "a", "one", "received", ago(5)),
            ("p", "a", "one", "received", ago(3)),
            ("p", "b", "x", "clicked", ago(2)),
        ],
        columns=list(COLUMNS),
    ).astype({"at": "datetime64[us, UTC]"})
    with open_warehouse(project) as warehouse:
        tables = open_tables(warehouse, NOW)
        columns = all_columns(tables["customers"])
        asked = {
            "when__1": {"received": {"campaign": "a", "within": "4d"}},
            "when__2": "last_clicked_at >= '2026-10-31'",
        }
        compiled = {name: compiled_condition(project, each, columns) for name, each in asked.items()}
        questions = Questions([compiled], {})
        save_features(warehouse, tables, questions.conditions, NOW, tmp_path / "f.parquet")
    save_people(
        tmp_path / "f.parquet", persons(["1", "2"], ["p", "p"]), touches, questions, NOW, tmp_path / "p.parquet"
    )
    rows = pq.read_table(tmp_path / "p.parquet").to_pylist()
    assert [row["last_received_at"] for row in rows] == [ago(3), ago(3)]
    assert [row["last_opened_at"] for row in rows] == [None, None]
    assert [(row["when__1"], row["when__2"]) for row in rows] == [(True, False), (True, False)]
    assert [row["represents"] for row in rows] == [True, False]


def test_quintiles_give_equals_the_same_fifth(tmp_path: Path) -> None:
    """Of those who ordered: 5 is the best fifth, ties share theirs, who never ordered has none."""
    customers = [customer(str(n)) for n in range(12)]
    orders = [order(str(n), str(n), ago(10 + n), 10 if n < 5 else 20 + n) for n in range(10)]
    rows, _ = people(workspace(tmp_path, {"customers": customers, "orders": orders}), tmp_path)
    by_id = {row["customer_id"]: row for row in rows}
    assert [by_id[str(n)]["rfm_recency"] for n in range(10)] == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert [by_id[str(n)]["rfm_money"] for n in range(10)] == [1, 1, 1, 1, 1, 3, 4, 4, 5, 5]
    assert {by_id[str(n)]["rfm_frequency"] for n in range(10)} == {1}
    assert (by_id["10"]["rfm_recency"], by_id["11"]["rfm_money"]) == (None, None)


def test_nobody_is_an_empty_file(tmp_path: Path) -> None:
    """A shop without customers has a snapshot too."""
    rows, sizes = people(workspace(tmp_path, segments={"everybody": ["orders >= 0"]}), tmp_path)
    assert (rows, sizes) == ([], {"everybody": 0})


def test_a_person_is_in_a_segment_where_any_of_their_profiles_is(tmp_path: Path) -> None:
    """Two profiles, one of which ordered: one person in, counted once, whichever profile speaks."""
    tables = {"customers": [customer("1"), customer("2")], "orders": [order("a", "2", ago(3))]}
    project = workspace(tmp_path, tables, segments={"bought": ["orders >= 1"], "all": ["orders >= 0"]})
    with open_warehouse(project) as warehouse:
        found = open_tables(warehouse, NOW)
        questions = compile_questions(project, NOW, all_columns(found["customers"]))
        save_features(warehouse, found, questions.conditions, NOW, tmp_path / "f.parquet")
    one = persons(["1", "2"], ["p", "p"])
    sizes = save_people(tmp_path / "f.parquet", one, NO_TOUCHES, questions, NOW, tmp_path / "p.parquet")
    assert sizes == {"bought": 1, "all": 1}


def test_a_machine_satisfies_neither_opened_nor_not_opened(tmp_path: Path) -> None:
    """One person opened, one's mail was scanned, one did nothing: in, neither, out (R37)."""  # R37
    project = workspace(tmp_path, {"customers": [customer(each) for each in "123"]})
    touches = pd.DataFrame(
        [("1", "a", "one", "opened", ago(3)), ("2", "a", "one", "opened_by_machine", ago(3))], columns=list(COLUMNS)
    ).astype({"at": "datetime64[us, UTC]"})
    opened = {"opened": {"campaign": "a", "within": "9d"}}
    asked = {"yes": opened, "no": {"not": opened}, "late": {"not": {"opened": {"campaign": "a", "within": "2d"}}}}
    rows, _ = people(project, tmp_path, asked, touches)
    assert [(row["yes"], row["no"], row["late"]) for row in rows] == [
        (True, False, True), (False, False, True), (False, True, True),
    ]  # fmt: skip
    assert [row["last_opened_at"] for row in rows] == [ago(3), None, None]


def test_a_condition_whose_sql_the_engine_refuses_is_named(tmp_path: Path) -> None:
    """A column that nobody has, asked for by a plugin: the message says which plugin's condition it is (R55)."""  # R55
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/odd.py").write_text(
        "from tidings.hookspecs import hookimpl\nfrom tidings.model.base import Noun\n"
        "from tidings.model.seams import Condition\n\n\nclass Odd(Condition):\n    name = 'odd'\n    Config = Noun\n\n"
        "    def sql(self, now):\n        return 'shoe_size > 3'\n\n\n"
        "@hookimpl\ndef register_conditions():\n    return [Odd]\n"
    )
    segments = {"many": ["orders >= 3"], "odd": ["many", {"odd": {}}]}
    project = workspace(tmp_path, {"customers": [customer("1")]}, segments=segments)
    with pytest.raises(TidingsError, match=r"the condition 'odd' fails: .*shoe_size.*; mend the plugin that registers"):
        people(project, tmp_path)
