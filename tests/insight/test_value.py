"""`tidings value` on files: published figures, what is left out, thin data, and mistakes in arguments."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from tests.insight.files import many, write
from tidings.errors import TidingsError
from tidings.insight.purchases import Columns, load_histories
from tidings.insight.value import HORIZONS
from tidings.model.value import ValueShape
from tidings.verbs.value import value

COLUMNS = Columns("who", "day", "paid")
UNTIL = date(2026, 9, 30)


def told(file: Path) -> ValueShape:
    """What `value` says of a file in its own folder."""
    return value(file, COLUMNS, UNTIL, file.parent / "scores.csv")


@pytest.mark.reference
def test_cdnow_to_the_printed_digits(tmp_path: Path) -> None:
    """Fader, Hardie & Lee (2005) and Fader & Hardie (2013), from the transactions."""
    file = Path(os.environ["TIDINGS_REFERENCE_DATA"]) / "cdnow/cdnow_sample.csv.gz"
    found = value(file, Columns("master_id", "date", "value"), date(1997, 9, 30), tmp_path / "scores.parquet")
    assert (found.customers, found.customers - found.came_back) == (2_357, 1_411)
    assert found.params is not None
    assert found.gamma_gamma is not None
    assert found.holdout is not None
    params = found.params.model_dump().values()
    assert [round(each, 5) for each in params] == pytest.approx([0.242595, 4.413602, 0.792922, 2.425906], abs=1e-5)
    assert found.log_likelihood == pytest.approx(-9582.4292, abs=1e-4)
    assert [round(getattr(found.gamma_gamma, name), 2) for name in "pqv"] == [6.25, 3.74, 15.44]
    assert found.holdout.days == 39 * 7
    assert round(found.holdout.correlation or 0, 3) == 0.626
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    assert len(scores) == 2_357
    assert scores["predicted_orders_12m"].sum() == pytest.approx(found.predicted_orders_12m)


@pytest.mark.reference
def test_online_retail_leaves_out_what_is_no_purchase() -> None:
    """Lines rather than totals, times of day, customers that are missing: nothing is lost without being counted."""
    file = Path(os.environ["TIDINGS_REFERENCE_DATA"]) / "online_retail/online_retail_2010_2011.parquet"
    found = load_histories(file, Columns("CustomerID", "InvoiceDate", "UnitPrice"), date(2011, 12, 9))
    assert found.left_out == {"customer": 135_080}
    assert len(found.rows) == 4_372


def test_a_history(tmp_path: Path) -> None:
    """Purchases of one day are one; the first day's money is left out; what comes after the last day is kept apart."""
    file = write(
        tmp_path / "a.csv",
        "lan,2026-09-01 08:00,10", "lan,20260901,5.5", "lan,2026-09-11,2.25", "lan,2026-09-12T23:59:59,3",
        "lan,2026-10-02,7", "minh,2026-09-30,0", "hoa,2026-10-20,9",
    )  # fmt: skip
    found = load_histories(file, COLUMNS, UNTIL)
    assert found.rows.set_index("customer").T.to_dict() == {
        "lan": {"repeats": 2, "recency": 11, "age": 29, "spend": 20.75, "repeat_spend": 5.25, "later": 1},
        "minh": {"repeats": 0, "recency": 0, "age": 0, "spend": 0, "repeat_spend": 0, "later": 0},
    }
    assert (found.purchases, found.days_after) == (4, 20)


def test_rows_that_are_no_purchase_are_counted(tmp_path: Path) -> None:
    """Each under the first thing that is wrong with it."""
    file = write(
        tmp_path / "a.csv", "lan,2026-09-01,10", ",2026-09-01,10", " ,2026-09-01,10", "lan,31.31.2026,4",
        "lan,2026-09-02,", "lan,2026-09-02,NaN", "lan,2026-09-03,-4",
    )  # fmt: skip
    found = load_histories(file, COLUMNS, UNTIL)
    assert found.left_out == {"customer": 2, "date": 1, "amount": 2, "refund": 1}
    assert found.purchases == 1


