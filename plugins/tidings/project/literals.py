"""Secrets written into a file in clear: git would remember them (R54)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidings.errors import TidingsError
from tidings.model.mistakes import Place
from tidings.model.salvage import look_up
from tidings.model.scalars import NAME
from tidings.plugins import secret_name
from tidings.yamlfile import YamlDocument

_KEY = re.compile(
    r"(?:.*_)?(?:password|passwd|passphrase|secret|token|api_?key|access_?key|private_?key|credentials?)",
    re.IGNORECASE,
)
_VALUES = (
    re.compile(r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),  # SendGrid
    re.compile(r"\bAKIA[0-9A-Z]{16}\b"),  # Amazon
    re.compile(r"\b(?:gh[pousr]|github_pat|glpat|xox[abps]|sk_live|rk_live)[_-][\w-]{10,}"),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}"),  # a signed token
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
)
_URL_WITH_PASSWORD = re.compile(r"://[^/\s:@]*:[^/\s@]+@")


def literal_secrets(document: YamlDocument) -> list[TidingsError]:
    """Every place of a document that holds a secret, without saying it."""
    return list(_found(document))


def _found(document: YamlDocument) -> Iterator[TidingsError]:
    for place in document.values:
        value = look_up(document.data, place)
        if isinstance(value, (dict, list)) or value is None or isinstance(value, bool):
            continue
        text, key = str(value), _key(place)
        if key == "secret" and secret_name(look_up(document.data, place[:-1])) and NAME.fullmatch(text):
            continue
        if _URL_WITH_PASSWORD.search(text):
            variable = "TIDINGS_" + "__".join(str(part) for part in place).upper()
            reason, fix = "a password in clear", f"set the whole address in the environment: {variable}"
        elif _KEY.fullmatch(key) or any(pattern.search(text) for pattern in _VALUES):
            owner = f"{place[1]}_" if place[0] == "providers" else ""
            name = f"{owner}{key.lower()}" if key != "secret" else "the_name_of_the_secret"
            written = "{secret: " + name + "}"
            reason = "a secret in clear"
            fix = f"write {written}, set TIDINGS_SECRET_{name.upper()}, and change it: git remembers"
        else:
            continue
        yield TidingsError(reason, fix, document.where(place))


def _key(place: Place) -> str:
    return next((part for part in reversed(place) if isinstance(part, str)), "")
