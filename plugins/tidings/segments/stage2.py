"""Stage 2: features, persons, ledger and every question, in one pass of DuckDB over Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidings.errors import TidingsError
from tidings.model.insight import Ladder
from tidings.model.seams import Condition
from tidings.plugins import contained
from tidings.segments.columns import quoted
from tidings.segments.compile import CompiledCondition
from tidings.segments.dates import NEXT_DUE, due_sql
from tidings.segments.features import QUINTILES
from tidings.segments.history import History, load_history
from tidings.segments.ladder import level_sql, status_sql
from tidings.segments.questions import Questions
from tidings.segments.touches import LAST
from tidings.warehouse.features import USUAL_LADDER, VALUE, aggregated, join_all
from tidings.warehouse.milestones import BACK_AT, LOYAL_AT
from tidings.warehouse.reading import fetch, reading
from tidings.warehouse.rhythm import GAP, LAST_DAY, REPEATS, RHYTHM
from tidings.warehouse.scratch import scratch
from tidings.warehouse.subscribers import SUBSCRIPTION

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa


def save_people(
    features: Path,
    persons: pd.DataFrame,
    touches: pd.DataFrame,
    questions: Questions,
    now: datetime,
    path: Path,
    ladder: Ladder = USUAL_LADDER,
    history: History | None = None,
    valued: pa.Table | None = None,
) -> dict[str, int]:
    """Write people.parquet, one row a profile in order of customer_id; returns persons by segment.

    `features` is the file of stage 1, `persons` has customer_id, person_key, represents and, where lists may ask
    for it, email (normalised; it is written nowhere), `touches` what `load_touches` gives, `history` what
    `load_history` gives; without it this refresh is the first. `valued` has customer_id and the columns of VALUE; of
    who is not in it nothing is known. A person is in a segment where any of their profiles is.
    TidingsError naming the condition whose SQL the engine refuses.
    """
    import ibis

    with scratch() as connection:
        backend = ibis.duckdb.from_connection(connection)
        answered = _answers(persons, questions.conditions)
        who = persons[["customer_id", "person_key", "represents"]]
        connection.register("persons", who.assign(**answered))
        standing = (history or load_history(None, questions.segments, (), (), now)).register(connection)
        kept = {"touches": _temporary(backend, "touches", touches), "membership": backend.sql(standing)}
        connection.register("ledger", _ledger_features(backend, kept, questions.conditions, now))
        connection.register("valued", _nobody() if valued is None else valued)
        connection.read_parquet(str(features)).create_view("features")
        known = _features(ladder, now, answered)
        sql, parameters = _statement(known, questions)
        place = str(path).replace("'", "''")
        try:
            with reading("segments"):
                connection.execute(f"COPY ({sql}) TO '{place}' (FORMAT parquet)", parameters)
        except TidingsError as error:
            raise _at_fault(connection, known, questions, now) or error from error
        return _sizes(connection, path, questions)


def _statement(sql: str, questions: Questions) -> tuple[str, dict[str, Any]]:
    """The rows of `sql` with every answer, in order of customer_id."""
    parameters: dict[str, Any] = {}
    # Sorted before they are wide, and once more where an answer may look at other rows: that leaves another order.
    sql = f"SELECT * FROM ({sql}) ORDER BY customer_id"
    for layer in questions.layers:
        sql, parameters = _with_answers(sql, parameters, layer)
    asked = " ".join(each.sql for layer in questions.layers for each in layer.values()).lower()
    return f"{sql} ORDER BY customer_id" if "over" in asked or "select" in asked else sql, parameters


def _answers(persons: pd.DataFrame, conditions: Iterable[Condition]) -> dict[str, pd.Series[Any]]:
    """What conditions know of each profile by themselves; TidingsError naming the one that fails."""
    profiles = persons.reindex(columns=["customer_id", "email"])
    answered: dict[str, pd.Series[Any]] = {}
    for condition in conditions:
        with contained(f"the condition {condition.name!r}"):
            answered |= condition.answers(profiles)
    return answered


def _features(ladder: Ladder, now: datetime, answered: Iterable[str] = ()) -> str:
    """What every question may read: the warehouse's features, the person's, the ledger's, and what was `answered`."""
    quintiles = ", ".join(
        f"CASE WHEN orders > 0 THEN 1 + (rank() OVER (PARTITION BY orders > 0 ORDER BY {ranked}) - 1) * 5"
        f" // count(*) OVER (PARTITION BY orders > 0) END AS {name}"
        for name, ranked in QUINTILES.items()
    )
    more = "".join(f"persons.{quoted(name)}, " for name in answered)
    hidden = ", ".join((LOYAL_AT, BACK_AT, *RHYTHM, *SUBSCRIPTION))
    return (
        f"SELECT persons.person_key, features.* EXCLUDE ({hidden}), ledger.* EXCLUDE (person_key), "
        f"persons.represents, {more}{quintiles}, {level_sql(ladder)} AS level, {status_sql(ladder, now)} AS status, "
        f"DATE '1970-01-01' + CAST({due_sql(GAP, REPEATS, LAST_DAY)} AS INTEGER) AS {NEXT_DUE}, "
        "valued.* EXCLUDE (customer_id) REPLACE (coalesce(value_model, 'none') AS value_model) "
        "FROM features JOIN persons USING (customer_id) LEFT JOIN ledger USING (person_key) "
        "LEFT JOIN valued USING (customer_id)"
    )


