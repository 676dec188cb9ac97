"""A shop and a slow reading of conditions in plain Python, to hold the compiled ones against.

SQL strings are drawn together with what they mean in SQL's three-valued logic: a function from a row of features to
True, False or None.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import strategies as st

from tests.warehouse.workspaces import NOW, ago, customer, line, order, product, workspace
from tidings.model.scalars import parse_duration
from tidings.project import Project

Row = Mapping[str, Any]
Truth = bool | None
CATEGORIES = ("Milk", "Bread", "O'Neill's; DROP TABLE orders --")
TIERS = ("gold", "o'silver", "")
SEGMENTS = {"several": ["orders >= 2"], "rich": [{"in_segment": "several"}, "total_spend >= 100"]}


@dataclass(frozen=True)
class Sql:
    """A SQL string and what it means."""

    text: str
    means: Callable[[Row], Truth] = field(repr=False)


@dataclass(frozen=True, repr=False)
class Shop:
    """The project, its orders and lines by customer, and what passed between us and each person."""

    project: Project
    orders: dict[str, list[Row]]
    lines: dict[str, list[tuple[datetime, str, str]]]
    touches: pd.DataFrame


def build(root: Path) -> Shop:
    """60 customers with gaps in what is known of them; each is a person of their own, whose key is the id."""
    draw = random.Random(11)
    customers = [
        customer(f"c{n:02}", points=draw.choice([None, 0, 1, 5, 9]), tier=draw.choice([None, *TIERS]),
                 email=f"c{n}@corner.example", member=draw.choice([None, True, False]))
        for n in range(60)
    ]  # fmt: skip
    products = {"p1": "Milk", "p2": "Bread", "p3": CATEGORIES[2], "p4": None}
    orders, lines = [], []
    for n in range(150):
        who = draw.choice(customers[:45])["customer_id"]
        orders.append(order(f"o{n}", who, ago(draw.uniform(-3, 200)), Decimal(draw.randrange(9000)) / 100))
        lines += [line(f"o{n}", name) for name in draw.sample(sorted(products), draw.randint(1, 3))]
    project = workspace(
        root,
        {
            "customers": customers,
            "orders": orders,
            "order_lines": lines,
            "products": [product(name, category) for name, category in products.items()],
        },
        segments=SEGMENTS,
    )
    seen = {row["order_id"]: row for row in orders if row["ordered_at"] < NOW}
    by_customer: dict[str, list[Row]] = {row["customer_id"]: [] for row in customers}
    bought: dict[str, list[tuple[datetime, str, str]]] = {row["customer_id"]: [] for row in customers}
    for row in seen.values():
        by_customer[row["customer_id"]].append(row)
    for row in lines:
        if (placed := seen.get(row["order_id"])) is not None:
            what = (placed["ordered_at"], products[row["product_id"]], row["product_id"])
            bought[placed["customer_id"]].append(what)
    touches = [
        (f"c{draw.randrange(60):02}", draw.choice(["a", "b"]), draw.choice(["one", "two"]),
         draw.choice(["received", "opened", "opened_by_machine", "clicked"]), ago(draw.uniform(0, 90)))
        for _ in range(160)
    ]  # fmt: skip
    frame = pd.DataFrame(touches, columns=["person_key", "campaign", "step", "kind", "at"])
    return Shop(project, by_customer, bought, frame.astype({"at": "datetime64[us, UTC]"}))


def plain(condition: Any) -> Any:
    """The condition as YAML has it: SQL as its text."""
    if isinstance(condition, Sql):
        return condition.text
    if isinstance(condition, dict):
        return {key: plain(value) for key, value in condition.items()}
    return [plain(each) for each in condition] if isinstance(condition, list) else condition


def holds(condition: Any, row: Row, shop: Shop, *, negated: bool = False) -> bool:
    """Whether a condition holds for a row of features; NULL is false, `not` the complement.

    Below an odd number of `not` (`negated`) what a machine opened is opened too.
    """
    if isinstance(condition, Sql):
        return condition.means(row) is True
    if isinstance(condition, list):
        return all(holds(each, row, shop, negated=negated) for each in condition)
    [(word, value)] = condition.items()
    if word in ("all", "any"):
        return (all if word == "all" else any)(holds(each, row, shop, negated=negated) for each in value)
    if word == "not":
        return not holds(value, row, shop, negated=not negated)
    if word == "in_segment":
        several = row["orders"] >= 2
        return several and (value == "several" or row["total_spend"] >= 10_000)
    since = NOW - parse_duration(value["within"])
    who = row["customer_id"]
    if word == "ordered":
        return sum(each["ordered_at"] >= since for each in shop.orders[who]) >= value.get("at_least", 1)
    if word == "bought":
        return any(
            at >= since and value.get("category", category) == category and value.get("product", name) == name
            for at, category, name in shop.lines[who]
        )
    kinds = [word, "opened_by_machine"] if word == "opened" and negated else [word]
    mine = shop.touches[(shop.touches["person_key"] == who) & shop.touches["kind"].isin(kinds)]
    for column in ("campaign", "step"):
        mine = mine[mine[column] == value[column]] if column in value else mine
    return bool((mine["at"] >= since).any())


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "<>": operator.ne, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge,
}  # fmt: skip


def _null(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, NULL where an argument is."""
    return lambda *values: None if any(value is None for value in values) else function(*values)


