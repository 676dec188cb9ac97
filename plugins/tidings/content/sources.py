"""The files of a template: found, read, and put together with the parts they include."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tidings.content.expressions import Piece, blank, place, split
from tidings.content.markup import check_markup
from tidings.errors import TidingsError, Where, did_you_mean
from tidings.yamlfile import read_yaml

FOLDER = "templates"
MAX_BYTES = 128 * 1024
PARTIAL_TEXTS = "partials/strings"
_APART = ("partials", "reports")
_NAME = re.compile(r"[a-z0-9_-]+(/[a-z0-9_-]+)+")
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*")
_INCLUDE = re.compile(r"<mj-include\b([^>]*?)/?>(?:\s*</mj-include>)?")
_PATH = re.compile(r"""path\s*=\s*(?:"([^"]*)"|'([^']*)')""")


def list_templates(root: Path) -> dict[str, tuple[str, ...]]:
    """Every template by name with its kinds: `email` (MJML), `sms` (plain text, for any channel of text)."""
    kinds: dict[str, set[str]] = {}
    folder = root / FOLDER
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if not path.is_file() or name.parts[0] in _APART or len(name.parts) < 2:
            continue
        if path.suffix == ".mjml":
            kinds.setdefault(name.with_suffix("").as_posix(), set()).add("email")
        elif path.suffix == ".txt" and _LOCALE.fullmatch(path.stem.partition(".")[2]):
            kinds.setdefault((name.parent / path.stem.partition(".")[0]).as_posix(), set()).add("sms")
    return {name: tuple(sorted(found)) for name, found in kinds.items()}


def template_sources(root: Path, name: str) -> list[Path]:
    """Every file a template depends on, sorted: MJML, its texts, the text part, partials and their texts.

    TidingsError where the template or a file it includes is missing.
    """
    stem = _stem(root, name)
    found = set(stem.parent.glob(f"{stem.name}.txt")) | set(_by_locale(stem, "yaml").values())
    found |= set(_by_locale(stem, "txt").values())
    mjml = stem.with_name(f"{stem.name}.mjml")
    if mjml.is_file():
        files: set[Path] = set()
        list(pieces(root, mjml, files))
        found |= files | set(partial_strings(root).values())
    elif not found:
        raise missing(root, name)
    return sorted(found)


def mjml_file(root: Path, name: str) -> Path:
    """The MJML file of an e-mail; TidingsError if there is none."""
    stem = _stem(root, name)
    path = stem.with_name(f"{stem.name}.mjml")
    if not path.is_file():
        raise missing(root, name)
    return path


def text_part_file(root: Path, name: str) -> Path | None:
    """The hand-written text part of an e-mail, if there is one."""
    stem = _stem(root, name)
    path = stem.with_name(f"{stem.name}.txt")
    return path if path.is_file() else None


def text_files(root: Path, name: str) -> dict[str, Path]:
    """The files of a plain-text template by locale; TidingsError if there is none."""
    found = _by_locale(_stem(root, name), "txt")
    if not found:
        raise missing(root, name)
    return found


def string_files(root: Path, name: str) -> dict[str, Path]:
    """The strings files of an e-mail by locale."""
    return _by_locale(_stem(root, name), "yaml")


def partial_strings(root: Path) -> dict[str, Path]:
    """The strings files of the partials by locale."""
    return _by_locale(root / FOLDER / PARTIAL_TEXTS, "yaml")


def missing(root: Path, name: str) -> TidingsError:
    """The error for a template that is not there."""
    return TidingsError(f"there is no template {name!r}", did_you_mean(name, list(list_templates(root))))


def read_text(root: Path, path: Path) -> str:
    """A template file's text with line feeds only; TidingsError when it is too large or not UTF-8."""
    where = Where(shown(root, path))
    raw = path.read_bytes()
    if len(raw) > MAX_BYTES:
        raise TidingsError(f"the file is larger than {MAX_BYTES // 1024} KB", "shorten it", where)
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise TidingsError("the file is not UTF-8 text", "save it as UTF-8", where) from error


def read_strings(root: Path, path: Path) -> dict[str, list[Piece]]:
    """A strings file: key → the pieces of its text; TidingsError unless it is a flat mapping of texts."""
    document = read_yaml(path, root)
    if not isinstance(document.data, dict):
        raise TidingsError("a strings file is a list of `key: text`", "write `subject: …`", document.where())
    texts: dict[str, list[Piece]] = {}
    for key, value in document.data.items():
        where = document.where((key,))
        if not re.fullmatch(r"[A-Za-z_]\w*", key):
            fix = "use letters, digits and _"
            raise TidingsError(f"{key!r} cannot be used as {{{{ t.key }}}}", fix, document.where((key,), key=True))
        if isinstance(value, (dict, list, bool)) or value is None:
            raise TidingsError(f"{key!r} is not a text", "put it in quotes", where)
        # Expressions of a text are placed where the text begins: YAML's folding moves what stands inside it.
        texts[key] = [Piece(piece.text, where, piece.expression) for piece in split(str(value), where)]
    return texts


def pieces(root: Path, path: Path, read: set[Path] | None = None, inside: tuple[Path, ...] = ()) -> Iterator[Piece]:
    """The pieces of an MJML file with its includes put in place; every file is checked by itself.

    `read` collects the files. TidingsError for bad Jinja or MJML, and for an include that is missing, outside
    templates/, or inside itself.
    """
    text = read_text(root, path)
    start = Where(shown(root, path), 1, 1)
    found = list(split(text, start))
    check_markup(blank(found), start)
    if read is not None:
        read.add(path)
    for piece in found:
        at = 0
        for match in () if piece.expression else _INCLUDE.finditer(piece.text):
            if match.start() > at:
                yield Piece(piece.text[at : match.start()], place(piece.text, at, piece.where))
            where = place(piece.text, match.start(), piece.where)
            yield from pieces(root, _included(root, match[1], where, (*inside, path)), read, (*inside, path))
            at = match.end()
        if at < len(piece.text):
            yield Piece(piece.text[at:], place(piece.text, at, piece.where), piece.expression)


def shown(root: Path, path: Path) -> str:
    """A file's name in messages: relative to the workspace."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _included(root: Path, attributes: str, where: Where, inside: tuple[Path, ...]) -> Path:
    match = _PATH.search(attributes)
    wanted = (match[1] or match[2] or "") if match else ""
    folder = (root / FOLDER).resolve()
    path = root / FOLDER / wanted
    if not wanted or not path.resolve().is_relative_to(folder):
        raise TidingsError("an include names a file of templates/", '<mj-include path="partials/…"/>', where)
    if not path.is_file():
        known = [found.relative_to(root / FOLDER).as_posix() for found in sorted((root / FOLDER).rglob("*.mjml"))]
        raise TidingsError(f"there is no file {wanted!r} in templates/", did_you_mean(wanted, known), where)
    if path in inside:
        raise TidingsError(f"{wanted!r} includes itself", "remove the include", where)
    return path


def _stem(root: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        fix = "write campaign/name, such as win_back/miss_you"
        raise TidingsError(f"{name!r} cannot be the name of a template", fix)
    return root / FOLDER / name


def _by_locale(stem: Path, suffix: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(stem.parent.glob(f"{stem.name}.*.{suffix}")):
        locale = path.name[len(stem.name) + 1 : -len(suffix) - 1]
        if _LOCALE.fullmatch(locale):
            found[locale] = path
    return found
