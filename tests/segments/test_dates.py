from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.segments.test_stage2 import people
from tests.warehouse.workspaces import ago, customer, line, order, product, workspace
from tidings.errors import ProjectErrors
from tidings.model.seams import Condition, Surroundings
from tidings.segments.dates import Ahead, Birthday, Due


def born(days: list[str | None], now: datetime, zone: str = "UTC", **config: str) -> list[str | None]:
    """Which of these days of birth the condition holds for; a row without an answer counts as no."""
    condition: Condition = Birthday(Ahead.model_validate(config))
    condition.around = Surroundings(Path("data"), zone)
    rows = duckdb.execute(
        f"SELECT born FROM (SELECT unnest(?::VARCHAR[]) AS born, born::DATE AS birth_date) "
        f"WHERE coalesce({condition.sql(now)}, FALSE)",
        [days],
    ).fetchall()
    return [row[0] for row in rows]


def at(day: str, hour: int = 12) -> datetime:
    """An hour of a day, UTC."""
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(hours=hour)


def test_a_birthday_is_today_before_or_within() -> None:
    """Exactly so many days ahead, or at most; the year of birth does not matter, an unknown one has none."""
    days = ["1990-11-01", "1970-11-02", "2000-11-04", "1990-11-08", "1990-11-09", "1990-10-31", None]
    assert born(days, at("2026-11-01")) == ["1990-11-01"]
    assert born(days, at("2026-11-01"), before="3d") == ["2000-11-04"]
    assert born(days, at("2026-11-01"), within="7d") == days[:4]
    assert born(days, at("2026-11-01"), within="9999d") == days[:6]


def test_the_year_turns() -> None:
    """In the last days of December those of January are near."""
    assert born(["1990-01-02", "1990-12-30"], at("2026-12-30"), within="3d") == ["1990-01-02", "1990-12-30"]
    assert born(["1990-01-02", "1990-12-30"], at("2026-12-30"), before="3d") == ["1990-01-02"]


@pytest.mark.parametrize(
    ("today", "celebrated"),
    [
        ("2026-02-27", []), ("2026-02-28", ["1992-02-28", "1992-02-29"]), ("2026-03-01", ["1992-03-01"]),
        ("2028-02-28", ["1992-02-28"]), ("2028-02-29", ["1992-02-29"]), ("2100-02-28", ["1992-02-28", "1992-02-29"]),
    ],
)  # fmt: skip
def test_the_29th_of_february_is_celebrated_once_a_year(today: str, celebrated: list[str]) -> None:
    """On its day in leap years, on the 28th in all others."""
    assert born(["1992-02-28", "1992-02-29", "1992-03-01"], at(today)) == celebrated


def test_today_is_that_of_the_workspace_s_zone() -> None:
    """At 20:00 UTC it is tomorrow in Vietnam."""
    days = ["1990-11-01", "1990-11-02"]
    assert born(days, at("2026-11-01", 20)) == ["1990-11-01"]
    assert born(days, at("2026-11-01", 20), "Asia/Ho_Chi_Minh") == ["1990-11-02"]


def test_birthdays_come_through_a_refresh(tmp_path: Path) -> None:
    """From the column birth_date; where the company has none, nobody has a birthday."""
    asked: dict[str, Any] = {"soon": {"birthday": {"within": "7d"}}, "short": {"birthday": "3d"}}
    asked["not"] = {"not": asked["soon"]}
    customers = [customer("a", birth_date=date(1990, 11, 4)), customer("b", birth_date=None)]
    rows, _ = people(workspace(tmp_path, {"customers": customers}), tmp_path, asked)
    assert [(row["soon"], row["short"], row["not"]) for row in rows] == [(True, True, False), (False, False, True)]
    rows, _ = people(workspace(tmp_path, {"customers": [customer("a")]}), tmp_path, asked)
    assert [(row["soon"], row["not"]) for row in rows] == [(False, True)]


def test_a_segment_need_not_look_back(tmp_path: Path) -> None:
    """`within` looks ahead here, so `before` alone, or nothing, is enough."""
    workspace(tmp_path, segments={"a": [{"birthday": {"before": "3d"}}], "b": [{"birthday": {}}]})


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"before": "3d", "within": "7d"}, "it takes `before` or `within`, not both"),
        ({"before": "36h"}, "'36h' is not a number of whole days"),
        ({"within": "soon"}, "'soon' is not a duration"),
    ],
)
def test_a_day_ahead_is_said_in_one_way(tmp_path: Path, config: dict[str, str], reason: str) -> None:
    """In whole days."""
    with pytest.raises(ProjectErrors, match=reason):
        workspace(tmp_path, segments={"odd": [{"birthday": config}]})


