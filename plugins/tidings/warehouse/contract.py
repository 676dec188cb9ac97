"""The source contract: which tables and columns the warehouse must have, and which rows break it.

Types are forgiving where nothing is lost (a number as an id, text as a time in a CSV file) and strict elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, Literal

from tidings.errors import TidingsError, did_you_mean
from tidings.model.money import exponent
from tidings.warehouse.exchange import MAJOR, RATE, exchanged

if TYPE_CHECKING:
    import ibis.expr.datatypes as dt
    import ibis.expr.types as ir

Kind = Literal["id", "text", "time", "date", "money", "amount", "rate", "flag"]

HIGHEST = 10**8
"""A rate beyond this would not fit into its decimals."""

FINITE = 1e308
"""A number beyond this is none, whatever a database calls it."""

LARGEST = 10**13
"""Major units: beyond this a total is a mistake, and would not fit into minor units as a 64-bit integer."""


@dataclass(frozen=True)
class Column:
    """One column: its kind, whether the table must have it, and what a row without a sound value is called."""

    kind: Kind
    required: bool = True
    sound: bool = False


@dataclass(frozen=True)
class Source:
    """One source table. `key` is unique; rows whose `since` lies at or after `now` are not there yet."""

    columns: Mapping[str, Column]
    key: str | None = None
    since: str | None = None
    required: bool = True
    attributes: bool = False


ID, TEXT, TIME = Column("id", sound=True), Column("text"), Column("time")

SOURCES = {
    "customers": Source(
        {
            "customer_id": ID,
            **dict.fromkeys(("email", "phone", "first_name", "last_name"), TEXT),
            **dict.fromkeys(("locale", "timezone", "country"), TEXT),
            "created_at": TIME,
            "birth_date": Column("date", required=False),
            "agent_id": Column("id", required=False),
        },
        key="customer_id",
        since="created_at",
        attributes=True,
    ),
    "orders": Source(
        {
            "order_id": ID,
            "customer_id": ID,
            "ordered_at": Column("time", sound=True),
            "total": Column("money", sound=True),
            "currency": TEXT,
            "status": TEXT,
            "channel": TEXT,
        },
        key="order_id",
        since="ordered_at",
    ),
    "order_lines": Source(
        {
            "order_id": ID,
            "product_id": ID,
            "quantity": Column("amount", sound=True),
            "unit_price": Column("money", sound=True),
            "discount": Column("money"),
        }
    ),
    "products": Source(
        {
            "product_id": ID,
            "name": Column("text", sound=True),
            "category": TEXT,
            "price": Column("money", sound=True),
            "unit_cost": Column("money"),
            "in_stock": Column("flag"),
            "url": TEXT,
            "image_url": TEXT,
        },
        key="product_id",
    ),
    "cases": Source(
        {"case_id": ID, "customer_id": ID, "opened_at": Column("time", sound=True), "closed_at": TIME},
        key="case_id",
        since="opened_at",
        required=False,
    ),
    "events": Source(
        {
            "event_id": ID,
            "customer_id": ID,
            "event": Column("text", sound=True),
            "occurred_at": Column("time", sound=True),
            "properties": Column("text", required=False),
        },
        key="event_id",
        since="occurred_at",
        required=False,
    ),
    "consents": Source(
        {
            "customer_id": ID,
            "channel": Column("text", sound=True),
            "purpose": Column("text", sound=True),
            "state": Column("text", sound=True),
            "recorded_at": Column("time", sound=True),
            "expires_at": Column("time", required=False),
            "source": Column("text", sound=True),
        },
        since="recorded_at",
        required=False,
    ),
    "subscriptions": Source(
        {
            "customer_id": ID,
            "product_id": ID,
            "quantity": Column("amount", sound=True),
            "started_at": Column("time", sound=True),
            "ended_at": TIME,
            "paused_until": Column("time", required=False),
            "end_reason": Column("text", required=False),
        },
        since="started_at",
        required=False,
    ),
    "activity_costs": Source(
        {
            "period": Column("text", sound=True),
            "activity": Column("text", sound=True),
            "amount": Column("money", sound=True),
            "driver": TEXT,
            "cost_level": Column("text", sound=True),
        },
        required=False,
    ),
    "fx": Source(
        {
            "date": Column("date", sound=True),
            "currency": Column("text", sound=True),
            "rate": Column("rate", sound=True),
        },
        required=False,
    ),
}

CONSENT_STATES = ("granted", "withdrawn")
ASSIGNED_LEVELS = ("unit", "batch", "customer")
COST_LEVELS = (*ASSIGNED_LEVELS, "product", "business")
"""What an activity is done for; costs of the last two are caused by no customer."""
PERIODS = r"^(19|2[01])\d\d(-Q[1-4]|-(0[1-9]|1[0-2]))?$"
"""A year, a quarter or a month: 2026, 2026-Q3, 2026-10."""
CONTACT_COLUMNS = ("email", "phone", "first_name", "last_name")
"""Columns that say who somebody is: they live in the one current addresses file and in no snapshot."""


def conform(name: str, table: ir.Table, currency: str, fx: ir.Table | None = None) -> ir.Table:
    """The table with the contract's columns in the contract's types, and for customers their other columns too.

    Money becomes whole minor units before anything adds it up; a value that is none (text, NaN, beyond LARGEST)
    becomes NULL. Orders in another currency are converted where `fx`, conformed, has a rate. Instants without a zone
    are UTC. TidingsError names every column that is missing or of a type that cannot be read.
    """
    import ibis

    source = SOURCES[name]
    missing = [c for c, column in source.columns.items() if column.required and c not in table.columns]
    if missing:
        listed = ", ".join(repr(column) for column in missing)
        hint = did_you_mean(missing[0], table.columns) if len(missing) == 1 else ""
        fix = hint if hint.startswith("did") else f"it has {', '.join(table.columns)}"
        many = "columns" if len(missing) > 1 else "column"
        raise TidingsError(
            f"the table {name!r} lacks the {many} {listed}",
            f"{fix}; rename it in warehouse.tables: {name}: select ... as {missing[0]}",
        )
    picked: dict[str, Any] = {}
    for column, contract in source.columns.items():
        if column not in table.columns:
            picked[column] = ibis.null(_dtype(contract.kind))
            continue
        value = _convert(table[column], contract.kind, currency)
        if value is None:
            raise TidingsError(
                f"{name}.{column} has the type {table[column].type()}, which cannot be read as {contract.kind}",
                f"cast it in warehouse.tables: {name}: select ... as {column}",
            )
        picked[column] = value
    if source.attributes:
        others = [column for column in table.columns if column not in picked]
        picked |= {c: clean for c in others if (clean := _attribute(table[c])) is not None}
    if fx is None or name != "orders":
        return table.select(**picked)
    rates = fx.filter(fault("fx", fx, currency).isnull())
    return exchanged(table.select(**picked, major=_sound(table.total)), rates, currency, LARGEST)


def fault(name: str, table: ir.Table, currency: str) -> ir.StringColumn:
    """For each row of a conformed table the first thing wrong with it (a column's name), or NULL."""
    import ibis

    wrong: list[tuple[ir.BooleanValue, str]] = []
    for column, contract in SOURCES[name].columns.items():
        value = table[column]
        if contract.sound:
            bad = value.isnull()
            if contract.kind == "id":
                bad = bad | (value.strip() == "")
            elif contract.kind in ("money", "amount"):
                bad = bad | (value < 0)
            elif contract.kind == "rate":
                bad = bad | (value <= 0)
            wrong.append((bad, column))
    if name == "orders":
        wrong.append((table.currency.isnull() | (table.currency.strip().upper() != currency), "currency"))
    if name == "subscriptions":
        wrong.append((table.ended_at < table.started_at, "ended_at"))
    if name == "consents":
        wrong.append((table.state.notin(CONSENT_STATES), "state"))
    if name == "activity_costs":
        wrong.append((~table.period.re_search(PERIODS), "period"))
        wrong.append((table.cost_level.notin(COST_LEVELS), "cost_level"))
    empty = ibis.null("string")
    return reduce(lambda rest, pair: ibis.ifelse(pair[0], pair[1], rest), reversed(wrong), empty)


def _dtype(kind: Kind) -> str:
    types = {"id": "string", "text": "string", "date": "date", "money": "int64", "amount": "float64", "rate": RATE}
    return types.get(kind, "boolean" if kind == "flag" else "timestamp('UTC', 6)")


def _convert(value: ir.Column, kind: Kind, currency: str) -> ir.Column | None:
    """The value in the contract's type, or None where its own type does not allow that."""
    import ibis

    found: dt.DataType = value.type()
    if found.is_null():
        return ibis.null(_dtype(kind))
    if kind in ("id", "text"):
        readable = found.is_string() or found.is_integer() or found.is_uuid() or found.is_enum() or found.is_json()
        return value.cast("string") if readable else None
    if kind == "money":
        return _minor_units(value, currency)
    if kind == "rate":
        number = value.try_cast(RATE) if found.is_string() else value
        return _below(number, HIGHEST).cast(RATE) if number.type().is_numeric() else None
    if kind == "amount":
        number = value.try_cast("float64") if found.is_string() else value
        if not number.type().is_numeric():
            return None
        return _finite(number) if number.type().is_floating() else number.cast("float64")
    if kind == "flag":
        if found.is_string():
            return value.try_cast("boolean")
        return value.cast("boolean") if found.is_boolean() or found.is_integer() else None
    if found.is_string():
        return value.try_cast(_dtype(kind))
    if not found.is_timestamp() and not found.is_date():
        return None
    return value.cast(_dtype(kind))


def _minor_units(value: ir.Column, currency: str) -> ir.Column | None:
    digits = exponent(currency)
    sound = _sound(value)
    return None if sound is None else (sound.cast(f"decimal(18, {digits})") * 10**digits).cast("int64")


def _sound(value: ir.Column) -> ir.Column | None:
    """A number of major units below LARGEST, as it was written, or NULL."""
    if value.type().is_string():
        value = value.try_cast(MAJOR)
    return _below(value, LARGEST) if value.type().is_numeric() else None


def _below(value: ir.Column, bound: float) -> ir.Column:
    import ibis

    # NaN is greater than every number, so this one comparison also turns it and infinity into NULL.
    return ibis.ifelse(value.abs() < bound, value, ibis.null(value.type()))


def _finite(value: ir.Column) -> ir.Column:
    # As above: what Ibis makes of isinf() is never true on Spark.
    return _below(value.cast("float64"), FINITE)


def _attribute(value: ir.Column) -> ir.Column | None:
    """An attribute that a condition can ask about; None for lists, structures and bytes."""
    found = value.type()
    if found.is_floating():
        return _finite(value)
    if found.is_timestamp():
        return value.cast("timestamp('UTC', 6)")
    if found.is_enum() or found.is_uuid():
        return value.cast("string")
    return value if found.is_numeric() or found.is_string() or found.is_boolean() or found.is_date() else None
