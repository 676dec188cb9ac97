"""How many persons each segment could not decide about: its answer hangs on something that is not known of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tidings.segments.columns import known_column
from tidings.segments.questions import Questions
from tidings.warehouse.scratch import scratch


def count_unknown(people: Path, questions: Questions) -> dict[str, int]:
    """Segment → persons with no profile that surely meets it, and one of whom nobody knows.

    Asked in three-valued logic (Kleene's) of the file that `save_people` wrote: `false and unknown` is false,
    `not unknown` is unknown. Such a person is inside or outside by the rule that what is unknown is not true.
    """
    column_of = {column: known_column(name) for name, column in questions.segments.items()}
    if not column_of:
        return {}
    sql, parameters = "SELECT * FROM people", dict[str, Any]()
    for layer in questions.layers:
        asked = {column_of[column]: each for column, each in layer.items() if column in column_of}
        if asked:
            answers = ", ".join(f'{each.known} AS "{column}"' for column, each in asked.items())
            sql = f"SELECT *, {answers} FROM ({sql})"
            parameters |= {name: value for each in asked.values() for name, value in each.parameters.items()}
    by_person = ", ".join(
        f'NOT coalesce(bool_or("{column}"), false) AND bool_or("{column}" IS NULL) AS "{column}"'
        for column in column_of.values()
    )
    counted = ", ".join(f'count(*) FILTER ("{column}")' for column in column_of.values())
    with scratch() as connection:
        connection.read_parquet(str(people)).create_view("people")
        row = connection.execute(
            f"SELECT {counted} FROM (SELECT {by_person} FROM ({sql}) GROUP BY person_key)", parameters
        ).fetchone()
    return {name: int(count) for name, count in zip(questions.segments, row or (), strict=True)}