def due(root: Path, purchases: dict[str, list[float]], asked: dict[str, Any], category: str = "Milk") -> dict[str, str]:
    """For each condition who it holds for, of customers who bought one thing of a category so many days ago."""
    orders = [order(f"{who}{n}", who, ago(days)) for who, past in purchases.items() for n, days in enumerate(past)]
    tables = {
        "customers": [customer(who) for who in purchases],
        "orders": orders,
        "order_lines": [line(row["order_id"], product_id) for row in orders for product_id in ("p", "p", "q")],
        "products": [product("p", category), product("q", "Bread")],
    }
    rows, _ = people(workspace(root, tables), root, asked)
    return {name: "".join(row["customer_id"] for row in rows if row[name]) for name in asked}


def test_the_next_purchase_is_due_by_own_gaps_and_those_of_all(tmp_path: Path) -> None:
    """Own medians are 10 (two gaps), 20 (one) and 30 (one): 20 over all; d bought once, e never."""
    purchases = {"a": [12, 22, 32], "b": [20, 40], "c": [20, 50], "d": [18], "e": []}
    # (2 * 10 + 2 * 20) / 4 = 15 → in 3 days; (20 + 40) / 3 = 20 → today; (30 + 40) / 3 = 23.3 → in 3; 20 → in 2.
    asked: dict[str, Any] = {
        "today": {"due": {"category": "Milk"}},
        "before": {"due": {"category": "Milk", "before": "3d"}},
        "two": {"due": {"category": "Milk", "within": "2d"}},
        "within": {"due": {"category": "Milk", "within": "3d"}},
        "not": {"not": {"due": {"category": "Milk", "within": "2d"}}},
        "anything": {"due": {"within": "3d"}},
        "other": {"due": {"category": "O'Neill's", "within": "999d"}},
    }
    assert due(tmp_path, purchases, asked) == {
        "today": "b", "before": "ac", "two": "bd", "within": "abcd", "not": "ace", "anything": "abcd", "other": "",
    }  # fmt: skip


def test_the_next_day_is_a_feature(tmp_path: Path) -> None:
    """The day that `due` without a category asks for, by the same customers as above; unknown of who never bought."""
    purchases = {"a": [12, 22, 32], "b": [20, 40], "c": [20, 50], "d": [18], "e": []}
    orders = [order(f"{who}{n}", who, ago(days)) for who, past in purchases.items() for n, days in enumerate(past)]
    project = workspace(tmp_path, {"customers": [customer(who) for who in purchases], "orders": orders})
    asked = {"soon": "next_due <= '2026-11-03'", "due": {"due": {"within": "2d"}}}
    rows, _ = people(project, tmp_path, asked)
    assert [row["next_due"] for row in rows] == [*(date(2026, 11, day) for day in (4, 1, 4, 3)), None]
    assert [row["soon"] for row in rows] == [row["due"] for row in rows] == [False, True, False, True, False]


def test_what_is_bought_on_one_day_is_bought_once(tmp_path: Path) -> None:
    """Three orders of an afternoon are no gaps."""
    asked: dict[str, Any] = {"today": {"due": {}}, "ever": {"due": {"within": "999d"}}}
    assert due(tmp_path, {"a": [9.7, 9.8, 9.9, 19.9]}, asked)["today"] == "a"
    assert due(tmp_path, {"a": [9.9, 9.8]}, asked) == {"today": "", "ever": ""}


def test_nobody_is_due_where_nobody_bought(tmp_path: Path) -> None:
    """Nor where nobody bought twice, nor in a category of that name alone; quotes are text."""
    asked: dict[str, Any] = {"ever": {"due": {"category": "O'Neill's", "within": "999d"}}}
    assert due(tmp_path, {}, asked) == {"ever": ""}
    assert due(tmp_path, {"a": [3]}, asked, "O'Neill's") == {"ever": ""}
    assert due(tmp_path, {"a": [3, 9]}, asked, "O'Neill's") == {"ever": "a"}


def test_days_of_buying_are_those_of_the_workspace_s_zone() -> None:
    """20:00 UTC is tomorrow in Vietnam; one aggregate serves every number of days ahead."""
    condition = Due(Due.Config.model_validate({"within": "3d"}))
    condition.around = Surroundings(Path("data"), "Asia/Ho_Chi_Minh")
    today = (date(2026, 11, 2) - date(1970, 1, 1)).days
    assert condition.sql(at("2026-11-01", 20)).endswith(f"- {today} BETWEEN 0 AND 3")
    assert condition.columns == Due(Due.Config()).columns != Due(Due.Config(category="Milk")).columns
