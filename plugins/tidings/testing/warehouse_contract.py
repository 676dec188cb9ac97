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
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidings.model.campaign import Segment
from tidings.project import Project
from tidings.segments.columns import segment_column
from tidings.segments.features import all_columns
from tidings.segments.questions import compile_questions
from tidings.segments.stage2 import save_people
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.days import today
from tidings.warehouse.features import save_features
from tidings.warehouse.tables import open_tables

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Lay = Callable[[Mapping[str, "pa.Table"]], Project]

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ZONE = "Europe/Berlin"
"""Its clocks went from 02:00 to 03:00 on 29 March and from 03:00 to 02:00 on 25 October 2026."""

ANA, BO, CAM, DAI, EVE = ("ana", "bo", "cam", "dai", "eve")
# customer, moment (UTC), total; ANA's add up to 10.00 in three, BO's lie around both changes of the clock.
ORDERS = [
    *((ANA, "2026-10-02T00:00", "3.33"), (ANA, "2026-10-02T12:00", "3.33"), (ANA, "2026-10-03T00:00", "3.34")),
    *((BO, "2026-03-29T01:30", "0.10"), (BO, "2026-10-25T01:30", "0.20")),
    *((CAM, "2026-10-01T23:59:59.999999", "0.30"), (CAM, "2026-11-01T00:00", "5.00"), (DAI, None, "1.00")),
]
# name, what is asked, who is in it
ASKED: list[tuple[str, list[Any], set[str]]] = [
    ("null_is_no", ["tier = 'gold'"], {ANA}),
    ("not_is_the_complement", [{"not": "tier = 'gold'"}], {BO, CAM, DAI, EVE}),
    ("division_is_whole", ["average_order = 3.33"], {ANA}),
    ("money_is_exact", ["total_spend = 0.30"], {BO, CAM}),
    ("spring", ["first_order_at >= '2026-03-29 03:30' and first_order_at < '2026-03-29 03:31'"], {BO}),
    ("autumn", ["last_order_at = '2026-10-25T02:30+01:00'"], {BO}),
    ("days_are_whole", ["recency_days = 30"], {CAM}),
    ("gaps_are_not", ["average_gap_days = 0.5"], {ANA}),
    ("within_counts_its_edge", [{"ordered": {"within": "30d", "at_least": 3}}], {ANA}),
    ("a_quote_is_a_letter", [{"bought": {"category": "Mum's", "within": "30d"}}], {ANA, BO}),
    ("without_orders", ["orders = 0 and last_order_at is null"], {DAI, EVE}),
    ("open_cases", ["open_cases = 1"], {EVE}),
    ("due_by_local_days", ["next_due = '2026-12-13'"], {ANA}),
    ("hardly_known", ["completeness = 0.125"], {ANA, BO, CAM, DAI, EVE}),
    ("subscribed", ["p_alive = 1 and predicted_value_3m = 5.63"], {EVE}),
    ("nobody", ["orders > 99"], set()),
]


class WarehouseContract:
    """The promises that rest on the engine: the same people, whatever reads the tables."""

    def test_the_same_people_are_in_every_segment(self, lay: Lay) -> None:
        """NULL, whole division, cents, both changes of the clock, edges of time, quotes, an empty answer."""
        answers, _ = _asked(lay(_shop()))
        assert {name: members for name, _, members in ASKED} == answers

    def test_broken_rows_are_the_same(self, lay: Lay) -> None:
        """An order without a moment is counted and in no segment; one at `now` is not there yet."""
        _, quarantined = _asked(lay(_shop()))
        assert {"orders.ordered_at": 1} == quarantined

    def test_tables_without_rows_are_read(self, lay: Lay) -> None:
        """The day before the opening: every segment is empty."""
        answers, quarantined = _asked(lay({name: table.slice(0, 0) for name, table in _shop().items()}))
        assert {name: set[str]() for name, _, _ in ASKED} == answers
        assert {} == quarantined


