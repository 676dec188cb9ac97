from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.errors import TidingsError
from tidings.segments.expressions import Expression, Kind, Scope

COLUMNS: dict[str, Kind] = {
    "orders": "number",
    "total_spend": "money",
    "last_order_at": "time",
    "birth_date": "date",
    "level": "text",
    "member": "boolean",
    "p_alive": "number",
    'odd "name"': "text",
}
ROW = (
    "SELECT 3 AS orders, 30000 AS total_spend, TIMESTAMPTZ '2026-06-01 00:00:00+00' AS last_order_at, "
    "DATE '1990-05-01' AS birth_date, 'loyal' AS level, true AS member, 0.35::DOUBLE AS p_alive, "
    '\'x\' AS "odd ""name"""'
)


def scope(**more: Any) -> Scope:
    """Dollars, and local times in Vietnam."""
    return Scope(**({"columns": COLUMNS, "currency": "USD", "exponent": 2, "timezone": "Asia/Ho_Chi_Minh"} | more))


def compiled(text: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """The safe SQL and its parameters."""
    expression = Expression(scope(**more))
    sql = expression.boolean(text)
    return sql, expression.parameters


def truth(text: str) -> bool | None:
    """What the string says of ROW, as DuckDB sees it."""
    sql, parameters = compiled(text)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(f"SELECT {sql} FROM ({ROW})", parameters).fetchone()
    return None if found is None else found[0]


@pytest.mark.parametrize(
    "text",
    [
        "orders >= 3", "ORDERS = 3 and level = 'loyal'", "orders between 1 and 3", "not orders < 3", "orders != 4",
        "level in ('new', 'loyal')", "level not in ('new')", "level like 'lo%'", "level ilike 'LO%'", "member",
        "member is true", "level is not null", "p_alive < .36", "p_alive >= 0.35", "1e0 < orders", "orders > -1",
        "-orders < -2.5", "orders * 2 + 1 = 7", "orders / 2 = 1.5", "orders - 1 in (2)", "abs(-3) = orders",
        "round(p_alive) = 0", "ceil(p_alive) = 1", "floor(p_alive) = 0", "coalesce(level, 'none') = 'loyal'",
        "greatest(orders, 5) = 5", "least(orders, 5) = 3", "nullif(level, 'loyal') is null", "length(level) = 5",
        "upper(trim(level)) = 'LOYAL'", "total_spend = 300", "total_spend >= 300 USD", "total_spend < 300.01",
        "total_spend / orders = 100", "total_spend + 1 = 301", "total_spend * 2 between 600 USD and 600",
        "total_spend / total_spend = 1", "-total_spend = -300", "abs(total_spend) > 299.995",
        "total_spend > 99 * orders",
        "coalesce(total_spend, 0) in (300, 5)", "greatest(total_spend, 400) = 400", "300 <= total_spend",
        "last_order_at >= '2026-06-01'", "last_order_at < '2026-06-01T07:01'", "last_order_at = '2026-06-01T00:00Z'",
        "last_order_at > date '2026-05-31'", "birth_date = '1990-05-01'", "birth_date < last_order_at", "true or false",
        "\"odd \"\"name\"\"\" = 'x'",
    ],
)  # fmt: skip
def test_what_a_string_may_say(text: str) -> None:
    """Each of these holds for a customer of three orders and 300 dollars."""
    if "last_order_at >= '2026-06-01'" in text:
        # A day without a zone begins at midnight of the workspace: in Vietnam, seven hours before UTC.
        assert compiled(text)[1] == {next(iter(compiled(text)[1])): datetime(2026, 5, 31, 17, tzinfo=UTC)}
    assert truth(text) is True


@pytest.mark.parametrize(
    "text", ["orders > 3", "total_spend < 300", "level = 'lost'", "total_spend / 0 > 1", "orders / 0 > 0"]
)
def test_what_does_not_hold(text: str) -> None:
    """Division by zero is unknown, not infinity."""
    assert truth(text) in (False, None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("total_spend >= 300", 30_000),
        ("total_spend >= 0.5 USD", 50),
        ("total_spend > 0.005", Decimal("0.5")),
        ("orders >= 300", 300),
        ("p_alive < 0.35", Decimal("0.35")),
        ("level = 'it''s'", "it's"),
        ("birth_date > '2000-02-29'", date(2000, 2, 29)),
        ("orders > -2", -2),
    ],
)
def test_literals_are_bound_with_their_type(text: str, value: Any) -> None:
    """Money beside a money column is minor units, exactly; floats never appear (R50)."""
    sql, parameters = compiled(text)
    assert list(parameters.values()) == [value]
    assert type(next(iter(parameters.values()))) is type(value)
    assert f"${next(iter(parameters))}" in sql


