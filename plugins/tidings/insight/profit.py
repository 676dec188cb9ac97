"""What each customer earned and cost, month by month: at a refresh, beside the other features."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from tidings.insight.costing import NOBODY, Pool, Spent, assign, read_pools
from tidings.insight.months import begins, between, by_month, first_day, month_of
from tidings.insight.wallet import needed, shares
from tidings.ledger.database import Ledger
from tidings.ledger.tables import messages
from tidings.plugins import contained
from tidings.project import Project
from tidings.warehouse.connection import Warehouse
from tidings.warehouse.reading import fetch, reading
from tidings.warehouse.scratch import scratch

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

COLUMNS = ("margin", "activity_cost", "profit")
SENT = ("accepted", "in_doubt")
MONTHLY = ("margin", "activity_cost", "contact_cost")


def save_profit(
    project: Project, ledger: Ledger, warehouse: Warehouse, tables: Mapping[str, ir.Table], now: datetime, folder: Path
) -> None:
    """Add COLUMNS and share_of_wallet to features.parquet in `folder`; write months.parquet and costing.json beside.

    Money is minor units. The time is that of the periods of `activity_costs` that ended within `profit.within`, where
    there is none that of the months that did; margin is unknown without such a month, the others without such costs.
    """
    import pandas as pd
    import pyarrow.parquet as pq

    features = folder / "features.parquet"
    timezone, within = project.settings.timezone, project.settings.profit.within
    pools = [pool for pool in _pools(warehouse, tables) if _ended(pool.period.months, timezone, now, now - within)]
    months = _months(pools, timezone, now, now - within)
    wallet = project.settings.wallet
    columns = ["customer_id", *needed(wallet, pq.read_schema(features).names)]
    known = pd.read_parquet(features, columns=columns)
    known = known.sort_values("customer_id", ignore_index=True)
    customers = pd.Index(known["customer_id"])
    earned = _earned(warehouse, tables, months, timezone, customers)
    events = _events(project, ledger, warehouse, tables, pools, months, now, customers)
    spent, costs = assign(pools, events, project.plugins.drivers)

    ours = earned[earned["place"] != NOBODY]
    monthly = ours[["place", "month", "margin"]].merge(costs, on=["place", "month"], how="outer").fillna(0)
    monthly = monthly.astype("int64").sort_values(["place", "month"], ignore_index=True)
    days = [first_day(month) for month in monthly["month"]]
    told = monthly[list(MONTHLY)].assign(customer_id=customers.take(monthly["place"]), month=pd.to_datetime(days))
    told[["customer_id", "month", *MONTHLY]].to_parquet(folder / "months.parquet", index=False)
    totals = monthly.groupby("place")[["margin", "activity_cost"]].sum().reindex(range(len(customers)), fill_value=0)
    added = totals.assign(profit=totals["margin"] - totals["activity_cost"]).astype("Int64")
    added.loc[:, [*(["margin"] if not months else []), *(COLUMNS[1:] if not pools else [])]] = pd.NA
    shared = shares(wallet, known, warehouse, tables, now).to_numpy("float64", na_value=float("nan"))
    _add(features, added.assign(customer_id=customers, share_of_wallet=pd.array(shared, dtype="Float64")))
    (folder / "costing.json").write_text(json.dumps(_kept(months, earned, spent), indent=2), encoding="utf-8")


def _pools(warehouse: Warehouse, tables: Mapping[str, ir.Table]) -> list[Pool]:
    if "activity_costs" not in tables:
        return []
    return read_pools(fetch(warehouse.backend, tables["activity_costs"], "activity_costs").to_pylist())


def _ended(months: Sequence[int], timezone: str, now: datetime, since: datetime) -> bool:
    return since < begins(months[-1] + 1, timezone) <= now


def _months(pools: Sequence[Pool], timezone: str, now: datetime, since: datetime) -> range:
    """The months from the first to the last that count."""
    if pools:
        found = [month for pool in pools for month in pool.period.months]
    else:
        here = range(month_of(since.date()) - 1, month_of(now.date()) + 1)
        found = [month for month in here if _ended([month], timezone, now, since)]
    return range(min(found), max(found) + 1) if found else range(0)


def _earned(
    warehouse: Warehouse, tables: Mapping[str, ir.Table], months: range, timezone: str, customers: pd.Index[Any]
) -> pd.DataFrame:
    """place, month, margin, lines, revenue, lines_without_cost and revenue_without_cost."""
    import ibis

    names = ("margin", "lines", "revenue", "lines_without_cost", "revenue_without_cost")
    if not months:
        import pandas as pd

        return pd.DataFrame({name: pd.Series(dtype="int64") for name in ("place", "month", *names)})
    lines, products, orders = (tables[name] for name in ("order_lines", "products", "orders"))
    lines = lines.filter(between(lines.ordered_at, months, timezone))
    lines = lines.left_join(products.select("product_id", "unit_cost"), "product_id").drop("product_id_right")
    rate = ibis.literal(1.0)
    if "fx_rate" in orders.columns:
        lines = lines.left_join(orders.select("order_id", "fx_rate"), "order_id").drop("order_id_right")
        rate = lines.fx_rate.cast("float64").fill_null(1.0)
    paid = _whole((lines.unit_price * lines.quantity - lines.discount.fill_null(0)) * rate)
    lines = lines.mutate(paid=paid, cost=_whole(lines.unit_cost * lines.quantity))
    known = lines.cost.notnull()
    lines = lines.mutate(month=by_month(lines.ordered_at, months, timezone), gain=lines.paid - lines.cost, known=known)
    rows = lines.group_by(["customer_id", "month"]).aggregate(
        margin=lines.gain.sum().fill_null(0).cast("int64"),
        lines=lines.count(),
        revenue=lines.paid.sum().cast("int64"),
        lines_without_cost=(~lines.known).sum().cast("int64"),
        revenue_without_cost=lines.paid.sum(where=~lines.known).fill_null(0).cast("int64"),
    )
    return _placed(fetch(warehouse.backend, rows, "margins").to_pandas(), customers)


def _whole(value: ir.NumericValue) -> ir.IntegerValue:
    """The nearest whole number, a half upwards: engines differ in what their own rounding does."""
    return (value + 0.5).floor().cast("int64")


def _events(
    project: Project,
    ledger: Ledger,
    warehouse: Warehouse,
    tables: Mapping[str, ir.Table],
    pools: Sequence[Pool],
    months: range,
    now: datetime,
    customers: pd.Index[Any],
) -> dict[str, pd.DataFrame]:
    """For each driver that a pool names and that there is: place, month and n."""
    import ibis

    timezone = project.settings.timezone
    found = {}
    with scratch() as connection:
        own = ibis.duckdb.from_connection(connection)
        for name in sorted({pool.driver for pool in pools if pool.driver} & project.plugins.drivers.keys()):
            driver = project.plugins.drivers[name]()
            asked = {"contacts": _contacts(own, ledger, now)} if driver.ledger else tables
            with contained(f"the cost driver {name!r}"):
                rows = driver.events(asked)
                rows = rows.filter(between(rows.at, months, timezone))
                rows = rows.mutate(month=by_month(rows.at, months, timezone))
                counted = rows.of.nunique() if "of" in rows.columns else rows.count()
                rows = rows.group_by(["customer_id", "month"]).aggregate(n=counted.cast("int64"))
            frame = fetch(own if driver.ledger else warehouse.backend, rows, f"driver {name}").to_pandas()
            found[name] = _placed(frame, customers)
    return found


def _contacts(backend: Any, ledger: Ledger, now: datetime) -> Any:
    """The messages that were sent, as a table of its own engine."""
    import pyarrow as pa

    chosen = select(messages.c.customer_id, messages.c.counted_at, messages.c.campaign, messages.c.channel)
    with ledger.read() as connection:
        rows = connection.execute(chosen.where(messages.c.state.in_(SENT), messages.c.counted_at < now)).all()
    customer, at, campaign, channel = zip(*rows, strict=True) if rows else ((), (), (), ())
    text = {"customer_id": customer, "campaign": campaign, "channel": channel}
    columns = {name: pa.array(values, pa.string()) for name, values in text.items()}
    moments = pa.array(at, pa.timestamp("us", "UTC"))
    return backend.create_table("contacts", pa.table({**columns, "at": moments}), temp=True, overwrite=True)


def _placed(rows: pd.DataFrame, customers: pd.Index[Any]) -> pd.DataFrame:
    """The rows with a place for each customer_id, in order; all that are of nobody are one a month."""
    import pandas as pd

    rows = rows.assign(place=customers.get_indexer(pd.Index(rows["customer_id"]))).drop(columns="customer_id")
    return rows.groupby(["place", "month"], as_index=False).sum()


def _add(features: Path, columns: pd.DataFrame) -> None:
    """Join the columns to the file's rows, in place."""
    made = features.with_name("features-and-profit.parquet")
    with reading("profit"), scratch() as connection:
        connection.register("added", columns)
        connection.read_parquet(str(features)).create_view("features")
        place = str(made).replace("'", "''")
        connection.execute(
            f"COPY (SELECT * FROM features JOIN added USING (customer_id)) TO '{place}' (FORMAT parquet)"
        )
    made.replace(features)


def _kept(months: range, earned: pd.DataFrame, spent: Sequence[Spent]) -> dict[str, Any]:
    ours = earned["place"] != NOBODY
    counted = ("lines", "revenue", "lines_without_cost", "revenue_without_cost")
    return {
        "since": str(first_day(months[0])) if months else None,
        "until": str(first_day(months[-1] + 1)) if months else None,
        **{name: int(earned[name].sum()) for name in counted},
        "margin": int(earned.loc[ours, "margin"].sum()),
        "margin_of_others": int(earned.loc[~ours, "margin"].sum()),
        "pools": [
            {
                "period": each.pool.period.name, "activity": each.pool.activity, "cost_level": each.pool.cost_level,
                "driver": each.pool.driver, "amount": each.pool.amount, "volume": each.volume,
                "rate": each.pool.amount / each.volume if each.volume else None,
                "assigned": each.assigned, "unassigned": each.unassigned, "reason": each.reason,
            }
            for each in spent
        ],
    }  # fmt: skip
