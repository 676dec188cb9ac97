"""Persons by what they are worth and where they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from tidings.errors import TidingsError
from tidings.model.portfolio import Portfolio
from tidings.model.seams import Snapshot
from tidings.warehouse.scratch import scratch

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

EXPECTED = "predicted_value_12m"


def in_cells(snapshot: Snapshot, portfolio: Portfolio, audiences: Mapping[str, str], spend_known: bool) -> pd.DataFrame:
    """One row a band × state with persons in it: band (None without a value), state, persons, and their sums.

    Sums are value, profit, expected and spend in minor units, NULL where it is not known of anybody; then a column
    for each of `audiences` (name → SQL over the profiles) with the persons in it. A person is in a band by the sum of
    their profiles and has the state of the one that represents them; of equal values the lower customer_id is first.

    TidingsError where the value is not in the snapshot, or not known of anybody.
    """
    with scratch() as connection:
        connection.read_parquet(str(snapshot.people)).create_view("people")
        connection.read_parquet(str(snapshot.months)).create_view("months")
        names = {row[0] for row in connection.execute("DESCRIBE people").fetchall()}
        if portfolio.value not in names:
            raise TidingsError(f"the current snapshot has no {portfolio.value}", "run `tidings refresh`")
        expected = EXPECTED if EXPECTED in names else "NULL"
        _persons(connection, portfolio, expected, audiences)
        [(known,)] = connection.execute("SELECT count(value) FROM persons").fetchall()
        if not known:
            fix = "set `value` in config/portfolio.yaml to total_spend, or see docs/profit.md"
            raise TidingsError(f"{portfolio.value} is not known of anybody", fix)
        spent = "sum(spend)::BIGINT" if spend_known else "NULL::BIGINT"
        sums = ", ".join(f"sum({name})::BIGINT AS {name}" for name in ("value", "profit", "expected"))
        counted = "".join(f', count(*) FILTER (WHERE "{name}") AS "{name}"' for name in audiences)
        return connection.execute(
            f"SELECT {_band(portfolio, known)} AS band, state, count(*) AS persons, {sums}, {spent} AS spend{counted} "
            "FROM (SELECT *, row_number() OVER (ORDER BY value DESC NULLS LAST, first_id) AS place FROM persons) "
            "GROUP BY ALL ORDER BY ALL"
        ).df()


def grid(portfolio: Portfolio, states: Sequence[str]) -> dict[tuple[str | None, str], str]:
    """The cell of each band × state that one holds; `states` is their order."""
    found = {(band, state): cell.cell for cell in portfolio.cells for band in cell.bands for state in cell.states}
    order = [(band.band, state) for band in portfolio.bands for state in states]
    return {both: found[both] for both in order if both in found}


def _persons(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, expected: str, audiences: Mapping[str, str]
) -> None:
    inside = "".join(f', coalesce(bool_or({sql}), false) AS "{name}"' for name, sql in audiences.items())
    connection.execute(
        f"CREATE TEMP TABLE persons AS SELECT sum({portfolio.value})::BIGINT AS value, sum(profit)::BIGINT AS profit, "
        f"sum({expected})::BIGINT AS expected, coalesce(sum(spend), 0)::BIGINT AS spend, min(customer_id) AS first_id, "
        f"coalesce(any_value({portfolio.by}) FILTER (WHERE represents), 'prospect') AS state{inside} "
        "FROM people LEFT JOIN (SELECT customer_id, sum(contact_cost) AS spend FROM months GROUP BY customer_id) "
        "USING (customer_id) GROUP BY person_key"
    )


def _band(portfolio: Portfolio, known: int) -> str:
    """SQL over persons in their places; a share of them is rounded up, as in the condition `top`."""
    *others, last = portfolio.bands
    ends = [(band, (Decimal(str(band.top)) * known).to_integral_value(ROUND_CEILING)) for band in others]
    falls = " ".join(f"WHEN place <= {end} THEN '{band.band}'" for band, end in ends)
    return f"CASE WHEN value IS NULL THEN NULL {falls} ELSE '{last.band}' END"