def _asked(project: Project) -> tuple[dict[str, set[str]], dict[str, int]]:
    """The customers in each segment, and what was quarantined."""
    import pandas as pd

    from tidings.insight.customers import value_customers

    settings = project.settings.model_copy(update={"timezone": ZONE})
    segments = {name: Segment(segment=name, title=name, where=where) for name, where, _ in ASKED}
    project = replace(project, settings=settings, segments=segments, campaigns={})
    with tempfile.TemporaryDirectory() as folder, open_warehouse(project) as warehouse:
        features, people = Path(folder) / "features.parquet", Path(folder) / "people.parquet"
        tables = open_tables(warehouse, NOW)
        questions = compile_questions(project, NOW, all_columns(tables["customers"]))
        save_features(warehouse, tables, questions.conditions, NOW, features, zone=ZONE)
        persons = pd.read_parquet(features, columns=["customer_id"])
        persons = persons.assign(person_key=persons["customer_id"], represents=True)
        valued = value_customers(features, today(NOW, ZONE), settings.base_currency).rows
        save_people(features, persons, _no_touches(), questions, NOW, people, valued=valued)
        rows = pd.read_parquet(people)
    answers = {name: set(rows.loc[rows[segment_column(name)].astype(bool), "customer_id"]) for name in segments}
    return answers, dict(tables.quarantined)


def _no_touches() -> pd.DataFrame:
    import pandas as pd

    texts = {name: pd.Series(dtype="str") for name in ("person_key", "campaign", "step", "kind")}
    return pd.DataFrame(texts | {"at": pd.Series(dtype="datetime64[us, UTC]")})


def _shop() -> dict[str, pa.Table]:
    """Five customers; a line of a category with a quote in each order of the first two."""
    import pyarrow as pa

    def table(rows: list[dict[str, Any]], **types: Any) -> pa.Table:
        return pa.Table.from_pylist(rows, pa.schema({name: types.get(name, pa.string()) for name in rows[0]}))

    moment, money = pa.timestamp("us", "UTC"), pa.decimal128(12, 2)
    customers = [
        dict.fromkeys(("email", "phone", "first_name", "last_name", "locale", "country"))
        | {"customer_id": who, "timezone": "UTC", "created_at": NOW - timedelta(days=400), "tier": tier}
        for who, tier in ((ANA, "gold"), (BO, "silver"), (CAM, None), (DAI, ""), (EVE, "Gold"))
    ]
    placed: list[dict[str, Any]] = [
        {"order_id": f"o{number}", "customer_id": who, "ordered_at": at and datetime.fromisoformat(f"{at}+00:00")}
        | {"total": Decimal(total), "currency": "USD", "status": "completed", "channel": None}
        for number, (who, at, total) in enumerate(ORDERS)
    ]
    lines: list[dict[str, Any]] = [
        {"order_id": order["order_id"], "product_id": "p1" if order["customer_id"] in (ANA, BO) else "p2"}
        | {"quantity": 1, "unit_price": Decimal("1.00"), "discount": None}
        for order in placed
    ]
    products = [
        {"product_id": product, "name": product, "category": category, "price": Decimal("1.00"), "unit_cost": None}
        | {"in_stock": True, "url": None, "image_url": None}
        for product, category in (("p1", "Mum's"), ("p2", None))
    ]
    cases = [
        {"case_id": who, "customer_id": who, "opened_at": NOW - timedelta(days=2), "closed_at": closed}
        for who, closed in ((EVE, None), (DAI, NOW - timedelta(days=1)))
    ]
    subscriptions = [
        {"customer_id": who, "product_id": product, "quantity": 2, "started_at": NOW - timedelta(days=days)}
        | {"ended_at": ended, "paused_until": None, "end_reason": None}
        for who, product, days, ended in (
            (EVE, "p1", 9, None),
            (EVE, "p2", 5, NOW + timedelta(days=700)),
            (DAI, "p1", 80, NOW),
        )
    ]
    amounts = {"unit_price": money, "discount": money, "quantity": pa.int32()}
    return {
        "customers": table(customers, created_at=moment),
        "orders": table(placed, ordered_at=moment, total=money),
        "order_lines": table(lines, **amounts),
        "products": table(products, price=money, unit_cost=money, in_stock=pa.bool_()),
        "cases": table(cases, opened_at=moment, closed_at=moment),
        "subscriptions": table(
            subscriptions,
            quantity=pa.int32(),
            **dict.fromkeys(("started_at", "ended_at", "paused_until"), moment),
        ),
    }
