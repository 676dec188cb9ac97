"""Membership history: who entered and left each segment with a refresh, and whether an edited file caused it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tidings.model.seams import Snapshot
from tidings.segments.columns import segment_column
from tidings.segments.conditions import moment
from tidings.warehouse.scratch import scratch

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

DATA, DEFINITION, BACKLOG = "data", "definition", "backlog"
"""Why somebody entered or left: the data; an edited file; or nobody knows, for it was not asked before."""

NOBODY = "SELECT NULL::VARCHAR AS segment, NULL::VARCHAR AS person_key WHERE false"

BEFORE = """
    SELECT segment, coalesce(older, person_key) AS person_key,
           CASE WHEN bool_or(change = 'entered') THEN 'entered' ELSE 'left' END AS change,
           coalesce(min(since) FILTER (change = 'entered'), max(since)) AS since,
           coalesce(arg_min(cause, since) FILTER (change = 'entered'), arg_max(cause, since)) AS cause
    FROM ({rows}) LEFT JOIN merges ON person_key = younger
    GROUP BY ALL
"""

STANDING = """
    SELECT person_key, segment,
           CASE WHEN change = 'entered' THEN since ELSE {now} END AS joined_at,
           CASE WHEN change = 'entered' THEN before.cause ELSE causes.cause END AS joined_by,
           CASE change WHEN 'entered' THEN {now} WHEN 'left' THEN since END AS left_at,
           CASE change WHEN 'entered' THEN causes.cause WHEN 'left' THEN before.cause END AS left_by
    FROM (SELECT DISTINCT person_key::VARCHAR AS person_key FROM persons) CROSS JOIN causes
         LEFT JOIN before USING (person_key, segment)
"""

AFTER = """
    SELECT segment, person_key,
           CASE WHEN inside THEN 'entered' ELSE 'left' END AS change,
           CASE WHEN changed THEN {now} ELSE since END AS since,
           CASE WHEN changed THEN causes.cause ELSE kept END AS cause,
           changed
    FROM (SELECT segment, person_key, i.inside IS NOT NULL AS inside, since, b.cause AS kept,
                 (i.inside IS NOT NULL) <> coalesce(b.change = 'entered', false) AS changed
          FROM (SELECT *, true AS inside FROM ({inside})) i FULL JOIN before b USING (segment, person_key))
    JOIN causes USING (segment)
    WHERE inside OR changed OR person_key IN (SELECT person_key::VARCHAR FROM people)
    ORDER BY segment, person_key
"""


@dataclass(frozen=True)
class Changes:
    """Segment → persons who entered, and who left; only segments that the snapshot before has answered too."""

    entered: dict[str, int]
    left: dict[str, int]


@dataclass(frozen=True)
class History:
    """What a refresh knows of the time before it, at `now`.

    `before` is the last change of each person and segment (segment, person_key, change, since, cause), `causes` is
    segment → why whoever enters or leaves it with this refresh does so.
    """

    before: pa.Table
    causes: Mapping[str, str]
    now: datetime

    def register(self, connection: duckdb.DuckDBPyConnection) -> str:
        """Make it readable there; returns the SELECT of `standing`, which needs the table `persons` too.

        `standing` has a row for each person and segment: when the present stay began (`joined_at`) if the person is
        inside now, when the last one ended (`left_at`) if outside, and by which cause.
        """
        import pyarrow as pa

        texts = pa.schema({"segment": pa.string(), "cause": pa.string()})
        named = {"segment": list(self.causes), "cause": list(self.causes.values())}
        connection.register("causes", pa.table(named, schema=texts))
        connection.register("before", self.before)
        return STANDING.format(now=moment(self.now))

    def save(self, people: Path, path: Path) -> Changes:
        """Write the last change of each person and segment, this refresh's included; `people` is its people.parquet.

        A person who is in no file of customers any more has left every segment, and is not carried any further.
        """
        with scratch() as connection:
            self.register(connection)
            connection.read_parquet(str(people)).create_view("people")
            connection.execute(
                f"CREATE TEMP TABLE after AS {AFTER.format(now=moment(self.now), inside=_inside(self.causes))}"
            )
            place = str(path).replace("'", "''")
            connection.execute(f"COPY (SELECT * EXCLUDE (changed) FROM after) TO '{place}' (FORMAT parquet)")
            counted = connection.execute(
                "SELECT segment, count(*) FILTER (change = 'entered'), count(*) FILTER (change = 'left') "
                "FROM after WHERE changed GROUP BY segment"
            ).fetchall()
        found = {segment: (entered, left) for segment, entered, left in counted}
        compared = [segment for segment, cause in self.causes.items() if cause != BACKLOG]
        return Changes(*({segment: found.get(segment, (0, 0))[n] for segment in compared} for n in (0, 1)))


def load_history(
    last: Snapshot | None,
    segments: Collection[str],
    edited: Collection[str],
    merges: Iterable[tuple[str, str]],
    now: datetime,
) -> History:
    """The history of these segments up to the `last` snapshot, None before the first refresh.

    `edited` are those that ask something else by now, `merges` pairs (younger key, older key) of persons who turned
    out to be one: inside where either was, since the earlier of the two. A snapshot without a history (a refresh of
    0.1.0 made it) says who is inside; since when is not known, and counts as its own time.
    """
    import pyarrow as pa
    from pyarrow import parquet

    there = set(parquet.read_schema(last.people).names) if last and last.people.exists() else set[str]()
    known = [name for name in sorted(segments) if segment_column(name) in there]
    causes = dict.fromkeys(sorted(segments), BACKLOG) | {name: DEFINITION if name in edited else DATA for name in known}
    pairs = list(merges)
    with scratch() as connection:
        texts = pa.string()
        merged = {"younger": [pair[0] for pair in pairs], "older": [pair[1] for pair in pairs]}
        connection.register("merges", pa.table(merged, schema=pa.schema({"younger": texts, "older": texts})))
        rows = f"SELECT *, 'entered' AS change, {moment(now)} AS since, '{BACKLOG}' AS cause FROM ({NOBODY})"
        if last and known:
            connection.read_parquet(str(last.people)).create_view("people")
            rows = (
                f"SELECT *, 'entered' AS change, {moment(last.as_of)} AS since, '{BACKLOG}' AS cause "
                f"FROM ({_inside(known)})"
            )
            if last.membership.exists():
                connection.read_parquet(str(last.membership)).create_view("membership")
                rows = "SELECT segment, person_key, change, since, cause FROM membership"
        before = connection.execute(BEFORE.format(rows=rows)).to_arrow_table()
    return History(before, causes, now)


def _inside(segments: Iterable[str]) -> str:
    """Each person in each segment once, by the table `people`."""
    each = [
        f"SELECT DISTINCT '{name}' AS segment, person_key::VARCHAR AS person_key "
        f'FROM people WHERE "{segment_column(name)}"'
        for name in segments
    ]
    return " UNION ALL ".join(each or [NOBODY])
