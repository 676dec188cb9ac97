"""What a template must hold before anybody is mailed (R21, R57)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Literal

from tidings.content.compile import EMAIL, CompiledTemplate, Part, place_of
from tidings.content.context import KNOWN_VARIABLES
from tidings.content.environment import Extend
from tidings.content.sources import FOLDER
from tidings.content.variables import compiled_variables, part_variables, unconditional
from tidings.errors import Where, did_you_mean
from tidings.model.counts import Finding

MAX_HTML = 102 * 1024
"""Gmail cuts a longer message off, and the unsubscribe link with it."""

_OPT_OUT = re.compile(r"\b(STOP|TC|HUY)\b|退订|拒收")
_BARE_PICTURE = re.compile(r"<img\b(?![^>]*\balt=)[^>]*>")


def lint(
    compiled: CompiledTemplate,
    *,
    purpose: str,
    customer_columns: Collection[str] | None = None,
    extend: Extend | None = None,
) -> list[Finding]:
    """What is wrong with a template for a campaign of this purpose, each thing once however many languages have it.

    Errors: a marketing message without its unsubscribe link (an opt-out word will do in plain-text channels)
    or, in e-mail, without the postal address, each standing outside every condition; a variable nobody gives;
    HTML of `MAX_HTML` bytes or more. Warning: a picture without alternative text. `customer_columns` are the
    columns of the snapshot, None to accept any. What is under a condition or in a picture is named at its place,
    what is not there at the beginning of the template.
    """
    found = [*unknown_variables(compiled, customer_columns, extend=extend)]
    if purpose == "marketing":
        found += _footer(compiled, extend) if compiled.channel == EMAIL else _opt_out(compiled, extend)
    found += [*_size(compiled), *_pictures(compiled)]
    return list(dict.fromkeys(found))


def unknown_variables(
    compiled: CompiledTemplate, columns: Collection[str] | None, *, extend: Extend | None = None
) -> Iterator[Finding]:
    """The values asked for that nobody gives; `columns` are those of the customers, None to accept any."""
    known = {*KNOWN_VARIABLES, *(path.partition(".")[0] for path in KNOWN_VARIABLES)}
    known |= {f"customer.{column}" for column in columns or ()}
    for variable in compiled_variables(compiled, extend=extend):
        open_ended = columns is None and variable.path.startswith("customer.")
        if variable.path not in known and not open_ended:
            fix = did_you_mean(variable.path, sorted(known))
            where = variable.where or _start(compiled)
            yield _finding("error", f"there is no variable {variable.path!r}", fix, where)


def _opt_out(compiled: CompiledTemplate, extend: Extend | None) -> Iterator[Finding]:
    fix = "end it with an opt-out word such as STOP, or with {{ unsubscribe_url }}"
    for locale, part in compiled.parts.items():
        if "unsubscribe_url" not in unconditional(part.text, extend=extend) and not _OPT_OUT.search(part.text):
            file = Where(f"{FOLDER}/{compiled.name}.{locale}.txt", 1, 1)
            where = next(_places("unsubscribe_url", part, "text", extend), file)
            yield _finding("error", f"the {locale} text does not say how to opt out", fix, where)


def _footer(compiled: CompiledTemplate, extend: Extend | None) -> Iterator[Finding]:
    """Both parts in every language; which of them lack something is said where it is not all of them."""
    parts = {f"{locale} {kind}": (part, kind) for locale, part in compiled.parts.items() for kind in ("html", "text")}
    held = {name: unconditional(getattr(part, kind), extend=extend) for name, (part, kind) in parts.items()}
    for path in ("unsubscribe_url", "brand.address"):
        lacking = [name for name in parts if path not in held[name]]
        if lacking:
            seen = (where for name in (*lacking, *parts) for where in _places(path, *parts[name], extend))
            only = "" if len(lacking) == len(parts) else f" (in {', '.join(lacking)})"
            reason = f"a marketing e-mail lacks {path}, or has it under a condition{only}"
            fix = f"put {{{{ {path} }}}} into the footer"
            yield _finding("error", reason, fix, next(seen, _start(compiled)))


def _size(compiled: CompiledTemplate) -> Iterator[Finding]:
    sizes = {locale: len((part.html or "").encode()) for locale, part in compiled.parts.items()}
    largest = max(sizes, key=lambda locale: sizes[locale])
    if sizes[largest] >= MAX_HTML:
        reason = f"the {largest} HTML has {sizes[largest] // 1024} KB; Gmail cuts it off at {MAX_HTML // 1024} KB"
        yield _finding("error", reason, "shorten it", _start(compiled))


def _pictures(compiled: CompiledTemplate) -> Iterator[Finding]:
    for part in compiled.parts.values():
        for picture in _BARE_PICTURE.finditer(part.html or ""):
            reason = f"a picture has no alternative text: {' '.join(picture[0].split())[:60]}"
            where = _inside(picture, part) or _start(compiled)
            yield _finding("warning", reason, 'add alt="…", empty for an ornament', where)


def _places(path: str, part: Part, kind: str, extend: Extend | None) -> Iterator[Where]:
    """Where a part asks for a value."""
    for variable in part_variables(part, kind, extend=extend):
        if variable.path == path and variable.where is not None:
            yield variable.where


def _inside(picture: re.Match[str], part: Part) -> Where | None:
    """The place of the first expression of a picture."""
    begins, ends = (picture.string.count("\n", 0, at) + 1 for at in picture.span())
    lines = part.lines.get("html", {})
    return next((place_of(lines, line) for line in range(begins, ends) if line in lines), None)


def _start(compiled: CompiledTemplate) -> Where:
    return Where(compiled.file, 1, 1)


def _finding(level: Literal["error", "warning"], reason: str, fix: str, where: Where) -> Finding:
    return Finding(level=level, file=where.file, line=where.line, column=where.column, reason=reason, fix=fix)
