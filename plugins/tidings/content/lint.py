"""What a template must hold before anybody is mailed (R21, R57)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Literal

from tidings.content.compile import CompiledTemplate, Part
from tidings.content.context import KNOWN_VARIABLES
from tidings.content.environment import Extend
from tidings.content.variables import compiled_variables, unconditional
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
    """What is wrong with a template for a campaign of this purpose.

    Errors: a marketing message without its unsubscribe link (an opt-out word will do in plain-text channels)
    or, in e-mail, without the postal address, each standing outside every condition; a variable nobody gives;
    HTML of `MAX_HTML` bytes or more. Warning: a picture without alternative text. `customer_columns` are the
    columns of the snapshot, None to accept any.
    """
    where = Where(compiled.file)
    found = [*_unknown_variables(compiled, customer_columns, extend)]
    for locale, part in compiled.parts.items():
        if purpose == "marketing" and part.html is None:
            found += _opt_out(locale, part, where, extend)
        elif purpose == "marketing":
            found += _footer(locale, part, where, extend)
        found += _size_and_pictures(locale, part, where)
    return list(dict.fromkeys(found))


def _opt_out(locale: str, part: Part, where: Where, extend: Extend | None) -> Iterator[Finding]:
    if "unsubscribe_url" not in unconditional(part.text, extend=extend) and not _OPT_OUT.search(part.text):
        fix = "end it with an opt-out word such as STOP, or with {{ unsubscribe_url }}"
        yield _finding("error", f"the {locale} text does not say how to opt out", fix, where)


def _footer(locale: str, part: Part, where: Where, extend: Extend | None) -> Iterator[Finding]:
    for kind, source in (("HTML", part.html or ""), ("text", part.text)):
        held = unconditional(source, extend=extend)
        for path in ("unsubscribe_url", "brand.address"):
            if path not in held:
                reason = f"the {locale} {kind} of a marketing e-mail lacks {path}, or has it under a condition"
                yield _finding("error", reason, f"put {{{{ {path} }}}} into the footer", where)


def _size_and_pictures(locale: str, part: Part, where: Where) -> Iterator[Finding]:
    html = part.html or ""
    size = len(html.encode())
    if size >= MAX_HTML:
        reason = f"the {locale} HTML has {size // 1024} KB; Gmail cuts it off at {MAX_HTML // 1024} KB"
        yield _finding("error", reason, "shorten it", where)
    if picture := _BARE_PICTURE.search(html):
        reason = f"a picture has no alternative text: {' '.join(picture[0].split())[:60]}"
        yield _finding("warning", reason, 'add alt="…", empty for an ornament', where)


def _unknown_variables(
    compiled: CompiledTemplate, columns: Collection[str] | None, extend: Extend | None
) -> Iterator[Finding]:
    known = {*KNOWN_VARIABLES, *(path.partition(".")[0] for path in KNOWN_VARIABLES)}
    known |= {f"customer.{column}" for column in columns or ()}
    for variable in compiled_variables(compiled, extend=extend):
        open_ended = columns is None and variable.path.startswith("customer.")
        if variable.path not in known and not open_ended:
            fix = did_you_mean(variable.path, sorted(known))
            where = variable.where or Where(compiled.file)
            yield _finding("error", f"there is no variable {variable.path!r}", fix, where)


def _finding(level: Literal["error", "warning"], reason: str, fix: str, where: Where) -> Finding:
    return Finding(level=level, file=where.file, line=where.line, column=where.column, reason=reason, fix=fix)
