"""A template becomes Jinja sources, once per plan; a message is rendered from those and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import jinja2
from pydantic import Field

from tidings.content import sources
from tidings.content.environment import Extend, shared_environment
from tidings.content.expressions import Filled, Marks, Piece, check_blocks, fill, split
from tidings.content.formats import language
from tidings.content.markup import to_html
from tidings.content.plaintext import to_text
from tidings.errors import TidingsError, Where, did_you_mean
from tidings.model.base import Noun

EMAIL = "email"
REQUIRED = ("subject", "preheader")
_CHECKED_WITH = ("en", "USD")
Texts = dict[str, list[Piece]]
_NOTHING: list[Piece] = []


class Part(Noun):
    """One language of a template: Jinja sources, HTML None where the channel carries text only.

    `lines` maps part → line of its source → `file:line:column` of the expression that ends there.
    """

    subject: str | None = None
    preheader: str | None = None
    html: str | None = None
    text: str
    lines: dict[str, dict[int, str]] = Field(default_factory=dict)


class CompiledTemplate(Noun):
    """A template as a plan stores it; `file` is the one to open, `parts` are by language."""

    name: str
    channel: str
    file: str
    default_locale: str
    parts: dict[str, Part]

    def locale_for(self, locale: str) -> str:
        """The language a person reads it in: their own, else the workspace's, else English, else any."""
        wanted = (locale, language(locale), self.default_locale, language(self.default_locale), "en")
        return next((one for one in wanted if one in self.parts), min(self.parts))

    def reader_locale(self, locale: str) -> str:
        """The locale for formats and sentences: the person's own where the template speaks their language."""
        chosen = self.locale_for(locale)
        return locale if language(locale) == language(chosen) else chosen


class TemplateErrors(TidingsError):
    """Every mistake of a template at once; it reads as the first. `rest` is what can be made without them."""

    def __init__(self, errors: Sequence[TidingsError], rest: CompiledTemplate) -> None:
        super().__init__(errors[0].reason, errors[0].fix, errors[0].where)
        self.errors = errors
        self.rest = rest


def compile_template(
    root: Path,
    name: str,
    *,
    channel: str,
    locales: Sequence[str],
    default_locale: str,
    subject: str | None = None,
    subject_where: Where | None = None,
    extend: Extend | None = None,
) -> CompiledTemplate:
    """The template for a channel, in those of `locales`, the default and English that have texts.

    `subject` replaces the subject of every language (a variant's); it may say `{{ t.key }}`. TidingsError
    with the place of bad Jinja or MJML or of a missing file; TemplateErrors where texts are missing or wrong.
    """
    stamp = tuple((str(path), path.stat().st_mtime_ns) for path in sources.template_sources(root, name))
    where = subject_where or Where(f"subject of {name}")
    return _compiled(root, name, channel, tuple(locales), default_locale, subject, where, extend, stamp)


@lru_cache(maxsize=256)
def _compiled(
    root: Path,
    name: str,
    channel: str,
    locales: tuple[str, ...],
    default_locale: str,
    subject: str | None,
    subject_where: Where,
    extend: Extend | None,
    _stamp: tuple[tuple[str, int], ...],
) -> CompiledTemplate:
    """Compiling takes a tenth of a second: the same files, by the times they were changed, are compiled once."""
    environment = shared_environment(*_CHECKED_WITH, extend)
    replaced = None if subject is None else list(split(subject, subject_where))
    wanted = [*locales, *map(language, locales), default_locale, language(default_locale), "en"]
    mistakes: list[TidingsError] = []
    if channel == EMAIL:
        file = sources.mjml_file(root, name)
        parts = _email(root, name, file, wanted, replaced, environment, mistakes)
    else:
        files = sources.text_files(root, name)
        chosen = [locale for locale in dict.fromkeys(wanted) if locale in files] or [min(files)]
        file = files[chosen[-1]]
        parts = {}
        for locale in chosen:
            with _noted(mistakes):
                parts[locale] = _plain(root, files[locale], environment, mistakes)
    compiled = CompiledTemplate(
        name=name, channel=channel, file=sources.shown(root, file), default_locale=default_locale, parts=parts
    )
    if mistakes:
        raise TemplateErrors(mistakes, compiled)
    return compiled


def _email(
    root: Path,
    name: str,
    file: Path,
    wanted: Sequence[str],
    subject: list[Piece] | None,
    environment: jinja2.Environment,
    mistakes: list[TidingsError],
) -> dict[str, Part]:
    shown = sources.shown(root, file)
    found = list(sources.pieces(root, file))
    _check_files(found, environment)
    files = sources.string_files(root, name)
    chosen = [locale for locale in dict.fromkeys(wanted) if locale in files]
    if not chosen:
        fix = f"write {Path(shown).stem}.{wanted[-1]}.yaml beside it with `subject` and `preheader`"
        raise TidingsError(f"the template {name!r} has no texts", fix, Where(shown))
    marks = Marks()
    html = to_html(marks.hide(found), shown)
    if lost := marks.lost(html):
        reason = f"MJML drops {lost[0].text!r} here"
        raise TidingsError(reason, "correct the attribute's name, or remove it", lost[0].where)
    own_text = sources.text_part_file(root, name)
    if own_text is None:
        text = list(marks.show(to_text(html, marks)))
    else:
        text = list(split(sources.read_text(root, own_text), Where(sources.shown(root, own_text), 1, 1)))
        _check_files(text, environment)
    page = list(marks.show(html))
    asked = {piece: piece.key for piece in (*(subject or ()), *page, *text) if piece.key is not None}
    lacking: dict[Piece, dict[str, Texts]] = {}
    parts = {}
    for locale in chosen:
        with _noted(mistakes):
            own = _texts(root, locale, files[locale], environment, mistakes)
            for piece in (piece for piece, key in asked.items() if key not in own):
                lacking.setdefault(piece, {})[locale] = own
            texts = dict.fromkeys(asked.values(), _NOTHING) | own
            if subject is not None:
                texts["subject"] = _resolved(subject, texts)
            filled = {
                "subject": fill(texts["subject"], {}, markup=False),
                "preheader": fill(texts["preheader"], {}, markup=False),
                "html": fill(page, texts, markup=True),
                "text": fill(text, texts, markup=False),
            }
            parts[locale] = _part(filled, environment)
    mistakes += _missing(asked, lacking, chosen)
    return parts


