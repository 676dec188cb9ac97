"""What people.parquet holds, without the warehouse that it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidings.model.seams import Snapshot
from tidings.segments.features import STAGE_2
from tidings.warehouse.features import BASE, RESERVED, FeatureKind

if TYPE_CHECKING:
    import pyarrow as pa


def stored_columns(snapshot: Snapshot) -> dict[str, FeatureKind]:
    """The features and the customers' own columns of a snapshot, each with its kind; answers are not among them."""
    from pyarrow import parquet

    known = {**BASE, **STAGE_2}
    schema = parquet.read_schema(snapshot.people)
    return {
        field.name: known.get(field.name) or _kind(field.type)
        for field in schema
        if "__" not in field.name and field.name not in RESERVED
    }


def _kind(stored: pa.DataType) -> FeatureKind:
    from pyarrow import types

    if types.is_boolean(stored):
        return "boolean"
    if types.is_timestamp(stored):
        return "time"
    if types.is_date(stored):
        return "date"
    numeric = types.is_integer(stored) or types.is_floating(stored) or types.is_decimal(stored)
    return "number" if numeric else "text"