def test_money_has_as_many_minor_units_as_its_currency() -> None:
    """A dong is a dong, a dinar has a thousand fils."""
    assert list(compiled("total_spend >= 300000 VND", currency="VND", exponent=0)[1].values()) == [300_000]
    assert list(compiled("total_spend >= 1.5", currency="KWD", exponent=3)[1].values()) == [1_500]


MISTAKES = [
    ("ordrs >= 3", "there is no column 'ordrs'", "did you mean 'orders'?"),
    ("orders", "this is a number, not a condition", ""),
    ("total_spend > 300 EUR", "there is no exchange rate for EUR", "write it in USD"),
    ("orders > 3 USD", "money is compared with a plain number", ""),
    ("level > 3", "a number is compared with text", "quotes"),
    ("last_order_at > 3", "a number is compared with a time", ""),
    ("last_order_at > 'yesterday'", "'yesterday' is not a time", ""),
    ("birth_date > '2026-13-01'", "'2026-13-01' is not a date", ""),
    ("level = null", "nothing is equal to NULL", "IS NULL"),
    ("total_spend * total_spend > 3", "money times money", ""),
    ("3 / total_spend > 3", "a number divided by money", ""),
    ("round(total_spend) > 3", "money stands where a number belongs", ""),
    ("member and level", "text stands where a condition belongs", ""),
    ("lower(orders) = 'x'", "a number stands where text belongs", ""),
    ("level is 'x'", "IS takes NULL, TRUE or FALSE", ""),
    ("orders in ()", "IN takes a list of values", ""),
    ("orders in (total_spend)", "", ""),
    ("orders::int > 3", "a cast is not allowed", ""),
    ("now() > last_order_at", "there is no function 'now'", ""),
    ("orders = 99999999999999999999", "is too long", ""),
    ("orders = 3 -- and more", "a comment in a condition", "write it in YAML, after #"),
    ("orders = 3 /* so */ or member", "a comment in a condition", "left out"),
    ("/* so */ orders = 3", "a comment in a condition", ""),
    ("last_order_at > 7d", "`7d` is a duration, and SQL has none here", "recency_days <= 7"),
    ("last_order_at > 7 days", "`7 days` is a duration", "last_order_at > '2026-11-22'"),
    ("last_order_at > '0001-01-01'", "'0001-01-01' is no time to reckon with", "write a year from 1900"),
    ("orders = 3 and total_spend > 300 USD as x", "`orders = 3 AND total_spend > 300 AS x` is not allowed", "compare"),
    ("sum(orders) > 3", "`SUM(orders)` is not allowed in a condition", "functions: abs"),
    ("orders in (select 1)", "`orders IN (SELECT 1)` is not allowed in a condition", "without a query"),
    ("orders >", "the condition cannot be read", "orders >= 3"),
    ("", "the condition cannot be read", ""),
    ("orders = 'unclosed", "the condition cannot be read", ""),
    ("(" * 900 + "orders = 1" + ")" * 900, "nested too deeply", ""),
    (" or ".join(["member"] * 380), "nested too deeply", ""),
    ("orders = 1 or " * 400 + "member", "longer than 4,000 characters", "split it"),
]


