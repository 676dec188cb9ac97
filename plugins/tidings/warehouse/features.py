"""Stage 1: one aggregate query over the warehouse, one row a customer, streamed to Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import reduce
from operator import add, or_
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tidings.errors import TidingsError
from tidings.model.insight import Ladder
from tidings.model.seams import Condition
from tidings.plugins import contained
from tidings.warehouse.contract import CONTACT_COLUMNS
from tidings.warehouse.days import DAY
from tidings.warehouse.in_order import in_order
from tidings.warehouse.milestones import milestones
from tidings.warehouse.reading import save
from tidings.warehouse.rhythm import REPEAT_SPEND, rhythm
from tidings.warehouse.subscribers import SUBSCRIPTION, subscribers

if TYPE_CHECKING:
    import ibis.expr.datatypes as dt
    import ibis.expr.types as ir
    import pandas as pd

    from tidings.warehouse.connection import Warehouse

FeatureKind = Literal["number", "money", "time", "date", "text", "boolean"]

LATELY = timedelta(days=90)

BASE: Mapping[str, FeatureKind] = {
    "orders": "number",
    "total_spend": "money",
    "average_order": "money",
    "first_order_at": "time",
    "last_order_at": "time",
    "recency_days": "number",
    "tenure_days": "number",
    "average_gap_days": "number",
    "orders_90d": "number",
    "spend_90d": "money",
    "open_cases": "number",
    "completeness": "number",
}
"""Base features and what they hold; money in minor units of the base currency, days as whole days but for the gap."""

CONTACT = ("email", "phone", "first_name", "last_name", "locale", "timezone", "country", "birth_date")
"""What should be known of everybody; eight of them, so that every share is a float without rounding."""

VALUE: Mapping[str, FeatureKind] = {
    "p_alive": "number",
    "predicted_orders_3m": "number",
    "predicted_orders_12m": "number",
    "predicted_value_3m": "money",
    "predicted_value_12m": "money",
    "value_model": "text",
}
"""What models say of each customer, made of the file of stage 1."""

USUAL_LADDER = Ladder()
RESERVED = ("person_key", "represents", "since")


def feature_columns(customers: ir.Table, later: Mapping[str, FeatureKind]) -> dict[str, FeatureKind]:
    """What a condition may ask about: the customers' own columns, the base features, and those added `later`.

    `customers` is the conformed table. TidingsError where one of its columns has the name of a feature.
    """
    taken = {*BASE, *later, *RESERVED}
    own: dict[str, FeatureKind] = {}
    for name, dtype in customers.schema().items():
        if name in CONTACT_COLUMNS:
            continue
        if name.lower() in taken or "__" in name:
            fix = f"rename it in warehouse.tables: customers: select ..., {name} as their_{name.strip('_')}"
            raise TidingsError(f"customers.{name} has the name of a feature", fix)
        own[name] = _kind(dtype)
    return {**own, **BASE, **later}


def save_features(
    warehouse: Warehouse,
    tables: Mapping[str, ir.Table],
    conditions: Iterable[Condition],
    now: datetime,
    path: Path,
    ladder: Ladder = USUAL_LADDER,
    zone: str = "UTC",
) -> None:
    """Write base features, attributes and the conditions' aggregates: customer_id is unique, nobody is left out."""
    save(warehouse.backend, features(tables, conditions, now, ladder, zone), path, "features")


def last_orders(path: Path) -> pd.DataFrame:
    """customer_id and last_order_at of the file that `save_features` wrote."""
    import pandas as pd

    return pd.read_parquet(path, columns=["customer_id", "last_order_at"])


def features(
    tables: Mapping[str, ir.Table],
    conditions: Iterable[Condition],
    now: datetime,
    ladder: Ladder = USUAL_LADDER,
    zone: str = "UTC",
) -> ir.Table:
    """The one query of stage 1, not run yet; days are those of `zone`."""
    import ibis

    customers = tables["customers"]
    asked = [condition for condition in conditions if not condition.ledger]
    own = [column for column in customers.columns if column not in CONTACT_COLUMNS]
    rows = join_all(
        customers.select(*own, completeness=_completeness(customers)),
        [
            _orders(in_order(tables["orders"], ladder.loyal_orders - 1, now, zone), now, ladder),
            *aggregated(tables, asked, now, "customer_id"),
        ],
        "customer_id",
    )
    if "cases" in tables:
        rows = join_all(rows, [_cases(tables["cases"], now)], "customer_id")
    if "subscriptions" in tables:
        rows = join_all(rows, subscribers(tables, now, zone), "customer_id")
    else:
        rows = rows.mutate(**{name: ibis.null(kind) for name, kind in SUBSCRIPTION.items()})
    return rows.mutate(**_derived(rows, now, "cases" in tables))


