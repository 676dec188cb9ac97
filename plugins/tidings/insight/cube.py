"""Measures of the persons of a snapshot by their features, and of their orders by month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from tidings.errors import TidingsError, did_you_mean
from tidings.insight.months import by_month, first_day, month_of
from tidings.model.cube import CubeCell, Measure
from tidings.model.portfolio import STATES
from tidings.model.seams import Snapshot
from tidings.project import Project
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.reading import fetch
from tidings.warehouse.scratch import scratch
from tidings.warehouse.tables import open_tables

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

TIMES = {"month": "strftime(month, '%Y-%m')", "quarter": "year(month) || '-Q' || quarter(month)",
         "year": "year(month)::VARCHAR"}  # fmt: skip
OF_MONTHS = ("people", "orders", "spend", "margin", "profit")
COLUMNS = {"orders": "orders", "spend": "total_spend", "margin": "margin", "profit": "profit",
           "predicted_value_12m": "predicted_value_12m"}  # fmt: skip
KINDS = ("text", "boolean")


@dataclass(frozen=True)
class Question:
    """What is asked: dimensions, at most one of them a time, and measures."""

    by: tuple[str, ...]
    measures: tuple[Measure, ...]

    @property
    def time(self) -> str | None:
        """`month`, `quarter` or `year`, where one is asked for."""
        return next((name for name in self.by if name in TIMES), None)


def read_question(
    by: Sequence[str], measures: Sequence[str], columns: Mapping[str, str], names: Sequence[str]
) -> Question:
    """The question over features of these kinds in a file with these `names`; TidingsError for what is not there."""
    dimensions = [*(name for name, kind in columns.items() if kind in KINDS and name != "customer_id"), *TIMES]
    for name in by:
        if name not in dimensions:
            what = f"no dimension is called {name!r}"
            if name in columns:
                what = (
                    f"{name!r} is a {columns[name]}" if columns[name] not in KINDS else f"{name!r} is everybody's own"
                )
            raise TidingsError(what, did_you_mean(name, dimensions))
    known: list[Measure] = [name for name in get_args(Measure) if name == "people" or COLUMNS[name] in names]
    found: list[Measure] = []
    for name in measures:
        if name not in known:
            raise TidingsError(f"no measure is called {name!r}", did_you_mean(name, known))
        found += [each for each in known if each == name]
    for what, given in (("dimension", by), ("measure", measures)):
        if len(set(given)) < len(given):
            raise TidingsError(f"a {what} is asked for twice", "ask for each once")
    asked = Question(tuple(by), tuple(found))
    if sum(name in TIMES for name in by) > 1:
        raise TidingsError("more than one of month, quarter and year", "ask for one of them: a month is of one year")
    if asked.time and not set(found) <= set(OF_MONTHS):
        raise TidingsError(f"predicted_value_12m is of no {asked.time}", f"ask for it without {asked.time}")
    return asked


def cube(
    project: Project, snapshot: Snapshot, asked: Question, span: tuple[str | None, str | None]
) -> tuple[list[CubeCell], CubeCell]:
    """The cells in order, and the total; margin and profit are known from the first day of `span` to before the second.

    A person has the features of the record that represents them, and the measures of all of theirs. By month, `people`
    are those who ordered in it.
    """
    own = "".join(
        f', any_value("{name}"::VARCHAR) FILTER (WHERE represents) AS "by_{name}"'
        for name in asked.by
        if name not in TIMES
    )
    with scratch() as connection:
        connection.read_parquet(str(snapshot.people)).create_view("people")
        if asked.time is None:
            summed = [name for name in asked.measures if name != "people"]
            sums = "".join(f", sum({COLUMNS[name]})::BIGINT AS {name}" for name in summed)
            rows = f"SELECT person_key{own}{sums} FROM people GROUP BY person_key"
        else:
            connection.register("history", _history(project, snapshot))
            connection.read_parquet(str(snapshot.months)).create_view("months")
            rows = _by_time(connection, asked.time, own, span)
        connection.execute(f"CREATE TEMP TABLE asked AS {rows}")
        keys = ", ".join(f'"by_{name}"' for name in asked.by)
        cells = _cells(connection, asked, f"SELECT {keys}, {{}} FROM asked GROUP BY ALL", len(asked.by))
        [total] = _cells(connection, asked, "SELECT {} FROM asked", 0)
    return sorted(cells, key=lambda cell: [_place(*each) for each in zip(asked.by, cell.values, strict=True)]), total


def _by_time(connection: duckdb.DuckDBPyConnection, time: str, own: str, span: tuple[str | None, str | None]) -> str:
    """A row a person and month, quarter or year."""
    [(costed,)] = connection.execute("SELECT count(profit) > 0 FROM people").fetchall()
    inside = f"month >= DATE '{span[0]}' AND month < DATE '{span[1]}'" if span[0] else "false"
    margin = f"CASE WHEN {inside} THEN coalesce(margin, 0) END"
    profit = f"CASE WHEN {inside} THEN coalesce(margin - activity_cost, 0) END" if costed else "NULL::BIGINT"
    return (
        f'SELECT who.*, {TIMES[time]} AS "by_{time}", coalesce(sum(orders), 0)::BIGINT AS orders, '
        f"coalesce(sum(spend), 0)::BIGINT AS spend, sum({margin})::BIGINT AS margin, sum({profit})::BIGINT AS profit "
        "FROM history FULL JOIN months USING (customer_id, month) "
        "JOIN (SELECT customer_id, person_key FROM people) USING (customer_id) "
        f"JOIN (SELECT person_key{own} FROM people GROUP BY person_key) AS who USING (person_key) GROUP BY ALL"
    )


def _history(project: Project, snapshot: Snapshot) -> pd.DataFrame:
    """customer_id, month (its first day), orders and spend, of everything before the snapshot."""
    import pandas as pd

    with open_warehouse(project) as warehouse:
        orders = open_tables(warehouse, snapshot.as_of)["orders"]
        ends = orders.aggregate(first=orders.ordered_at.min(), last=orders.ordered_at.max())
        first, last = (column[0].as_py() for column in fetch(warehouse.backend, ends, "cube").columns)
        # One month more at each end: a month begins earlier or later elsewhere.
        months = range(month_of(first.date()) - 1, month_of(last.date()) + 2) if first else range(1)
        rows = orders.mutate(month=by_month(orders.ordered_at, months, project.settings.timezone))
        rows = rows.group_by(["customer_id", "month"]).aggregate(
            orders=rows.count(), spend=rows.total.sum().cast("int64")
        )
        found: pd.DataFrame = fetch(warehouse.backend, rows, "cube").to_pandas()
    return found.assign(month=pd.to_datetime([first_day(each) for each in found["month"]]))


def _cells(connection: duckdb.DuckDBPyConnection, asked: Question, sql: str, width: int) -> list[CubeCell]:
    figures = [
        f"count(DISTINCT person_key){' FILTER (WHERE orders > 0)' if asked.time else ''}, 0"
        if name == "people"
        else f"sum({name})::BIGINT, count(DISTINCT person_key) FILTER (WHERE {name} IS NULL)"
        for name in asked.measures
    ]
    cells = []
    for row in connection.execute(sql.format(", ".join(figures))).fetchall():
        told: list[Any] = list(row[width:])
        cells.append(
            CubeCell(
                values=list(row[:width]),
                measures=dict(zip(asked.measures, told[::2], strict=True)),
                unknown={name: n for name, n in zip(asked.measures, told[1::2], strict=True) if n},
            )
        )
    return cells


def _place(name: str, value: str | None) -> tuple[bool, int, str]:
    """Levels and statuses in their own order, all else by the alphabet, what is not known last."""
    order = STATES.get(name, ())
    return value is None, order.index(value) if value in order else len(order), value or ""
