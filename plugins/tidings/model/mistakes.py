"""Pydantic's findings in plain words: where in the data, what is wrong, how to mend it.

A place is the path of keys and indexes as the file has them; yamlfile.py turns it into a line and a column.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError

from tidings.errors import did_you_mean

Place = tuple[str | int, ...]

# The choices of a union carry such tags: what pydantic adds to a place is told from the keys of the file.
_TAG = re.compile(r"<\w+>")
# Pydantic's last part of a place where a key of a mapping is wrong, not its value.
_KEY = "[key]"
_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping of keys and values",
    "model_type": "a mapping of keys and values",
    "model_attributes_type": "a mapping of keys and values",
    "path_type": "a path",
    "timezone_aware": "a time with an offset, such as 2026-11-22T09:00+07:00",
    "datetime_parsing": "a time with an offset, such as 2026-11-22T09:00+07:00",
    "datetime_from_date_parsing": "a time with an offset, such as 2026-11-22T09:00+07:00",
    "datetime_type": "a time with an offset, such as 2026-11-22T09:00+07:00",
}
_FIXES = {
    "text": "put it in quotes",
    "a list": "write [one, another], or a line with - for each",
    "a mapping of keys and values": "write `key: value` lines below it",
    "true or false": "write true or false",
    "a number": "write digits, such as 2.5",
    "a whole number": "write digits, such as 3",
}
_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


@dataclass(frozen=True)
class Mistake:
    """One thing wrong at a place of the data; `at_key` where the key itself is wrong, not its value."""

    place: Place
    reason: str
    fix: str = ""
    at_key: bool = False


def in_plain_words(error: ValidationError, model: type[BaseModel]) -> list[Mistake]:
    """Every finding of one validation; a misspelt compulsory key is one mistake, not two."""
    found: list[Mistake] = []
    missing: list[Mistake] = []
    meant: set[Place] = set()
    for finding in error.errors(include_url=False):
        loc = finding["loc"]
        place, at_key = bare(loc), loc[-1:] == (_KEY,)
        kind, ctx = finding["type"], finding.get("ctx", {})
        if kind == "extra_forbidden":
            fix = did_you_mean(str(place[-1]), _known(model, loc[:-1]))
            meant |= {(*place[:-1], name) for name in re.findall(r"mean '(.*)'", fix)}
            found.append(Mistake(place, f"unknown key {shown(place[-1])}", fix, at_key=True))
        elif kind == "missing":
            missing.append(Mistake(place[:-1], f"the key {place[-1]!r} is missing", f"add `{place[-1]}:`"))
        elif at_key and kind == "literal_error":
            found.append(Mistake(place, f"unknown key {shown(place[-1])}", _nearest(place[-1], ctx), at_key=True))
        else:
            name = _name(place[:-1] if at_key else place)
            reason, _, fix = _words(kind, finding["input"], ctx, finding["msg"], name).partition("; ")
            found.append(Mistake(place, reason, fix, at_key))
    names = {(*mistake.place, mistake.reason.split("'")[1]): mistake for mistake in missing}
    return found + [mistake for place, mistake in names.items() if place not in meant]


def bare(loc: Sequence[str | int]) -> Place:
    """A place of pydantic's as the file has it."""
    return tuple(part for part in loc if not _is_tag(part) and part != _KEY)


def shown(value: Any) -> str:
    """A value of a file in a message: short, and in the words of YAML."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _words(kind: str, value: Any, ctx: dict[str, Any], message: str, name: str) -> str:
    """The reason, and after `; ` the fix."""
    if kind == "value_error":
        return str(ctx["error"])
    if value is None and kind in _KINDS:
        return f"{name} is empty; write {_KINDS[kind]}, or remove the key"
    if kind in _KINDS:
        fix = _FIXES.get(_KINDS[kind], "")
        return f"{name} must be {_KINDS[kind]}, not {shown(value)}; {fix}"
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        return f"{name} must be {words} {ctx[key]}, not {shown(value)}"
    if kind == "literal_error":
        return f"{shown(value)} is not a value of {name}; {_nearest(value, ctx)}"
    if kind == "too_short":
        return f"{name} needs at least {ctx['min_length']}, not {ctx['actual_length']}"
    if kind == "too_long":
        return f"{name} takes at most {ctx['max_length']}, not {ctx['actual_length']}"
    if kind == "string_pattern_mismatch":
        return f"{shown(value)} does not fit {name}; write what matches {ctx['pattern']}"
    if kind == "string_too_short":
        return f"{name} is too short; write at least {ctx['min_length']} characters"
    if kind == "choice":
        return f"{message}; {_nearest_choice(value, ctx['known'].split())}"
    return message[:1].lower() + message[1:]


def _nearest(value: Any, ctx: dict[str, Any]) -> str:
    return did_you_mean(str(value), re.findall(r"'([^']*)'", ctx["expected"]))


def _nearest_choice(value: Any, known: Sequence[str]) -> str:
    hints = [did_you_mean(str(key), known) for key in value] if isinstance(value, dict) else []
    return next((hint for hint in hints if hint.startswith("did")), "add one of them")


def _name(place: Place) -> str:
    """The key a reader knows the value by; an item of a list goes by the list's key."""
    return next((f"`{part}`" for part in reversed(place) if isinstance(part, str)), "the file")


def _is_tag(part: str | int) -> bool:
    return isinstance(part, str) and _TAG.fullmatch(part) is not None


def _known(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """The keys of the model that stands at `loc` below `model`, as files write them."""
    owner = _descend(model, list(loc))
    return sorted(field.alias or name for name, field in owner.model_fields.items()) if owner else []


def _descend(annotation: Any, loc: list[str | int]) -> type[BaseModel] | None:
    if get_origin(annotation) is Annotated:
        return _descend(get_args(annotation)[0], loc)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not loc:
            return annotation
        fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
        return _descend(fields[str(loc[0])].annotation, loc[1:]) if str(loc[0]) in fields else None
    choices = get_args(annotation)
    if loc and _is_tag(loc[0]):
        tagged = (choice for choice in choices if Tag(str(loc[0])) in getattr(choice, "__metadata__", ()))
        return next((_descend(choice, loc[1:]) for choice in tagged), None)
    if get_origin(annotation) in (list, dict):
        return _descend(choices[-1], loc[1:])
    return next((owner for choice in choices if (owner := _descend(choice, loc)) is not None), None)