def _with_answers(
    sql: str, parameters: dict[str, Any], layer: Mapping[str, CompiledCondition]
) -> tuple[str, dict[str, Any]]:
    """The rows of `sql` with a column for each question of a layer."""
    if not layer:
        return sql, parameters
    columns = ", ".join(f'{each.sql} AS "{name}"' for name, each in layer.items())
    more = {name: value for each in layer.values() for name, value in each.parameters.items()}
    return f"SELECT *, {columns} FROM ({sql})", parameters | more


def _at_fault(
    connection: duckdb.DuckDBPyConnection, sql: str, questions: Questions, now: datetime
) -> TidingsError | None:
    """The first named condition that the engine refuses over the columns it may read, as a mistake of its plugin."""
    import duckdb

    parameters = dict[str, Any]()
    for layer in questions.layers:
        for condition in (condition for each in layer.values() for condition in each.conditions):
            try:
                connection.execute(f"SELECT {condition.sql(now)} FROM ({sql}) LIMIT 0", parameters)
            except duckdb.Error as error:
                reason = f"the condition {condition.name!r} fails: {next(iter(str(error).splitlines()), '')}"
                return TidingsError(reason, "mend the plugin that registers it")
        sql, parameters = _with_answers(sql, parameters, layer)
    return None


def _nobody() -> pa.Table:
    import pyarrow as pa

    kinds = {"number": pa.float64(), "money": pa.int64(), "text": pa.string()}
    return pa.schema({"customer_id": pa.string(), **{n: kinds[kind] for n, kind in VALUE.items()}}).empty_table()


def _temporary(backend: Any, name: str, frame: pd.DataFrame) -> Any:
    import pyarrow as pa

    return backend.create_table(name, pa.Table.from_pandas(frame, preserve_index=False), temp=True)


def _ledger_features(backend: Any, kept: Mapping[str, Any], conditions: Iterable[Condition], now: datetime) -> pa.Table:
    """One row a person: the last touch of each kind, and what conditions declare over what is `kept` of persons."""
    touches = kept["touches"]
    everybody = backend.sql("SELECT DISTINCT person_key::VARCHAR AS person_key FROM persons")
    last = {name: touches["at"].max(where=touches.kind == kind) for kind, name in LAST.items()}
    asked = (each for each in conditions if each.ledger)
    declared = [touches.group_by("person_key").aggregate(**last), *aggregated(kept, asked, now, "person_key")]
    return fetch(backend, join_all(everybody, declared, "person_key"), "ledger")


def _sizes(connection: duckdb.DuckDBPyConnection, path: Path, questions: Questions) -> dict[str, int]:
    """Persons in each segment: most have one record, and only those of several are put together."""
    names = list(questions.segments.values())
    if not names:
        return {}
    connection.read_parquet(str(path)).create_view("answered")
    alone, together = ", ".join(map(quoted, names)), ", ".join(f"bool_or({quoted(name)})" for name in names)
    counted = ", ".join(f"count(*) FILTER ({quoted(name)})" for name in names)
    row = connection.execute(
        "WITH several AS (SELECT DISTINCT person_key FROM answered WHERE NOT represents) "
        f"SELECT {counted} FROM (SELECT {alone} FROM answered ANTI JOIN several USING (person_key) UNION ALL "
        f"SELECT {together} FROM answered SEMI JOIN several USING (person_key) GROUP BY person_key)"
    ).fetchone()
    return {name: int(count) for name, count in zip(questions.segments, row or (), strict=True)}