def _missing(
    asked: Mapping[Piece, str], lacking: Mapping[Piece, Mapping[str, Texts]], chosen: Sequence[str]
) -> Iterator[TidingsError]:
    """One mistake for each place that asks for a text which languages lack; they are named unless all lack it."""
    for piece, languages in lacking.items():
        named = f" in {', '.join(map(repr, languages))}" if len(languages) < len(chosen) else ""
        near = did_you_mean(asked[piece], list(next(iter(languages.values()))))
        fix = f"add it to the strings file; {near}"
        yield TidingsError(f"there is no text {asked[piece]!r}{named}", fix, piece.where)


def _plain(root: Path, file: Path, environment: jinja2.Environment, mistakes: list[TidingsError]) -> Part:
    text = sources.read_text(root, file).strip()
    found = list(split(text, Where(sources.shown(root, file), 1, 1)))
    _check_files(found, environment)
    for piece in (piece for piece in found if piece.key):
        reason = f"there is no text {piece.key!r}: a text message is written out in each language"
        mistakes.append(TidingsError(reason, "write its words", piece.where))
    return _part({"text": fill((piece for piece in found if not piece.key), {}, markup=False)}, environment)


def _texts(root: Path, locale: str, file: Path, environment: jinja2.Environment, mistakes: list[TidingsError]) -> Texts:
    """A language's texts: the partials' ones, and over them the template's own; those that are wrong are empty."""
    texts: Texts = {}
    partial = sources.partial_strings(root).get(locale)
    if partial is not None:
        texts |= sources.read_strings(root, partial)
    own = sources.read_strings(root, file)
    start = Where(sources.shown(root, file), 1, 1)
    lacking = [key for key in REQUIRED if key not in own]
    mistakes += [TidingsError(f"the text {key!r} is missing", f"add `{key}: …`", start) for key in lacking]
    texts |= dict.fromkeys(REQUIRED, _NOTHING) | own
    for key, found in texts.items():
        with _noted(mistakes):
            texts[key] = _NOTHING
            _check_files(found, environment)
            if inner := next((piece for piece in found if piece.key), None):
                raise TidingsError("a text cannot hold another text", "write its words", inner.where)
            texts[key] = found
    return texts


@contextmanager
def _noted(mistakes: list[TidingsError]) -> Iterator[None]:
    """A mistake is one more of several, and what comes after it is looked at too."""
    try:
        yield
    except TidingsError as error:
        mistakes.append(error)


def _resolved(found: Iterable[Piece], texts: Mapping[str, list[Piece]]) -> list[Piece]:
    """Pieces with `{{ t.key }}` already replaced, so that they can stand inside other texts."""
    return [part for piece in found for part in ([piece] if piece.key is None else texts[piece.key])]


def _check_files(found: Sequence[Piece], environment: jinja2.Environment) -> None:
    """TidingsError at the first expression that is not Jinja, or uses `t` otherwise than as `{{ t.key }}`."""
    check_blocks(found)
    checked = fill([piece for piece in found if piece.key is None], {}, markup=False)
    if checked.lines and (line := _misused(checked, environment)) is not None:
        raise TidingsError("a text can only stand by itself", "write {{ t.key }}", place_of(checked.lines, line))


def _misused(filled: Filled, environment: jinja2.Environment) -> int | None:
    """The first line that uses `t`; TidingsError with the place of what is not Jinja."""
    try:
        return _checked(filled.source, environment)
    except jinja2.TemplateSyntaxError as error:
        reason = f"not a valid template: {error.message}"
        raise TidingsError(reason, "check the expression", place_of(filled.lines, error.lineno)) from error
    except (RecursionError, ValueError, MemoryError) as error:
        raise TidingsError(
            "the template is too deeply nested to read", "simplify it", place_of(filled.lines, 1)
        ) from error


@lru_cache(maxsize=1024)
def _checked(source: str, environment: jinja2.Environment) -> int | None:
    """Languages, variants and templates have many sources in common, and each is read once."""
    tree = environment.parse(source)
    environment.compile(tree, "html")
    return next((name.lineno for name in tree.find_all(jinja2.nodes.Name) if name.name == "t"), None)


def _part(filled: Mapping[str, Filled], environment: jinja2.Environment) -> Part:
    for one in filled.values():
        _misused(one, environment)
    lines = {name: one.lines for name, one in filled.items() if one.lines}
    return Part(**{name: one.source for name, one in filled.items()}, lines=lines)


def place_of(lines: Mapping[int, str], line: int) -> Where | None:
    """The place of the expression on a line of a source, or of the nearest one before it."""
    at = max((known for known in lines if known <= line), default=min(lines, default=None))
    if at is None:
        return None
    file, row, column, *_ = [*lines[at].rsplit(":", 2), "", ""]
    return Where(file, int(row), int(column)) if column else Where(lines[at])