def _and(left: Truth, right: Truth) -> Truth:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _not(value: Truth) -> Truth:
    return None if value is None else not value


_SIGN = st.sampled_from(sorted(COMPARISONS))


@st.composite
def _atom(draw: st.DrawFn) -> Sql:
    sign, number = draw(_SIGN), draw(st.integers(0, 6))
    compare = _null(COMPARISONS[sign])
    column = draw(st.sampled_from(["orders", "points", "orders_90d", "ORDERS", '"points"']))
    name = column.strip('"').lower()
    both, or_3 = _null(operator.add), lambda value: 3 if value is None else value
    tier, dollars = draw(st.sampled_from(TIERS)), Decimal(draw(st.integers(0, 20_000))) / 100
    quoted = tier.replace("'", "''")
    ratio = _null(lambda cents, orders: None if orders == 0 else cents / orders)
    return draw(
        st.sampled_from([
            Sql(f"{column} {sign} {number}", lambda row: compare(row[name], number)),
            Sql(f"{number} {sign} {column}", lambda row: compare(number, row[name])),
            Sql(f"total_spend {sign} {dollars}", lambda row: compare(row["total_spend"], int(dollars * 100))),
            Sql(f"average_order {sign} {dollars} USD", lambda row: compare(row["average_order"], int(dollars * 100))),
            Sql(f"tier {sign} '{quoted}'", lambda row: compare(row["tier"], tier)),
            Sql(f"tier in ('{quoted}', 'x')", lambda row: _null(lambda mine: mine in (tier, "x"))(row["tier"])),
            Sql("points is null", lambda row: row["points"] is None),
            Sql("tier is not null", lambda row: row["tier"] is not None),
            Sql("member = true", lambda row: row["member"]),
            Sql("member is not true", lambda row: row["member"] is not True),
            Sql(
                f"points between {number} and {number + 3}",
                lambda row: _null(lambda mine: number <= mine <= number + 3)(row["points"]),
            ),
            Sql(f"points + orders {sign} {number}", lambda row: compare(both(row["points"], row["orders"]), number)),
            Sql(f"coalesce(points, 3) {sign} {number}", lambda row: compare(or_3(row["points"]), number)),
            Sql(
                f"total_spend / orders {sign} {dollars}",
                lambda row: compare(ratio(row["total_spend"], row["orders"]), int(dollars * 100)),
            ),
            Sql(f"lower(tier) {sign} '{quoted}'", lambda row: compare(_null(str.lower)(row["tier"]), tier)),
        ])
    )  # fmt: skip


def _both(left: Sql, right: Sql) -> Sql:
    return Sql(f"({left.text} AND {right.text})", lambda row: _and(left.means(row), right.means(row)))


def _either(left: Sql, right: Sql) -> Sql:
    return Sql(f"({left.text} or {right.text})", lambda row: _not(_and(_not(left.means(row)), _not(right.means(row)))))


def _negated(inner: Sql) -> Sql:
    return Sql(f"not ({inner.text})", lambda row: _not(inner.means(row)))


SQL = st.recursive(
    _atom(),
    lambda inner: st.one_of(
        st.builds(_both, inner, inner), st.builds(_either, inner, inner), st.builds(_negated, inner)
    ),
    max_leaves=4,
)
_WITHIN = st.integers(1, 220).map(lambda days: f"{days}d")
_NAMED = st.one_of(
    st.fixed_dictionaries({"within": _WITHIN}, optional={"at_least": st.integers(1, 4)}).map(lambda c: {"ordered": c}),
    st.fixed_dictionaries(
        {"within": _WITHIN},
        optional={"category": st.sampled_from(CATEGORIES), "product": st.sampled_from(["p1", "p2"])},
    ).map(lambda c: {"bought": c}),
    st.builds(
        lambda kind, c: {kind: c},
        st.sampled_from(["received", "opened", "clicked"]),
        st.fixed_dictionaries(
            {"within": _WITHIN}, optional={"campaign": st.sampled_from("ab"), "step": st.sampled_from(["one", "two"])}
        ),
    ),
    st.sampled_from(sorted(SEGMENTS)).map(lambda name: {"in_segment": name}),
)
TREES = st.recursive(
    st.one_of(SQL, _NAMED),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"all": each}),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"any": each}),
        inner.map(lambda each: {"not": each}),
    ),
    max_leaves=6,
)
