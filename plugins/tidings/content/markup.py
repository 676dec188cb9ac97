"""MJML: what the converter would pass over in silence, and the conversion itself."""

from __future__ import annotations

import re

from tidings.content.expressions import place
from tidings.errors import TidingsError, Where, did_you_mean

_TAG = re.compile(r"""<!--.*?-->|<(/?)([A-Za-z][\w:-]*)((?:"[^"]*"|'[^']*'|[^>"'])*?)(/?)>""", re.DOTALL)
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_SELF_CLOSED = re.compile(r"<(area|br|col|hr|img|link|meta)\b([^<>]*?)\s*/>")
_ELEMENTS = frozenset(
    "mjml mj-accordion mj-accordion-element mj-accordion-text mj-accordion-title mj-all mj-attributes mj-body"
    " mj-breakpoint mj-button mj-carousel mj-carousel-image mj-class mj-column mj-divider mj-font mj-group"
    " mj-head mj-hero mj-html-attributes mj-image mj-include mj-navbar mj-navbar-link mj-preview mj-raw"
    " mj-section mj-social mj-social-element mj-spacer mj-style mj-table mj-text mj-title mj-wrapper".split()
)


def check_markup(text: str, start: Where) -> None:
    """TidingsError at the first element MJML does not know, and at the first one not closed in its own file.

    `text` is one file with its Jinja expressions blanked. The converter drops unknown elements without a
    word.
    """
    opened: list[tuple[str, Where]] = []
    for match in _TAG.finditer(text):
        name = match[2]
        if name is None or match[0].startswith("<!"):
            continue
        where = place(text, match.start(), start)
        if name.startswith("mj") and name not in _ELEMENTS:
            raise TidingsError(f"MJML has no element <{name}>", did_you_mean(name, sorted(_ELEMENTS)), where)
        if match[4] or (not match[1] and name in _VOID):
            continue
        if not match[1]:
            opened.append((name, where))
        elif not opened or opened.pop()[0] != name:
            raise TidingsError(f"</{name}> closes what is not open", "close elements in reverse order", where)
    if opened:
        name, where = opened[-1]
        raise TidingsError(f"<{name}> is never closed", f"add </{name}> in the same file", where)


def to_html(mjml: str, file: str) -> str:
    """The HTML of an MJML document, without XML's slashes; TidingsError where it cannot be converted."""
    import mrml

    try:
        output = mrml.to_html(mjml, render_options=mrml.RenderOptions(disable_comments=False))
    except OSError as error:
        raise TidingsError(f"not valid MJML: {error}", "check the elements and quotes", Where(file)) from error
    html = output.content.replace("<!doctype html>", "<!DOCTYPE html>", 1)
    return _SELF_CLOSED.sub(r"<\1\2>", html)
