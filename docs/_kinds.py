"""How the pages say a type: what a key of YAML takes, what a field of JSON holds, what a column keeps."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo
from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, String, Text

from tidings.ledger.tables import Moment
from tidings.model import scalars

SCALARS = {
    "Duration": "duration",
    "Days": "whole days",
    "Fifths": "a fifth of 1 to 5, or a range such as `4-5`",
    "Clock": "time of day",
    "Share": "percentage",
    "Name": "name",
    "Whole": "whole number",
    "Address": "e-mail address",
    "Clause": "condition",
    "Zone": "time zone",
    "Currency": "currency",
    "Language": "language",
    "Colour": "colour",
    "SecureUrl": "https address",
    "Code": "code",
    "Day": "day",
    "Rate": "rate",
    "Domain": "domain",
}
# A scalar is known by its validator, which stays the same object wherever the scalar is used.
_BY_VALIDATOR = {id(getattr(scalars, name).__metadata__[0]): words for name, words in SCALARS.items()}
_PLAIN: list[tuple[Any, str]] = [
    *((str, "text"), (int, "whole number"), (float, "number"), (bool, "true or false"), (Any, "anything")),
    *(
        (Path, "path"),
        (datetime, "time"),
        (date, "date"),
        (AwareDatetime, "time with an offset"),
        (timedelta, "duration"),
    ),
]
_BOUNDS = {
    "gt": "more than {}",
    "ge": "at least {}",
    "lt": "less than {}",
    "le": "at most {}",
    "min_length": "at least {} {}",
    "max_length": "at most {} {}",
}
_COLUMNS = {Boolean: "true or false", Float: "number", Integer: "whole number", BigInteger: "whole number"}


def kind(hint: Any, links: Mapping[str, str]) -> str:
    """What a type holds, in words; `links` says a model by its name."""
    origin, inner = get_origin(hint), get_args(hint)
    plain = [words for each, words in _PLAIN if each is hint]
    if plain:
        return plain[0]
    if origin is Annotated:
        words = next((_BY_VALIDATOR[id(each)] for each in inner[1:] if id(each) in _BY_VALIDATOR), None)
        return words or kind(inner[0], links)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(kind(each, links) for each in inner if each is not types.NoneType))
    if origin is list:
        return f"list: {kind(inner[0], links)}"
    if origin is dict:
        key, value = (kind(each, links) for each in inner)
        return f"mapping: {key} → {value}"
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return links.get(hint.__name__, hint.__name__)
    raise TypeError(f"no words for {hint!r}; add them to docs/_kinds.py")


def nullable(hint: Any) -> bool:
    """Whether None is among the values of a type."""
    if get_origin(hint) is Annotated:
        return nullable(get_args(hint)[0])
    return get_origin(hint) in (Union, types.UnionType) and types.NoneType in get_args(hint)


def bounds(hint: Any) -> str:
    """`1 to 12`, `more than 0`, `at least 16 characters`; empty where there are none."""
    found = dict(_found_bounds(hint))
    if "ge" in found and "le" in found:
        return f"{found['ge']} to {found['le']}"
    what = "of them" if get_origin(_bare(hint)) is list else "characters"
    return ", ".join(_BOUNDS[name].format(value, what) for name, value in found.items())


def default(field: FieldInfo) -> str:
    """What stands where the key is left out, as a file would have it; `required` where it may not be."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value == [] or value == {}:
        return ""
    if isinstance(value, BaseModel):
        return "its defaults"
    if isinstance(value, timedelta):
        return f"`{scalars.format_duration(value)}`"
    if isinstance(value, float):
        return f"`{value * 100:g}%`"
    if isinstance(value, list):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{value}`"


def column_kind(column: Column[Any]) -> str:
    """What a column of the ledger keeps."""
    found = column.type
    if isinstance(found, Moment):
        return "time, UTC"
    if isinstance(found, String) and not isinstance(found, Text):
        return f"text of {found.length}"
    return next((words for base, words in _COLUMNS.items() if isinstance(found, base)), "text")


def _bare(hint: Any) -> Any:
    return _bare(get_args(hint)[0]) if get_origin(hint) is Annotated else hint


def _found_bounds(hint: Any) -> Iterator[tuple[str, Any]]:
    """Bounds of the value itself, not of what a list or mapping holds."""
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *metadata = get_args(hint)
        yield from _found_bounds(inner)
        for each in metadata:
            for bound in each.metadata if isinstance(each, FieldInfo) else ():
                yield from ((name, getattr(bound, name)) for name in _BOUNDS if hasattr(bound, name))
    elif origin in (Union, types.UnionType):
        for each in get_args(hint):
            yield from _found_bounds(each)
