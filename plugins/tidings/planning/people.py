"""Everybody a plan considers: one row a person, read from the snapshot in one query."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tidings.errors import TidingsError
from tidings.model.campaign import Campaign
from tidings.model.seams import Snapshot
from tidings.planning.questions import edited_segments
from tidings.project import Project
from tidings.segments.columns import condition_column
from tidings.warehouse.scratch import scratch

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ADDRESS_COLUMNS = {"email": ("email_key", "email_problem")}
PHONE = ("phone_key", "phone_problem")


def address_columns(channel: str) -> tuple[str, str]:
    """The columns of `addresses` that hold a channel's key and problem; other channels than e-mail use the phone."""
    return ADDRESS_COLUMNS.get(channel, PHONE)


def load_people(project: Project, campaign: Campaign, snapshot: Snapshot) -> pd.DataFrame:
    """person_key, customer_id, in_audience, excluded, and of the contact columns keys, problems and zone.

    A person is in the audience where any profile is, and excluded where any profile is. The profile that
    speaks for the person is a member's, the snapshot's representative first.
    """
    include = answer_column(project, snapshot, campaign.audience.include)
    excluded = [answer_column(project, snapshot, condition) for condition in campaign.audience.exclude]
    out = " OR ".join(f'coalesce(p."{name}", false)' for name in excluded) or "false"
    return _query(
        snapshot,
        f"""
        SELECT p.person_key, p.customer_id,
               bool_or(coalesce(p."{include}", false)) OVER who AS in_audience,
               bool_or({out}) OVER who AS excluded,
               a.email_key, a.email_problem, a.phone_key, a.phone_problem, a.timezone AS zone
        FROM people p LEFT JOIN addresses a USING (customer_id)
        WINDOW who AS (PARTITION BY p.person_key)
        QUALIFY row_number() OVER (PARTITION BY p.person_key
            ORDER BY coalesce(p."{include}", false) DESC, p.represents DESC, p.customer_id) = 1
        ORDER BY p.person_key
        """,
    )


def load_features(snapshot: Snapshot, names: Sequence[str], customers: Sequence[str]) -> pa.Table:
    """customer_id and these columns, one row for each of `customers`; a name the snapshot does not know is left out.

    An Arrow table: a day stays a day and a whole number a whole number where others have none, also on disk. What a
    message shows of a customer is read by this, and what a preview shows.
    """
    import pyarrow as pa
    from pyarrow import parquet

    known = _columns(snapshot)
    columns = ["customer_id", *(name for name in names if name in known and name != "customer_id")]
    table = parquet.read_table(snapshot.people, columns=columns)
    places = {customer: place for place, customer in enumerate(table["customer_id"].to_pylist())}
    return table.take(pa.array([places.get(customer) for customer in customers], pa.int64()))


def load_keys(snapshot: Snapshot) -> pd.DataFrame:
    """person_key and customer_id of every profile."""
    import pandas as pd

    return pd.read_parquet(snapshot.people, columns=["person_key", "customer_id"])


def load_profiles(snapshot: Snapshot, names: Sequence[str]) -> pd.DataFrame:
    """person_key, customer_id and these columns of every profile; TidingsError for a column nobody knows."""
    unknown = sorted(set(names) - _columns(snapshot))
    if unknown:
        raise TidingsError(f"the snapshot has no column {unknown[0]!r}", "name a feature, or run `tidings refresh`")
    columns = ["person_key", "customer_id", *(f'"{name}"' for name in sorted({*names} - {"person_key", "customer_id"}))]
    return _query(snapshot, f"SELECT {', '.join(columns)} FROM people")


def answers(project: Project, snapshot: Snapshot, condition: object) -> bool:
    """Whether the snapshot is still there and was asked this, by the files as they are now."""
    if not snapshot.people.exists() or condition_column(condition) not in _columns(snapshot):
        return False
    return not edited_segments(project, snapshot, condition)


def members(project: Project, snapshot: Snapshot, condition: object) -> set[str]:
    """The persons with a profile that meets a condition that the snapshot answers."""
    import pandas as pd

    name = answer_column(project, snapshot, condition)
    found = pd.read_parquet(snapshot.people, columns=["person_key", name])
    return set(found.loc[found[name].fillna(value=False).astype(bool), "person_key"])


def answer_column(project: Project, snapshot: Snapshot, condition: object) -> str:
    """The boolean column that answers a condition; TidingsError where the snapshot is older than the question."""
    name = condition_column(condition)
    if name not in _columns(snapshot):
        asked = condition if isinstance(condition, str) else json.dumps(condition, ensure_ascii=False)
        raise TidingsError(f"the snapshot does not answer {asked!r} yet", "run `tidings refresh` after an edit")
    if edited := edited_segments(project, snapshot, condition):
        raise TidingsError(f"the segment {edited[0]!r} was edited after the last refresh", "run `tidings refresh`")
    return name


class Contacts:
    """The current contact columns by customer_id: Arrow until a row is asked for, since a batch asks for few."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._places = {customer: place for place, customer in enumerate(table["customer_id"].to_pylist())}

    def get(self, customer: str) -> dict[str, Any] | None:
        """The customer's columns, None where empty; None for a customer who is not there."""
        place = self._places.get(customer)
        return None if place is None else self._table.slice(place, 1).to_pylist()[0]


def load_contacts(snapshot: Snapshot) -> Contacts:
    """The contact columns of every customer, as the last refresh left them."""
    from pyarrow import parquet

    return Contacts(parquet.read_table(snapshot.addresses).combine_chunks())


def _columns(snapshot: Snapshot) -> set[str]:
    from pyarrow import parquet

    return set(parquet.read_schema(snapshot.people).names)


def _query(snapshot: Snapshot, sql: str) -> pd.DataFrame:
    with scratch() as connection:
        connection.read_parquet(str(snapshot.people)).create_view("people")
        if " addresses " in sql:
            connection.read_parquet(str(snapshot.addresses)).create_view("addresses")
        return connection.execute(sql).df()
