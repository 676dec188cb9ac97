"""One message of a compiled template, for one person."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any

import jinja2

from tidings.content.compile import CompiledTemplate, Part, place_of
from tidings.content.environment import Extend, shared_environment
from tidings.errors import TidingsError, Where
from tidings.model.base import Noun

_BREAKS = re.compile("[\r\n\0\v\f\x1c-\x1e\x85\u2028\u2029]")
_GAPS = re.compile(r"[ \t]*\n(?:[ \t]*\n){2,}")

Make = Callable[[str, str, str, str, Extend | None], jinja2.Template]
"""Source, name, locale, currency and extension → template."""


class Rendered(Noun):
    """What a person reads; `html` is None and `subject` empty on channels that carry text only."""

    subject: str
    html: str | None
    text: str
    locale: str


def render(
    compiled: CompiledTemplate, locale: str, context: Mapping[str, Any], *, extend: Extend | None = None
) -> Rendered:
    """The message in the reader's language, from a context of `build_context`.

    Formats follow the reader's region where the template speaks their language, else the template's language.
    TidingsError with the place in the template for a missing or empty value, a failing filter or a limit
    passed (R47), and for a subject that holds a line break or NUL (R48).
    """
    raw = render_raw(compiled, locale, context, make_template, extend=extend)
    return raw.model_copy(update={"text": without_gaps(raw.text).strip()})


def without_gaps(text: str) -> str:
    """The text with at most one empty line between two others: what prints nothing leaves its line behind."""
    return _GAPS.sub("\n\n", text)


def render_raw(
    compiled: CompiledTemplate, locale: str, context: Mapping[str, Any], make: Make, *, extend: Extend | None
) -> Rendered:
    """As `render`, with the text as its template printed it, by the templates that `make` makes of the sources."""
    chosen = compiled.locale_for(locale)
    part = compiled.parts[chosen]
    formats = compiled.reader_locale(locale)
    values = {**context, "locale": formats}

    def rendered(name: str, source: str) -> str:
        return _rendered(part, name, make(source, name, formats, context["currency"], extend), values)

    subject = rendered("subject", part.subject) if part.subject is not None else ""
    if _BREAKS.search(subject):
        where = place_of(part.lines.get("subject", {}), 1) or Where(compiled.file)
        raise TidingsError("the subject holds a line break or NUL", "remove it from the value used there", where)
    html = rendered("html", part.html) if part.html is not None else None
    return Rendered.model_construct(subject=subject, html=html, text=rendered("text", part.text), locale=chosen)


def _rendered(part: Part, name: str, template: jinja2.Template, values: dict[str, Any]) -> str:
    try:
        return template.environment.concat(template.root_render_func(template.new_context(values)))
    except Exception as error:
        line = _line(template, error.__traceback__)
        where = place_of(part.lines.get(name, {}), line) if line else None
        if isinstance(error, TidingsError):
            raise TidingsError(error.reason, error.fix, where) from error
        raise TidingsError(*_explained(error), where) from error


def _explained(error: Exception) -> tuple[str, str]:
    if isinstance(error, jinja2.UndefinedError):
        return str(error.message), "correct the name, or give the value to the template"
    if isinstance(error, jinja2.TemplateError):
        return f"refused: {error.message}", "simplify the template"
    return f"the template failed: {type(error).__name__}: {error}", "check the value and the filter"


def _line(template: jinja2.Template, trace: TracebackType | None) -> int | None:
    """The line of the source that was being rendered."""
    line = None
    while trace is not None:
        if trace.tb_frame.f_globals.get("__jinja_template__") is template:
            line = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line


@lru_cache(maxsize=1_024)
def make_template(source: str, name: str, locale: str, currency: str, extend: Extend | None) -> jinja2.Template:
    """A part's template; compiling one takes a hundred times as long as rendering it."""
    environment = shared_environment(locale, currency, extend)
    return template_of(environment, source, name)


def template_of(environment: jinja2.Environment, source: str | jinja2.nodes.Template, name: str) -> jinja2.Template:
    """A template of a source or of its tree; `name` decides what is escaped."""
    code = environment.compile(source, name, name)
    return environment.template_class.from_code(environment, code, environment.make_globals(None))