@pytest.mark.parametrize(("text", "reason", "fix"), MISTAKES, ids=[text[:30] for text, *_ in MISTAKES])
def test_a_mistake_says_what_and_how_to_mend_it(text: str, reason: str, fix: str) -> None:
    """Never a stack trace, never the engine's own words."""
    with pytest.raises(TidingsError) as caught:
        compiled(text)
    assert reason in caught.value.reason
    assert fix in caught.value.fix
    assert caught.value.fix


FORBIDDEN = [
    "orders = 1; DROP TABLE people", "(SELECT 1) = 1", "orders IN (SELECT orders FROM people)", "EXISTS (SELECT 1)",
    "read_csv('/etc/passwd') IS NULL", "getenv('HOME') = 'x'", "people.orders > 3", "a.b.c > 3", "orders > $1",
    "orders > :x", "orders > ?", "level -> 'a' = 'x'", "level = 'a' COLLATE nocase", "level || 'x' = 'y'",
    "CASE WHEN member THEN true ELSE false END", "level LIKE 'x' ESCAPE '!'", "orders IS DISTINCT FROM 3",
    "last_order_at > interval '3 days'", "level = $$x$$", "level = e'\\x41'", "orders = ANY([1])", "[1] IS NULL",
    "{'a': 1} IS NULL", "orders = 1 LIMIT 3", "sum(orders) > 3", "count(*) > 3", "row_number() OVER () = 1",
    "trim(BOTH 'x' FROM level) = 'y'", "orders = 1 UNION SELECT 1", "columns('.*') IS NULL", "* IS NULL",
    "minor_units_of(level) > 3", "minor_units_of(3, 4) > 3", "list_transform([1], x -> x) IS NULL", "orders // 2 = 1",
    "CAST(level AS INT) = 3", "TRY_CAST('3' AS INT) = 3 + level", "level ~ '.*'", "orders AS x", "PRAGMA version",
    "coalesce(*) = 1", "nullif(level) = 'x'", "level SIMILAR TO 'x'", "x'41' = level", "@orders.x > 3",
]  # fmt: skip


@pytest.mark.parametrize("text", FORBIDDEN)
def test_what_is_not_on_the_list_is_refused(text: str) -> None:
    """Statements, queries, file and environment functions, parameters of the writer's own (R50)."""
    with pytest.raises(TidingsError):
        compiled(text)


ALLOWED_TEXT = re.compile(
    r'(?:\$p_[0-9a-f]{16}|"orders"|"total_spend"|"last_order_at"|"birth_date"|"level"|"member"|"p_alive"|"odd ""name"""'
    r"|AND|OR|NOT|BETWEEN|IN|IS|NULL|TRUE|FALSE|LIKE|ILIKE|CAST|AS|DOUBLE|nullif|coalesce|greatest|least|lower|upper|trim"
    r"|length|abs|round|floor|ceil|100|0|[-+*/=<>(), ])*"
)


@given(st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(FORBIDDEN))
def test_no_text_of_a_literal_reaches_the_statement(text: str) -> None:
    """Whatever stands between the quotes of YAML, the SQL is made of our own words only (R50)."""
    quoted = text.replace("'", "''")
    for string in (f"level = '{quoted}'", f"level in ('{quoted}', 'x') or level like '{quoted}'"):
        try:
            sql, parameters = compiled(string)
        except TidingsError:
            continue
        assert ALLOWED_TEXT.fullmatch(sql)
        assert text in parameters.values()


@given(st.text("orders level 'x=<>()and0123;-*/%$:,.\"\\\n", max_size=40))
def test_whatever_is_written_gives_our_sql_or_our_error(text: str) -> None:
    """Random near-SQL: no other exception, and no other text in the result (R50)."""
    try:
        sql, _ = compiled(text)
    except TidingsError:
        return
    assert ALLOWED_TEXT.fullmatch(sql)


def test_before_the_warehouse_is_there_unknown_columns_pass() -> None:
    """A workspace is checked in CI without data; known columns still scale their money."""
    sql, parameters = compiled("something >= 3 and total_spend > 5", open=True)
    assert '"something"' in sql
    assert 500 in parameters.values()
    with pytest.raises(TidingsError, match="no column 'in__x'"):
        compiled("in__x", open=True)
