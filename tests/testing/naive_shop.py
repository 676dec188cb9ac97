"""The questions of WarehouseContract read in plain Python, row by row: no engine, no compiler, no aggregate."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from tidings.model.scalars import parse_duration, parse_fifths, parse_share
from tidings.testing.warehouse_questions import QUESTIONS
from tidings.testing.warehouse_shop import (
    BEFORE,
    CATEGORIES,
    CUSTOMERS,
    EVENTS,
    LISTS,
    NOW,
    ORDERS,
    TOUCHES,
    ZONE,
    moment,
)

TODAY = NOW.astimezone(ZoneInfo(ZONE)).date()
PEOPLE = {row[0]: row for row in CUSTOMERS if row[0] and row[0].strip() and row[0] != "lea"}
EUROS = Decimal("1.10")


def ago(days: float) -> datetime:
    """So many days before NOW."""
    return NOW - timedelta(days=days)


def local(text: str) -> datetime:
    """A moment of the workspace's clocks."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE))


@cache
def orders() -> list[tuple[str, str, datetime, int, str]]:
    """Sound orders that count: order, who, moment, cents, product; of two with one id the later."""
    kept = {}
    for order, who, text, total, currency, status, product in ORDERS:
        at, amount = moment(text), Decimal(total)
        if at is None or at >= NOW or amount < 0 or currency == "GBP":
            continue
        if (status or "").lower() != "returned":
            dollars = amount * (EUROS if currency == "EUR" else 1)
            cents = int((dollars * 100).quantize(Decimal(1), ROUND_HALF_EVEN))
            kept[order] = (order, who, at, cents, product)
    return list(kept.values())