def test_the_models_and_their_scores(tmp_path: Path) -> None:
    """A customer's row adds up to the total, and the forecast of the next quarter comes near what happened."""
    found = told(many(tmp_path / "a.csv", after=True))
    assert (found.model, found.note) == ("bg_nbd", None)
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert list(scores["customer"]) == sorted(scores["customer"])
    assert scores["p_alive"].between(0, 1).all()
    assert scores["p_alive"].sum() == pytest.approx(found.active)
    assert scores["predicted_value_12m"].sum() == pytest.approx(found.predicted_value_12m)
    assert (scores["predicted_orders_12m"] > scores["predicted_orders_3m"]).all()
    assert found.holdout is not None
    assert found.holdout.expected == pytest.approx(found.holdout.bought, rel=0.25)
    assert (found.holdout.correlation or 0) > 0.4


def test_too_few_to_tell(tmp_path: Path) -> None:
    """One customer, or few who came back: averages, and it is said."""
    found = told(write(tmp_path / "one.csv", "lan,2026-09-20,10", "lan,2026-09-25,30"))
    assert (found.model, found.params, found.gamma_gamma, found.active) == ("average", None, None, None)
    assert found.note == "only 1 customers came back; a model needs 30"
    assert found.predicted_orders_12m == pytest.approx(1 / 10 * HORIZONS["12m"])
    assert found.predicted_value_12m == pytest.approx(36.5 * 20)
    today = told(write(tmp_path / "today.csv", "lan,2026-09-30,10"))
    assert today.predicted_orders_12m == 0


def test_everybody_the_same(tmp_path: Path) -> None:
    """No variance anywhere: amounts have no expected one by the model, so the average stands in."""
    file = write(tmp_path / "a.csv", *(f"c{who},2026-0{month}-10,25" for who in range(50) for month in (5, 6, 7, 8, 9)))
    found = told(file)
    assert found.model == "bg_nbd"
    assert found.undetermined
    assert found.spend_correlation is None
    assert found.predicted_value_12m == pytest.approx(found.predicted_orders_12m * 25, rel=1e-3)
    assert 0 < found.predicted_orders_12m / 50 < 15


def test_nothing_paid_for(tmp_path: Path) -> None:
    """Orders without money still say when the next will come."""
    file = many(tmp_path / "a.csv")
    free = write(tmp_path / "free.csv", *(f"{line.rpartition(',')[0]},0" for line in file.read_text().splitlines()[1:]))
    found = told(free)
    assert (found.model, found.gamma_gamma, found.predicted_value_12m) == ("bg_nbd", None, 0)
    assert found.note == "only 0 customers paid for a repeat; 30 are needed"


@pytest.mark.parametrize(
    ("arrange", "said"),
    [
        (lambda f: f / "none.csv", "there is no file"),
        (lambda f: write(f / "a.xlsx", "lan,2026-09-01,1"), "neither CSV nor Parquet"),
        (lambda f: write(f / "a.csv"), "it has no rows"),
        (lambda f: write(f / "a.csv", "lan,2026-10-01,1"), "all 1 purchases are later"),
        (lambda f: write(f / "a.csv", "lan,soon,1", "lan,2026-09-01,much"), "1 rows without a sound date, 1 rows"),
        (lambda f: (f / "a.parquet", (f / "a.parquet").write_text("no"))[0], "cannot be read"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, arrange: object, said: str) -> None:
    """A message and no scores."""
    with pytest.raises(TidingsError, match=said):
        told(arrange(tmp_path))  # type: ignore[operator]
    assert not list(tmp_path.glob("*scores*"))


def test_columns_and_scores_that_are_not_there(tmp_path: Path) -> None:
    """The option that names it, and what was meant."""
    file = write(tmp_path / "a.csv", "lan,2026-09-01,1")
    with pytest.raises(TidingsError, match=r"no column 'payd' \(--amount\); did you mean 'paid'"):
        load_histories(file, Columns("who", "day", "payd"), UNTIL)
    with pytest.raises(TidingsError, match=r"none/scores\.csv cannot be written"):
        value(file, COLUMNS, UNTIL, tmp_path / "none/scores.csv")
    with pytest.raises(TidingsError, match=r"name the file \*\.csv or \*\.parquet"):
        value(file, COLUMNS, UNTIL, tmp_path / "scores.xls")
