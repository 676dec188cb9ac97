"""What is told of the models of a set of customers, whatever they were read from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidings.insight.value import ValueModel
from tidings.model.value import BgNbdParameters, GammaGammaParameters

if TYPE_CHECKING:
    import pandas as pd

PARAMETERS = ("r", "alpha", "a", "b")


def figures(model: ValueModel, rows: pd.DataFrame, scored: pd.DataFrame) -> dict[str, Any]:
    """The fields that ValueShape and ValueFit share; `rows` is what `score` took, `scored` what it gave."""
    again = rows[rows["repeats"] > 0]
    undetermined = model.orders[1].undetermined if model.orders else ()
    return {
        "customers": len(rows),
        "came_back": len(again),
        "model": model.name,
        "note": model.why,
        "params": BgNbdParameters(**{name: getattr(model.orders[0], name) for name in PARAMETERS})
        if model.orders
        else None,
        "log_likelihood": model.orders[1].log_likelihood if model.orders else None,
        "undetermined": [name for name, open_ in zip(PARAMETERS, undetermined, strict=False) if open_],
        "gamma_gamma": _money(model),
        "spend_correlation": correlation(again["repeats"], again["repeat_spend"] / again["repeats"]),
        "active": float(scored["p_alive"].sum()) if model.orders else None,
        "predicted_orders_12m": float(scored["predicted_orders_12m"].sum()),
        "predicted_value_12m": float(scored["predicted_value_12m"].sum()),
    }


def correlation(left: pd.Series[float], right: pd.Series[float]) -> float | None:
    """Pearson's, None where one of them never varies."""
    if len(left) < 2 or left.nunique() < 2 or right.nunique() < 2:
        return None
    return float(left.corr(right))


def _money(model: ValueModel) -> GammaGammaParameters | None:
    if model.money is None:
        return None
    fitted, found = model.money
    return GammaGammaParameters(p=fitted.p, q=fitted.q, v=fitted.v, log_likelihood=found.log_likelihood)
