"""Which of the company's tables a column of people.parquet stands on: whose age decides whether it may be used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tidings.model.seams import Condition
from tidings.plugins import contained
from tidings.segments.columns import segment_column
from tidings.segments.compile import CompiledCondition
from tidings.segments.dates import NEXT_DUE
from tidings.segments.features import QUINTILES
from tidings.segments.questions import Questions
from tidings.segments.touches import LAST
from tidings.warehouse.contract import SOURCES
from tidings.warehouse.features import VALUE

if TYPE_CHECKING:
    import ibis.expr.types as ir

REQUIRED = frozenset(name for name, source in SOURCES.items() if source.required)
"""What stands for a table that cannot be told: all that must be there."""

_ORDERS = (
    *("orders", "total_spend", "average_order", "first_order_at", "last_order_at", "recency_days"),
    *("average_gap_days", "orders_90d", "spend_90d", "status", NEXT_DUE, *QUINTILES),
)
FEATURES: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(_ORDERS, frozenset({"orders"})),
    **dict.fromkeys(VALUE, frozenset({"orders", "subscriptions"})),
    "tenure_days": frozenset({"customers"}),
    "completeness": frozenset({"customers"}),
    "open_cases": frozenset({"cases"}),
    "level": frozenset({"orders", "customers"}),  # whose advocate a customer is may be a column of theirs
    **dict.fromkeys(LAST.values(), frozenset()),
    "share_of_wallet": frozenset({"customers", "orders"}),
    "margin": frozenset({"orders", "order_lines", "products"}),
    **dict.fromkeys(("activity_cost", "profit"), frozenset({"orders", "order_lines", "products", "activity_costs"})),
}
"""What each feature is made of; one that is not here stands on REQUIRED."""

_BEHIND = {"order_lines": ("orders", "products")}


def reads(
    questions: Questions, columns: Iterable[str], tables: Mapping[str, ir.Table], now: datetime
) -> dict[str, list[str]]:
    """Column → source tables, sorted, of every feature in `columns` and every question.

    A question also stands on customers. What a condition reads is seen from what it asks `tables` for; where its SQL
    cannot be read it stands on all tables that must be there.
    """
    own = set(tables["customers"].columns)
    found = {name: frozenset({"customers"}) if name in own else FEATURES.get(name, REQUIRED) for name in columns}
    for layer in questions.layers:
        # A layer reads only what stands before it.
        found |= {name: _of_question(each, found, tables, now) for name, each in layer.items()}
    return {name: sorted(sources) for name, sources in found.items()}


def _of_question(
    question: CompiledCondition, known: Mapping[str, frozenset[str]], tables: Mapping[str, ir.Table], now: datetime
) -> frozenset[str]:
    parts = [_of_condition(condition, tables, now) for condition in question.conditions]
    parts += [known[segment_column(name)] for name in question.segments]
    columns = _columns(question.sql)
    parts += [REQUIRED] if columns is None else [known.get(column, frozenset()) for column in columns]
    return frozenset({"customers"}).union(*parts)


def _of_condition(condition: Condition, tables: Mapping[str, ir.Table], now: datetime) -> frozenset[str]:
    if condition.ledger:
        return frozenset()
    asked = _Asked(tables)
    with contained(f"the condition {condition.name!r}"):
        condition.aggregates(asked, now)
    return frozenset(asked.names)


def _columns(sql: str) -> list[str] | None:
    """The columns that a question names, None where it cannot be read; `known` does not have aggregates."""
    import sqlglot
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(sql, dialect="duckdb")
    except sqlglot.errors.SqlglotError:
        return None
    return [column.name for column in tree.find_all(exp.Column)]


class _Asked(Mapping[str, Any]):
    """The tables, and the names of those that were asked for."""

    def __init__(self, tables: Mapping[str, Any]) -> None:
        self._tables = tables
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.names.update((name, *_BEHIND.get(name, ())))
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)
