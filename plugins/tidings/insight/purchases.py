"""Purchase histories from a file of anybody's: a row a purchase, with a customer, a day and an amount."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidings.errors import TidingsError, did_you_mean
from tidings.warehouse.scratch import scratch

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

READERS = {".csv": "read_csv", ".csv.gz": "read_csv", ".tsv": "read_csv", ".parquet": "read_parquet"}
TEXT = "header = true, all_varchar = true"
REASONS = ("customer", "date", "amount", "refund")
"""Why a row is left out: no customer, no day, no amount, an amount below zero."""


@dataclass(frozen=True)
class Columns:
    """What the file calls its columns."""

    customer: str
    date: str
    amount: str


@dataclass(frozen=True)
class Histories:
    """One row a customer in `rows`, ordered by customer: those with a purchase on or before the last day.

    Columns: customer; repeats, days with a purchase after the first; recency, days from the first to the last; age,
    days from the first to the last day watched; spend and repeat_spend, of all purchases and without those of the first
    day, in the unit of the file; later, days with a purchase after the last day watched. Purchases of one day are one.
    """

    rows: pd.DataFrame
    purchases: int
    left_out: Mapping[str, int]
    days_after: int

    def history(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """repeats, recency and age, as the models take them."""
        repeats, recency, age = (self.rows[name].to_numpy() for name in ("repeats", "recency", "age"))
        return repeats, recency, age


def load_histories(path: Path, columns: Columns, until: date) -> Histories:
    """The histories until the end of the day `until`.

    TidingsError where the file cannot be read, lacks a column or has no purchase until then. Days may be written as
    2026-11-25, 20261125 or with a time of day; amounts are added exactly, to the fourth decimal.
    """
    import duckdb

    with scratch() as connection:
        try:
            relation = connection.sql(f"SELECT * FROM {_reader(path)}", params=[str(path)])
            _have(columns, relation.columns, path)
            connection.execute(f"CREATE TABLE purchases AS {_purchases(columns)} FROM {_reader(path)}", [str(path)])
        except duckdb.Error as error:
            first = str(error).strip().splitlines()[0]
            raise TidingsError(f"{path} cannot be read: {first}", "give a CSV or Parquet file with a header") from error
        counted = connection.execute(
            "SELECT reason, count(*) FROM purchases WHERE reason IS NOT NULL GROUP BY ALL"
        ).fetchall()
        left_out = {reason: count for reason in REASONS for found, count in counted if found == reason}
        connection.execute(
            "CREATE TABLE days AS SELECT customer, day, sum(amount) AS amount FROM purchases "
            "WHERE reason IS NULL GROUP BY ALL"
        )
        [(number, days_after)] = connection.execute(
            "SELECT count(*), coalesce(date_diff('day', ?::DATE, max(day)), 0) FROM days", [until]
        ).fetchall()
        rows = connection.execute(_HISTORIES, {"until": until}).df()
    if rows.empty:
        earliest = f"all {number:,} purchases are later" if number else _why_none(left_out)
        raise TidingsError(f"{path} has no purchase until {until}: {earliest}", "look at --until and the columns")
    purchases = int(rows["repeats"].sum()) + len(rows)
    return Histories(rows, purchases, left_out, max(int(days_after), 0))


_HISTORIES = """
SELECT customer, count(*) - 1 AS repeats, date_diff('day', min(day), max(day)) AS recency,
    date_diff('day', min(day), $until::DATE) AS age, sum(amount)::DOUBLE AS spend,
    (sum(amount) - arg_min(amount, day))::DOUBLE AS repeat_spend, coalesce(any_value(later.days), 0) AS later
FROM days LEFT JOIN (SELECT customer, count(*) AS days FROM days WHERE day > $until GROUP BY customer) AS later
    USING (customer)
WHERE day <= $until GROUP BY customer ORDER BY customer
"""


def _reader(path: Path) -> str:
    kind = next((reader for ending, reader in READERS.items() if path.name.lower().endswith(ending)), None)
    if kind is None:
        raise TidingsError(f"{path} is neither CSV nor Parquet by its name", f"name it *{', *'.join(READERS)}")
    if not path.is_file():
        near = [found.name for found in path.parent.glob("*")] if path.parent.is_dir() else []
        raise TidingsError(f"there is no file {path}", did_you_mean(path.name, near) if near else "look at the path")
    return f"{kind}(?, {TEXT})" if kind == "read_csv" else f"{kind}(?)"


def _have(columns: Columns, there: list[str], path: Path) -> None:
    for option, column in vars(columns).items():
        if column not in there:
            raise TidingsError(f"{path} has no column {column!r} (--{option})", did_you_mean(column, there))


def _purchases(columns: Columns) -> str:
    customer, day, amount = (_quoted(name) for name in (columns.customer, columns.date, columns.amount))
    text = f"trim({day}::VARCHAR)"
    # A stamp with a zone is read as a moment in UTC; what is written as a number is a day without dashes.
    days = f"coalesce(try_strptime({text}, '%Y%m%d')::DATE, try_cast({text} AS TIMESTAMP)::DATE, "
    days += f"try_cast({text} AS TIMESTAMPTZ)::DATE)"
    money = f"try_cast({amount} AS DECIMAL(18, 4))"
    wrong = {
        "customer": f"nullif(trim({customer}::VARCHAR), '') IS NULL",
        "date": f"{days} IS NULL",
        "amount": f"{money} IS NULL",
        "refund": f"{money} < 0",
    }
    reason = " ".join(f"WHEN {test} THEN '{name}'" for name, test in wrong.items())
    return (
        f"SELECT trim({customer}::VARCHAR) AS customer, {days} AS day, {money} AS amount, CASE {reason} END AS reason"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _why_none(left_out: Mapping[str, Any]) -> str:
    parts = [f"{count:,} rows without a sound {reason}" for reason, count in left_out.items()]
    return ", ".join(parts) or "it has no rows"
