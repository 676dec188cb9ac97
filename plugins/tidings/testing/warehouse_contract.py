"""What every engine under the warehouse must do, as tests to inherit: give WarehouseContract a `lay` fixture.

    class TestOurEngine(WarehouseContract):
        @pytest.fixture
        def lay(self, tmp_path):
            return lambda tables: a_project_whose_warehouse_has_these_arrow_tables

The project's `base_currency` is USD. pytest is not imported here; any runner that fills `lay` will do.
"""
# ruff: noqa: S101 - these are tests, though they travel in the package

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidings.model.campaign import Segment
from tidings.project import Project
from tidings.segments.columns import segment_column
from tidings.segments.features import all_columns
from tidings.segments.history import DATA, History
from tidings.segments.questions import compile_questions
from tidings.segments.stage2 import save_people
from tidings.testing.warehouse_questions import QUESTIONS
from tidings.testing.warehouse_shop import LISTS, NOW, ZONE, before, shop, touches
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.days import today
from tidings.warehouse.features import save_features
from tidings.warehouse.tables import open_tables

if TYPE_CHECKING:
    import pyarrow as pa

Lay = Callable[[Mapping[str, "pa.Table"]], Project]

BROKEN = {
    "customers.customer_id": 1,
    "orders.ordered_at": 1,
    "orders.total": 1,
    "orders.currency": 1,
    "orders.duplicate": 1,
    "order_lines.quantity": 1,
    "events.event": 1,
    "events.duplicate": 1,
}
"""The rows of the shop that break the source contract, by table and reason."""


class WarehouseContract:
    """The promises that rest on the engine: the same people, whatever reads the tables."""

    def test_the_same_people_are_in_every_segment(self, lay: Lay) -> None:
        """NULL, whole division, cents, both changes of the clock, edges of time, quotes, empty answers; and the rows
        that break the contract are the same.
        """
        answers, quarantined = _asked(lay(shop()), QUESTIONS)
        wrong = {name: found for name, found in answers.items() if found != QUESTIONS[name][1]}
        assert wrong == {}
        assert quarantined == BROKEN

    def test_tables_without_rows_are_read(self, lay: Lay) -> None:
        """The day before the opening: every segment is empty."""
        tables = {name: table.slice(0, 0) for name, table in shop().items()}
        answers, quarantined = _asked(lay(tables), [name for name in QUESTIONS if "_" not in name])
        assert {name: found for name, found in answers.items() if found} == {}
        assert {} == quarantined


def _asked(project: Project, names: Iterable[str]) -> tuple[dict[str, str], dict[str, int]]:
    """Who is in each of these segments by one refresh, and what was quarantined; each customer is a person."""
    import pandas as pd

    from tidings.insight.customers import value_customers

    settings = project.settings.model_copy(update={"timezone": ZONE})
    with tempfile.TemporaryDirectory() as created, open_warehouse(replace(project, settings=settings)) as warehouse:
        folder = Path(created)
        for name, text in LISTS.items():
            (folder / name).write_text(text, encoding="utf-8")
        segments = {
            name: Segment(segment=name, title=name, where=_placed(QUESTIONS[name][0], folder)) for name in names
        }
        project = replace(project, settings=settings, segments=segments, campaigns={})
        features, people = folder / "features.parquet", folder / "people.parquet"
        tables = open_tables(warehouse, NOW, folder / "quarantine")
        questions = compile_questions(project, NOW, all_columns(tables["customers"]), tables)
        save_features(warehouse, tables, questions.conditions, NOW, features, zone=ZONE)
        valued = value_customers(features, today(NOW, ZONE), settings.base_currency).rows
        persons = pd.read_parquet(features, columns=["customer_id"])
        addresses = persons["customer_id"] + "@shop.example"
        persons = persons.assign(person_key=persons["customer_id"], represents=True, email=addresses)
        history = History(before(), dict.fromkeys(segments, DATA), NOW)
        save_people(features, persons, touches(), questions, NOW, people, history=history, valued=valued)
        rows = pd.read_parquet(people).sort_values("customer_id")
    answers = {name: " ".join(rows.loc[rows[segment_column(name)].astype(bool), "customer_id"]) for name in segments}
    return answers, dict(tables.quarantined)


def _placed(where: Any, folder: Path) -> Any:
    """The condition with its lists in `folder`."""
    if isinstance(where, list):
        return [_placed(each, folder) for each in where]
    if isinstance(where, dict):
        return {key: str(folder / value) if key == "file" else _placed(value, folder) for key, value in where.items()}
    return where
