"""What a refresh says of each customer's value, beside `tidings value` on the same purchases."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.insight.files import many, write
from tests.warehouse.workspaces import Row, ago, customer, order, workspace
from tidings.errors import TidingsError
from tidings.insight.purchases import Columns
from tidings.model.counts import RefreshShape
from tidings.model.value import ValueShape
from tidings.project import Project
from tidings.segments.features import all_columns
from tidings.verbs.refresh import refresh
from tidings.verbs.value import value
from tidings.warehouse.connection import open_warehouse

ZONE = ZoneInfo("Europe/Berlin")
UNTIL = date(2026, 9, 30)
NOW = datetime.combine(UNTIL, time(23, 59), ZONE)
SHARED = (
    *("customers", "came_back", "model", "note", "params", "log_likelihood", "undetermined", "gamma_gamma"),
    *("spend_correlation", "active", "predicted_orders_12m"),
)


def placed(purchases: pd.DataFrame) -> list[Row]:
    """An order for each purchase, early or late on its day by the clocks of ZONE: in UTC often another day."""
    rows = []
    for number, (who, day, paid) in enumerate(purchases.itertuples(index=False)):
        clock = time(0, 30) if number % 2 else time(23, 30)
        at = datetime.combine(date.fromisoformat(day), clock, ZONE).astimezone(UTC)
        rows.append(order(f"o{number}", who, at, paid))
    return rows


def scored(project: Project, shape: RefreshShape) -> dict[str, dict[str, Any]]:
    """The rows of people.parquet by customer."""
    path = project.state / "snapshots" / shape.snapshot / "people.parquet"
    return {row["customer_id"]: row for row in pq.read_table(path).to_pylist()}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[ValueShape, pd.DataFrame, Project, RefreshShape]:
    """The same purchases as a file and as orders; here one customer never ordered, and one order was returned."""
    root = tmp_path_factory.mktemp("shop")
    file = many(root / "purchases.csv", customers=250)
    told = value(file, Columns("who", "day", "paid"), UNTIL, root / "scores.csv")
    purchases = pd.read_csv(file)
    orders = [*placed(purchases), order("back", "c1", datetime(2026, 9, 1, tzinfo=UTC), 900, status="refunded")]
    since = NOW - timedelta(days=500)
    who = [*sorted(purchases["who"].unique()), "never"]
    tables = {"customers": [customer(each, created_at=since) for each in who], "orders": orders}
    segments = {
        "slipping": ["p_alive < 0.35 and predicted_value_12m >= 40"],
        "unknown": [{"not": "p_alive <= 1"}, "value_model = 'none' and predicted_value_3m is null"],
    }
    project = workspace(root, tables, segments=segments, timezone=ZONE.key)
    return told, pd.read_csv(root / "scores.csv").set_index("customer"), project, refresh(project, NOW)


def test_a_refresh_finds_the_models_of_tidings_value(both: Any) -> None:
    """Same parameters, likelihoods and totals, by days of the workspace's zone, daylight saving included."""
    told, _, _, shape = both
    for name in SHARED:
        assert getattr(shape.value, name) == getattr(told, name), name
    assert (told.model, shape.value.unit) == ("bg_nbd", told.unit)
    assert shape.value.predicted_value_12m == round(100 * told.predicted_value_12m)


def test_each_customer_has_the_scores_of_tidings_value(both: Any) -> None:
    """Money in whole minor units; of who never ordered nothing is known, and their model is none."""
    _, scores, project, shape = both
    rows = scored(project, shape)
    never = rows.pop("never")
    assert [never[name] for name in ("p_alive", "predicted_orders_3m", "predicted_value_12m")] == [None] * 3
    assert never["value_model"] == "none"
    assert set(rows) == set(scores.index)
    for who, row in rows.items():
        wanted = scores.loc[who]
        for name in ("p_alive", "predicted_orders_3m", "predicted_orders_12m"):
            assert row[name] == pytest.approx(wanted[name], rel=1e-12)
        for name in ("predicted_value_3m", "predicted_value_12m"):
            assert isinstance(row[name], int)
            assert row[name] == pytest.approx(100 * wanted[name], abs=0.5 + 1e-6)
        assert row["value_model"] == wanted["model"] == "bg_nbd"


def test_segments_ask_for_it(both: Any) -> None:
    """A literal beside money is in major units; what is not known does not hold."""
    _, scores, _, shape = both
    slipping = (scores["p_alive"] < 0.35) & (scores["predicted_value_12m"] >= 40)
    assert shape.segments == {"slipping": int(slipping.sum()), "unknown": 1}
    assert slipping.sum() > 0
    assert shape.unknown["slipping"] == 1


def test_thin_data_are_averages(tmp_path: Path) -> None:
    """No model, and it is said why; as `tidings value` has it."""
    file = write(tmp_path / "one.csv", "lan,2026-09-20,10", "lan,2026-09-25,30", "minh,2026-09-28,5")
    told = value(file, Columns("who", "day", "paid"), UNTIL, tmp_path / "scores.csv")
    tables = {"customers": [customer("lan"), customer("minh")], "orders": placed(pd.read_csv(file))}
    project = workspace(tmp_path, tables, timezone=ZONE.key)
    shape = refresh(project, NOW)
    assert (shape.value.model, shape.value.note, shape.value.params) == (told.model, told.note, None)
    assert shape.value.predicted_orders_12m == pytest.approx(told.predicted_orders_12m)
    lan = scored(project, shape)["lan"]
    assert (lan["p_alive"], lan["value_model"]) == (None, "average")
    assert lan["predicted_value_12m"] == round(50 * told.predicted_value_12m)


@pytest.mark.parametrize("name", ["P_alive", "predicted_value_12m", "value_model"])
def test_a_column_of_the_company_s_own_may_not_be_called_so(tmp_path: Path, name: str) -> None:
    """A condition would read one in place of the other."""
    project = workspace(tmp_path, {"customers": [customer("1", created_at=ago(9), **{name: 1})]})
    with open_warehouse(project) as warehouse:
        customers = warehouse.table("customers")
        with pytest.raises(TidingsError, match=f"customers.{name} has the name of a feature"):
            all_columns(customers)
