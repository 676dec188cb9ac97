"""How long subscriptions last: the published curve from a table of subscriptions, and few of them by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.insight.test_models import SURVIVORS
from tests.warehouse.workspaces import NOW, ago, customer, order, product, subscription, workspace
from tidings.insight.customers import value_customers
from tidings.insight.sbg import ShiftedBetaGeometric
from tidings.insight.subscribers import MONTH, begun_months, whole_months
from tidings.verbs.refresh import refresh
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.days import today
from tidings.warehouse.features import save_features
from tidings.warehouse.tables import open_tables


def test_the_published_curve(tmp_path: Path) -> None:
    """Fader & Hardie (2007), high end: 1,000 who subscribed in March, of whom .869 renewed in April and so on."""
    (parameters, curve), *_ = SURVIVORS.items()
    left = -np.diff(np.rint(1000 * np.array([1.0, *curve]))).astype(int)
    ends = [f"2026-{3 + month:02}-15" for month, many in enumerate(left, 1) for _ in range(many)]
    ends += [None] * (1000 - len(ends))
    rows = [subscription(str(who), "2026-03-15", ended) for who, ended in enumerate(ends)]
    tables = {
        "customers": [customer(str(who)) for who in range(1000)],
        "subscriptions": rows,
        "products": [product("p")],
    }
    with open_warehouse(workspace(tmp_path, tables)) as warehouse:
        save_features(warehouse, open_tables(warehouse, NOW), [], NOW, tmp_path / "features.parquet")
    valued = value_customers(tmp_path / "features.parquet", today(NOW, "UTC"), "USD")
    fit = valued.fit.subscribers
    assert fit is not None
    assert fit.params is not None
    assert (round(fit.params.alpha, 3), round(fit.params.beta, 3)) == parameters
    assert (fit.subscribers, fit.left, fit.model) == (491, 509, "sbg")
    # Two pieces of 2.50 a month, for as long as the model says of who has renewed seven times.
    model = ShiftedBetaGeometric(fit.params.alpha, fit.params.beta)
    renewals = (model.survival(np.arange(8, 20)) / model.survival(np.array([7]))).sum()
    found = valued.rows.to_pylist()
    assert {row["customer_id"] for row in found} == {str(who) for who, ended in enumerate(ends) if ended is None}
    assert {row["predicted_value_12m"] for row in found} == {round(500 * renewals)}
    assert {(row["p_alive"], row["value_model"]) for row in found} == {(1.0, "sbg")}
    assert fit.predicted_value_12m == round(491 * 500 * renewals)


def test_few_subscribers(tmp_path: Path) -> None:
    """One of five left in 17 months that somebody could have: 1/17 a month. Pauses and known ends bring nothing."""
    subscriptions = [
        # Ana changed from one product to another; she bought for 30.00 in 175 days.
        subscription("ana", "2026-05-10", "2026-06-10"),
        subscription("ana", "2026-06-20"),
        subscription("bo", "2026-05-10", "2026-07-10"),
        subscription("cam", "2026-05-10", paused="2026-12-20"),
        subscription("dai", "2026-05-10", "2027-01-10"),
        subscription("eve", "2026-10-20"),
        subscription("eve", "2026-10-20", "2026-10-19"),
    ]
    orders = [order(str(n), "ana", ago(n), "10.00") for n in (1, 30, 170, 300)] + [order("bo", "bo", ago(100))]
    people = ("ana", "bo", "cam", "dai", "eve", "fay")
    tables = {
        "customers": [customer(who) for who in people],
        "orders": orders,
        "subscriptions": subscriptions,
        "products": [product("p")],
    }
    segments = {
        "known": ["p_alive = 1"],
        "averages": ["value_model = 'average'"],
        "worth_it": ["predicted_value_12m >= 20"],
    }
    project = workspace(tmp_path, tables, segments=segments)
    shape = refresh(project, NOW)
    assert shape.quarantined == {"subscriptions.ended_at": 1}
    fit = shape.value.subscribers
    assert fit is not None
    assert (fit.subscribers, fit.left, fit.model, fit.leaving) == (4, 1, "average", 1 / 17)
    assert fit.note == "only 1 subscribers left; a model needs 30"
    assert shape.value.customers == 1
    path = project.state / "snapshots" / shape.snapshot / "people.parquet"
    rows = {row["customer_id"]: row for row in pq.read_table(path).to_pylist()}
    stays = (16 / 17) ** np.arange(1, 13)
    year, months = stays.sum(), 175 / MONTH
    assert rows["ana"]["predicted_orders_12m"] == pytest.approx(year * 3 / months)
    assert rows["ana"]["predicted_value_12m"] == round(year * 3000 / months)
    assert rows["cam"]["predicted_orders_3m"] == pytest.approx(stays[2])
    assert rows["cam"]["predicted_value_12m"] == round(500 * stays[2:].sum())
    assert rows["dai"]["predicted_value_12m"] == round(500 * stays[:2].sum())
    assert rows["eve"]["predicted_value_3m"] == round(500 * stays[:3].sum())
    # Who left is a customer as others are: one order, with too few of them for a model.
    assert (rows["bo"]["value_model"], rows["bo"]["p_alive"]) == ("average", None)
    assert (rows["fay"]["value_model"], rows["fay"]["predicted_value_12m"]) == ("none", None)
    assert shape.segments == {"known": 4, "averages": 5, "worth_it": 3}


@pytest.mark.parametrize(
    ("first", "last", "whole", "begun"),
    [
        ("2026-01-15", "2026-02-15", 1, 1), ("2026-01-15", "2026-02-14", 0, 1), ("2026-01-15", "2026-02-16", 1, 2),
        ("2026-01-15", "2026-01-15", 0, 0), ("2025-11-30", "2026-02-28", 2, 3), ("2024-02-29", "2025-02-28", 11, 12),
        ("2026-01-01", "2027-01-01", 12, 12),
    ],
)  # fmt: skip
def test_months_are_those_of_the_calendar(first: str, last: str, whole: int, begun: int) -> None:
    """Over by the same day of the month, whatever its length."""
    days = [np.array([(date.fromisoformat(day) - date(1970, 1, 1)).days]) for day in (first, last)]
    assert (whole_months(*days)[0], begun_months(*days)[0]) == (whole, begun)
