"""value: what the customers of anybody's file of purchases are worth."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tidings.errors import TidingsError
from tidings.model.value import Holdout, ValueShape

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
    from tidings.insight.figures import figures
    from tidings.insight.purchases import load_histories
    from tidings.insight.value import fit_value, score

    found = load_histories(file, columns, until)
    rows = found.rows
    model = fit_value(*found.history(), rows["repeat_spend"].to_numpy(), DAYS[unit])
    scored = score(model, rows)
    _write(rows.drop(columns=["repeat_spend", "later"]).join(scored).assign(model=model.name), scores)
    return ValueShape(
        file=str(file), until=until, unit=unit, purchases=found.purchases, left_out=dict(found.left_out),
        **figures(model, rows, scored),
        holdout=_holdout(model, found), scores=str(scores),
    )  # fmt: skip


def _holdout(model: ValueModel, found: Histories) -> Holdout | None:
    from tidings.insight.figures import correlation

    if not found.days_after or model.orders is None:
        return None
    expected = model.orders[0].expected_orders(found.days_after, *found.history())
    later = found.rows["later"]
    agreed = correlation(later.astype(float), later * 0 + expected)
    return Holdout(days=found.days_after, expected=float(expected.sum()), bought=int(later.sum()), correlation=agreed)


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