@cache
def features(who: str) -> dict[str, Any]:
    """What the strings ask about."""
    _, tier, points, score, member, born = PEOPLE[who]
    mine = [row for row in orders() if row[1] == who]
    moments, cents = sorted(row[2] for row in mine), sum(row[3] for row in mine)
    last, first, count = (moments[-1], moments[0], len(mine)) if mine else (None, None, 0)
    span = (last - first) / timedelta(days=1) if last and first else None
    return {
        "tier": tier, "points": points, "member": member, "birth_date": born, "orders": count, "cents": cents,
        "score": score if score is not None and math.isfinite(score) else None,
        "average": cents // count if count else None, "first": first, "last": last,
        "recency": int((NOW - last.replace(microsecond=0)).total_seconds() // 86_400) if last else None,
        "gap": span / (count - 1) if span is not None and count > 1 else None,
        "orders_90d": sum(at >= ago(90) for at in moments),
        "spend_90d": sum(row[3] for row in mine if row[2] >= ago(90)),
        "moments": moments,
    }  # fmt: skip


def _loyal(f: dict[str, Any]) -> bool:
    moments = f["moments"]
    return any(b - a <= timedelta(days=365) for a, b in zip(moments, moments[4:], strict=False))


def _silence(f: dict[str, Any]) -> float:
    return (NOW - f["last"]) / timedelta(days=1) / (30 if f["gap"] is None else max(f["gap"], 7))


def _came_back(moments: list[datetime]) -> bool:
    """Whether an order of the last 90 days came after a silence of more than three of the gaps before it."""
    usual, shortest = timedelta(days=30), timedelta(days=7)
    gaps = [usual if n == 1 else max((moments[n - 1] - moments[0]) / (n - 1), shortest) for n in range(1, len(moments))]
    pairs = zip(pairwise(moments), gaps, strict=True)
    return any(later - earlier > 3 * gap and later >= ago(90) for (earlier, later), gap in pairs)


STRINGS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "tier = 'gold'": lambda f: f["tier"] == "gold",
    "not (tier = 'gold')": lambda f: f["tier"] is not None and f["tier"] != "gold",
    "tier = ''": lambda f: f["tier"] == "",
    "tier is null": lambda f: f["tier"] is None,
    "tier is not null": lambda f: f["tier"] is not None,
    "tier = 'o''silver'": lambda f: f["tier"] == "o'silver",
    "tier = 'silver'": lambda f: f["tier"] == "silver",
    "trim(tier) = 'silver'": lambda f: f["tier"] and f["tier"].strip(" ") == "silver",
    "lower(tier) = 'gold'": lambda f: f["tier"] and f["tier"].lower() == "gold",
    "tier ilike 'G%'": lambda f: f["tier"] and f["tier"].lower().startswith("g"),
    "tier not like 'g%'": lambda f: f["tier"] is not None and not f["tier"].startswith("g"),
    "tier in ('Gold', 'Vàng')": lambda f: f["tier"] in ("Gold", "Vàng"),
    "tier not in ('gold', 'silver')": lambda f: f["tier"] is not None and f["tier"] not in ("gold", "silver"),
    "points between 1 and 5": lambda f: 1 <= f["points"] <= 5,
    "points = 9007199254740993": lambda f: f["points"] == 2**53 + 1,
    "points + orders >= 8": lambda f: f["points"] + f["orders"] >= 8,
    "points / 2 = 2.5": lambda f: Fraction(f["points"], 2) == Fraction(5, 2),
    "10 / points > 2": lambda f: f["points"] and Fraction(10, f["points"]) > 2,
    "coalesce(points, 3) = 3": lambda f: f["points"] in (None, 3),
    "points < 0 and abs(points) = 3": lambda f: f["points"] == -3,
    "score is null": lambda f: f["score"] is None,
    "score > 0 and score <= 0.5": lambda f: 0 < f["score"] <= 0.5,
    "score >= 100000000000000000": lambda f: f["score"] >= 10**17,
    "member": lambda f: f["member"],
    "member is not true": lambda f: f["member"] is not True,
    "member = false": lambda f: f["member"] is False,
    "average_order = 3.33": lambda f: f["average"] == 333,
    "total_spend / orders > 3.33 and orders = 3": lambda f: f["orders"] == 3 and Fraction(f["cents"], 3) > 333,
    "total_spend = 0.30": lambda f: f["cents"] == 30,
    "total_spend = 99999999999999.93": lambda f: f["cents"] == 9999999999999993,
    "total_spend = 11 USD": lambda f: f["cents"] == 1100,
    "total_spend = 25": lambda f: f["cents"] == 2500,
    "total_spend >= 1": lambda f: f["cents"] >= 100,
    "spend_90d >= 7": lambda f: f["spend_90d"] >= 700,
    "orders_90d = 1": lambda f: f["orders_90d"] == 1,
    "orders = 0 and last_order_at is null": lambda f: f["orders"] == 0,
    "average_gap_days = 0.5": lambda f: f["gap"] == 0.5,
    "average_gap_days is null and orders > 0": lambda f: f["orders"] == 1,
    "open_cases = 1": lambda f: f["who"] in ("eve", "gus"),
    "level = 'loyal'": _loyal,
    "level = 'first_time'": lambda f: f["orders"] == 1,
    "status = 'won_back'": lambda f: f["last"] and _silence(f) <= 2 and _came_back(f["moments"]),
    "status in ('lapsed', 'lost')": lambda f: f["last"] and _silence(f) > 3,
    "first_order_at >= '2026-03-29 03:30' and first_order_at < '2026-03-29 03:31'": lambda f: (
        local("2026-03-29T03:30") <= f["first"] < local("2026-03-29T03:31")
    ),
    "last_order_at = '2026-10-25T02:30+01:00'": lambda f: f["last"] == datetime.fromisoformat("2026-10-25T02:30+01:00"),
    "recency_days = 30": lambda f: f["recency"] == 30,
    "tenure_days = 400": lambda f: f["who"] != "lea",
    "birth_date >= '1999-12-31'": lambda f: f["birth_date"] >= date(1999, 12, 31),
    "next_due between '2026-11-01' and '2026-11-30'": lambda f: (
        date(2026, 11, 1) <= _next(f["who"]) <= date(2026, 11, 30)  # type: ignore[operator] - unknown for None
    ),
    "completeness = 0.25": lambda f: f["birth_date"] is None,
    "p_alive = 1 and predicted_value_3m > 0": lambda f: f["who"] == "eve",
    "last_order_at < '2026-10-02'": lambda f: f["last"] < local("2026-10-02T00:00"),
    "orders > 99": lambda f: f["orders"] > 99,
    "orders >= 0": lambda f: f["orders"] >= 0,
    "orders >= 2": lambda f: f["orders"] >= 2,
    "orders >= 5": lambda f: f["orders"] >= 5,
    "points > 1": lambda f: f["points"] > 1,
    "orders = 1": lambda f: f["orders"] == 1,
    "member is null": lambda f: f["member"] is None,
    "member is not null": lambda f: f["member"] is not None,
    "points = 9": lambda f: f["points"] == 9,
    "orders = 3": lambda f: f["orders"] == 3,
    "points > 8": lambda f: f["points"] > 8,
    "points < 0": lambda f: f["points"] < 0,
}
"""A comparison with None raises TypeError: unknown."""


def holds(condition: Any, who: str, *, negated: bool = False) -> bool:
    """Whether a condition holds for a customer."""
    if isinstance(condition, list):
        return all(holds(each, who, negated=negated) for each in condition)
    if isinstance(condition, str):
        try:
            return bool(STRINGS[condition](features(who) | {"who": who}))
        except TypeError:
            return False
    [(word, value)] = condition.items()
    if word in ("all", "any"):
        return (all if word == "all" else any)(holds(each, who, negated=negated) for each in value)
    if word == "not":
        return not holds(value, who, negated=not negated)
    if word == "sql":
        return holds(value, who)
    if word == "in_segment":
        return holds(QUESTIONS[value][0], who)
    since = NOW - parse_duration(value["within"]) if "within" in value else None
    return bool(NAMED[word](who, value, since, negated))


def _bought(who: str, asked: dict[str, Any], since: Any, _: bool) -> bool:
    mine = [(CATEGORIES[row[4]], row[4]) for row in orders() if row[1] == who and row[2] >= since and row[0] != "f0"]
    return any(asked.get("category", each[0]) == each[0] and asked.get("product", each[1]) == each[1] for each in mine)


