"""Share of wallet: our part of what a customer spends in the category, where something tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tidings.errors import TidingsError, did_you_mean
from tidings.warehouse.connection import Warehouse
from tidings.warehouse.reading import fetch

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from tidings.model.insight import Wallet

COLUMN = "share_of_wallet"
YEAR = timedelta(days=365)
FEWEST = 20
"""Fewer peers than that say little about a wallet."""


def needed(settings: Wallet | None, known: Sequence[str]) -> list[str]:
    """The columns that the source looks at; TidingsError where one is not among those `known` of customers."""
    for name in settings.columns if settings else ():
        if name not in known:
            raise TidingsError(f"wallet.columns: customers have no column {name!r}", did_you_mean(name, known))
    return list(settings.columns) if settings else []


def shares(
    settings: Wallet | None,
    customers: pd.DataFrame,
    warehouse: Warehouse,
    tables: Mapping[str, ir.Table],
    now: datetime,
) -> pd.Series[Any]:
    """A share of 1 for each row of `customers` (customer_id and what is `needed`); NA where nothing tells it.

    By `survey`: what customers said, a column with shares of 1. By `rank`, the wallet allocation rule: who ranks us
    r-th of the n brands they use gives us (1 − r / (n + 1)) × 2 / n (Keiningham, Aksoy, Buoye and Cooil 2011, *Harvard
    Business Review* 89(10)). By `peers`: own spend of a year over the spend that the given share of their peers do not
    exceed, 1 at most; a high quantile stands for the wallet (Rosset, Perlich, Zadrozny, Merugu, Weiss and Lawrence
    2007, KDD).
    """
    import pandas as pd

    if settings is None:
        return pd.Series(pd.NA, index=customers.index, dtype="Float64")
    if settings.source == "peers":
        found = _of_peers(settings, customers, _spent(warehouse, tables, now))
    else:
        columns = [pd.to_numeric(customers[name], errors="coerce") for name in settings.columns]
        first, *others = (column.astype("Float64") for column in columns)
        found = first if settings.source == "survey" else allocated(first, others[0])
    return found.where((found >= 0) & (found <= 1))


def allocated(rank: pd.Series[Any], brands: pd.Series[Any]) -> pd.Series[Any]:
    """The wallet allocation rule; NA for a rank that is not among the brands."""
    sound = (brands >= 1) & (rank >= 1) & (rank <= brands)
    return ((1 - rank / (brands + 1)) * 2 / brands).where(sound)


def _spent(warehouse: Warehouse, tables: Mapping[str, ir.Table], now: datetime) -> pd.Series[Any]:
    import ibis

    orders = tables["orders"]
    orders = orders.filter(orders.ordered_at >= ibis.literal(now - YEAR, type="timestamp('UTC', 6)"))
    rows = orders.group_by("customer_id").aggregate(spent=orders.total.sum().cast("int64"))
    frame = fetch(warehouse.backend, rows, "wallet").to_pandas()
    found: pd.Series[Any] = frame.set_index("customer_id")["spent"]
    return found


def _of_peers(settings: Wallet, customers: pd.DataFrame, spent: pd.Series[Any]) -> pd.Series[Any]:
    own = customers["customer_id"].map(spent).astype("Float64")
    peers = own[own > 0].groupby([customers[name] for name in settings.columns])
    wallet = peers.transform("quantile", settings.quantile).where(peers.transform("count") >= FEWEST)
    return (own / wallet).clip(upper=1)