def aggregated(
    tables: Mapping[str, ir.Table], conditions: Iterable[Condition], now: datetime, key: str
) -> list[ir.Table]:
    """The aggregates that conditions declare, one grouped table for each table they stand on.

    TidingsError naming the condition where it fails, or declares what cannot be a column of `key`.
    """
    wanted: dict[Any, dict[str, ir.Column]] = {}
    for condition in conditions:
        who = f"the condition {condition.name!r}"
        with contained(who):
            declared = condition.aggregates(tables, now)
            relations = {name: aggregate.op().relations for name, aggregate in declared.items()}
        for name, aggregate in declared.items():
            if not name.startswith(f"{condition.name}__"):
                raise TidingsError(f"{who} declares {name!r}", f"let the name begin with {condition.name}__")
            if len(relations[name]) != 1:
                raise TidingsError(f"{who} declares {name!r} over several tables", "one aggregate reads one table")
            [relation] = relations[name]
            if key not in relation.schema:
                raise TidingsError(f"{who} declares {name!r} over a table without {key}", "read one that has it")
            wanted.setdefault(relation, {})[name] = aggregate
    return [_grouped(relation, columns, key) for relation, columns in wanted.items()]


def _grouped(relation: Any, columns: dict[str, ir.Column], key: str) -> ir.Table:
    """The aggregates over the rows that at least one of them looks at: most conditions look at few of the lines."""
    rows = relation.to_expr()
    filters = [getattr(column.op(), "where", None) for column in columns.values()]
    if all(each is not None for each in filters):
        rows = rows.filter(reduce(or_, [each.to_expr() for each in filters if each is not None]))
        moved = {name: column.op().replace({relation: rows.op()}) for name, column in columns.items()}
        columns = {name: node.to_expr() for name, node in moved.items()}
    return rows.group_by(key).aggregate(**columns)


def join_all(rows: ir.Table, others: Iterable[ir.Table], key: str) -> ir.Table:
    """Every row with the columns of the others, which have at most one row a key."""
    for other in others:
        rows = rows.left_join(other, key).drop(f"{key}_right")
    return rows


def _orders(rows: ir.Table, now: datetime, ladder: Ladder) -> ir.Table:
    import ibis

    lately = rows.ordered_at >= ibis.literal(now - LATELY, type="timestamp('UTC', 6)")
    return rows.group_by("customer_id").aggregate(
        orders=rows.count(),
        total_spend=_whole(rows.total.sum()),
        first_order_at=rows.ordered_at.min(),
        last_order_at=rows.ordered_at.max(),
        orders_90d=rows.count(where=lately),
        spend_90d=_whole(rows.total.sum(where=lately)),
        **milestones(rows, ladder),
        **rhythm(rows),
    )


def _completeness(customers: ir.Table) -> ir.Column:
    """The share of CONTACT that is known; a blank says nothing."""
    import ibis

    known = [(customers[name].cast("string").strip() != "").ifelse(1, 0) for name in CONTACT]
    return reduce(add, known) / ibis.literal(float(len(CONTACT)))


def _cases(cases: ir.Table, now: datetime) -> ir.Table:
    import ibis

    still = cases.closed_at.isnull() | (cases.closed_at > ibis.literal(now, type="timestamp('UTC', 6)"))
    return cases.group_by("customer_id").aggregate(open_cases=cases.count(where=still))


def _derived(rows: ir.Table, now: datetime, has_cases: bool) -> dict[str, Any]:
    import ibis

    moment = int(now.timestamp())

    def days(since: ir.Column) -> ir.Column:
        return ((ibis.literal(moment) - _seconds(since)) // DAY).cast("int64")

    counts = {name: rows[name].fill_null(0) for name in ("orders", "orders_90d", "total_spend", "spend_90d")}
    span = _seconds(rows.last_order_at) - _seconds(rows.first_order_at)
    return counts | {
        "average_order": (rows.total_spend // rows.orders).cast("int64"),
        "recency_days": days(rows.last_order_at),
        "tenure_days": days(rows.created_at),
        "average_gap_days": span / ((rows.orders - 1).nullif(0) * DAY),
        "open_cases": rows.open_cases.fill_null(0) if has_cases else ibis.null("int64"),
        REPEAT_SPEND: _whole(rows[REPEAT_SPEND]),
    }


def _whole(total: ir.Column) -> ir.Column:
    """A sum as a 64-bit integer: engines widen it, and Parquet would keep the wider one as a float."""
    return total.cast("decimal(38, 0)").cast("int64")


def _seconds(moment: ir.Column) -> ir.Column:
    """Whole seconds since 1970."""
    return moment.epoch_seconds().cast("int64")


def _kind(dtype: dt.DataType) -> FeatureKind:
    if dtype.is_numeric() and not dtype.is_boolean():
        return "number"
    if dtype.is_boolean():
        return "boolean"
    if dtype.is_timestamp():
        return "time"
    return "date" if dtype.is_date() else "text"
