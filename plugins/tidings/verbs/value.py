"""value: what the customers of anybody's file of purchases are worth."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tidings.errors import TidingsError
from tidings.model.value import BgNbdParameters, GammaGammaParameters, Holdout, ValueShape

if TYPE_CHECKING:
    import pandas as pd

    from tidings.insight.purchases import Columns, Histories
    from tidings.insight.value import ValueModel

Unit = Literal["days", "weeks"]
DAYS: dict[Unit, int] = {"days": 1, "weeks": 7}


def value(file: Path, columns: Columns, until: date, scores: Path, unit: Unit = "weeks") -> ValueShape:
    """Fit, score every customer and write the scores beside the shape; no workspace is needed.

    TidingsError where the file cannot be read or the scores cannot be written, which are whole or not there.
    """
    import numpy as np

    from tidings.insight.purchases import load_histories
    from tidings.insight.value import fit_value, score

    found = load_histories(file, columns, until)
    rows = found.rows
    model = fit_value(*found.history(), rows["repeat_spend"].to_numpy(), DAYS[unit])
    scored = score(model, rows)
    _write(rows.drop(columns=["repeat_spend", "later"]).join(scored).assign(model=model.name), scores)
    again = rows[rows["repeats"] > 0]
    undetermined = model.orders[1].undetermined if model.orders else ()
    return ValueShape(
        file=str(file), until=until, unit=unit, customers=len(rows), purchases=found.purchases,
        came_back=len(again), left_out=dict(found.left_out), model=model.name, note=model.why,
        params=BgNbdParameters(**{name: getattr(model.orders[0], name) for name in "r alpha a b".split()})
        if model.orders else None,
        log_likelihood=model.orders[1].log_likelihood if model.orders else None,
        undetermined=[name for name, open_ in zip("r alpha a b".split(), undetermined, strict=False) if open_],
        gamma_gamma=_money(model),
        spend_correlation=_correlation(again["repeats"], again["repeat_spend"] / again["repeats"]),
        active=float(np.sum(scored["p_alive"])) if model.orders else None,
        predicted_orders_12m=float(scored["predicted_orders_12m"].sum()),
        predicted_value_12m=float(scored["predicted_value_12m"].sum()),
        holdout=_holdout(model, found), scores=str(scores),
    )  # fmt: skip


def _money(model: ValueModel) -> GammaGammaParameters | None:
    if model.money is None:
        return None
    fitted, found = model.money
    return GammaGammaParameters(p=fitted.p, q=fitted.q, v=fitted.v, log_likelihood=found.log_likelihood)


def _holdout(model: ValueModel, found: Histories) -> Holdout | None:
    if not found.days_after or model.orders is None:
        return None
    expected = model.orders[0].expected_orders(found.days_after, *found.history())
    later = found.rows["later"]
    correlation = _correlation(later.astype(float), later * 0 + expected)
    return Holdout(
        days=found.days_after, expected=float(expected.sum()), bought=int(later.sum()), correlation=correlation
    )


def _correlation(left: pd.Series[float], right: pd.Series[float]) -> float | None:
    if len(left) < 2 or left.nunique() < 2 or right.nunique() < 2:
        return None
    return float(left.corr(right))


def _write(rows: pd.DataFrame, path: Path) -> None:
    """The whole file, or none: it is written beside and renamed."""
    kinds = {".csv": "to_csv", ".parquet": "to_parquet"}
    if path.suffix not in kinds:
        raise TidingsError(f"scores cannot be written as {path.name!r}", "name the file *.csv or *.parquet")
    beside = path.with_name(f".{path.name}.part")
    try:
        getattr(rows, kinds[path.suffix])(beside, index=False)
        beside.replace(path)
    except OSError as error:
        raise TidingsError(f"{path} cannot be written: {error}", "name another file with --scores") from error