def _ordered(who: str, asked: dict[str, Any], since: Any, _: bool) -> bool:
    return sum(row[1] == who and row[2] >= since for row in orders()) >= asked.get("at_least", 1)


def _did(who: str, asked: dict[str, Any], since: Any, _: bool) -> bool:
    name = asked.get("event", "viewed")
    times = {event: moment(text) for event, mine, what, text in EVENTS if mine == who and what == name}
    return sum(since <= at < NOW for at in times.values() if at) >= asked.get("at_least", 1)


def _touched(kind: str) -> Callable[..., bool]:
    def touched(who: str, asked: dict[str, Any], since: Any, negated: bool) -> bool:
        kinds = (kind, "opened_by_machine") if kind == "opened" and negated else (kind,)
        return any(
            person == who and what in kinds and ago(days) >= since
            and asked.get("campaign", campaign) == campaign and asked.get("step", step) == step
            for person, campaign, step, what, days in TOUCHES
        )  # fmt: skip

    return touched


def _changed(kind: str) -> Callable[..., bool]:
    def changed(who: str, asked: dict[str, Any], since: Any, _: bool) -> bool:
        inside = holds(QUESTIONS[asked["segment"]][0], who)
        if inside != (kind == "joined"):
            return False
        before = {person: (change == "entered", days, cause) for _, person, change, days, cause in BEFORE}
        was, days, cause = before.get(who, (False, None, None))
        if was != inside:
            return True  # with this refresh, by the data
        counted = ("data", "definition") if asked.get("definition") else ("data",)
        return days is not None and cause in counted and ago(days) >= since

    return changed


def _days(who: str, category: str | None) -> list[date]:
    """The days on which somebody bought, by the clocks of each day."""
    rows = [row for row in orders() if row[1] == who and (category is None or CATEGORIES[row[4]] == category)]
    return sorted({row[2].astimezone(ZoneInfo(ZONE)).date() for row in rows if category is None or row[0] != "f0"})


def _gaps(days: list[date]) -> list[int]:
    return [(b - a).days for a, b in pairwise(days)]


def _ahead(day: date, asked: dict[str, Any]) -> bool:
    away = (day - TODAY).days
    if "within" in asked:
        return 0 <= away <= parse_duration(asked["within"]).days
    return away == (parse_duration(asked["before"]).days if "before" in asked else 0)


def _due(who: str, asked: dict[str, Any], *_: Any) -> bool:
    day = _next(who, asked.get("category"))
    return day is not None and _ahead(day, asked)


def _next(who: str, category: str | None = None) -> date | None:
    """The day on which somebody will buy next."""
    days = _days(who, category)
    if not days:
        return None
    usual = statistics.median(statistics.median(gaps) for each in PEOPLE if (gaps := _gaps(_days(str(each), category))))
    own = _gaps(days)
    gap = (len(own) * (statistics.median(own) if own else 0) + 2 * usual) / (len(own) + 2)
    return days[-1] + timedelta(days=math.floor(gap + 0.5))


def _birthday(who: str, asked: dict[str, Any], *_: Any) -> bool:
    born = PEOPLE[who][5]
    if born is None:
        return False
    for year in (TODAY.year, TODAY.year + 1):
        try:
            day = born.replace(year=year)
        except ValueError:
            day = date(year, 2, 28)
        if _ahead(day, asked):
            return True
    return False


def _rfm(who: str, asked: dict[str, Any], *_: Any) -> bool:
    ranked = {"recency": "last", "frequency": "orders", "money": "cents"}
    buyers = [str(each) for each in PEOPLE if features(str(each))["orders"]]
    if who not in buyers:
        return False
    for name, fifths in asked.items():
        mine = features(who)[ranked[name]]
        below = sum(features(each)[ranked[name]] < mine for each in buyers)
        low, high = parse_fifths(fifths)
        if not low <= 1 + below * 5 // len(buyers) <= high:
            return False
    return True


def _top(who: str, asked: dict[str, Any], *_: Any) -> bool:
    name = {"total_spend": "cents", "last_order_at": "last", "points": "points"}[asked["by"]]
    values = {str(each): features(str(each))[name] for each in PEOPLE}
    known = sorted(each for each, value in values.items() if value is not None)
    first = sorted(known, key=lambda each: values[each], reverse=True)  # stable: of equals the lower id
    share = Fraction(str(parse_share(asked["share"]))) if "share" in asked else None
    return who in first[: asked["count"] if share is None else math.ceil(len(known) * share)]


def _listed(who: str, asked: dict[str, Any], *_: Any) -> bool:
    text = LISTS[asked["file"]]
    return who in (("ana", "bo") if text.startswith("customer_id") else ("eve", "ana"))


NAMED: dict[str, Callable[..., bool]] = {
    "bought": _bought, "ordered": _ordered, "viewed": _did, "did": _did, "due": _due, "birthday": _birthday,
    "rfm": _rfm, "top": _top, "list": _listed, "joined": _changed("joined"), "left": _changed("left"),
    **{kind: _touched(kind) for kind in ("received", "opened", "clicked")},
}  # fmt: skip
