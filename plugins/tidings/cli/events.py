"""Events as a file of JSON lines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tidings.errors import ProjectErrors, TidingsError, Where

if TYPE_CHECKING:
    from tidings.model.delivery import ProviderEvent


def read_events(file: Path) -> list[ProviderEvent]:
    """The events of a file, or of standard input for `-`; ProjectErrors naming every line that is none."""
    from pydantic import ValidationError

    from tidings.model.delivery import ProviderEvent
    from tidings.model.mistakes import in_plain_words

    if str(file) == "-":
        text = sys.stdin.read()
    elif file.is_file():
        text = file.read_text(encoding="utf-8")
    else:
        raise TidingsError(f"there is no file {file}", "give a file of JSON lines, or - for standard input")
    events: list[ProviderEvent] = []
    errors: list[TidingsError] = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            events += [ProviderEvent.model_validate_json(line)] if line.strip() else []
        except ValidationError as error:
            first = in_plain_words(error, ProviderEvent)[0]
            errors.append(TidingsError(first.reason, first.fix, Where(str(file), number)))
    if errors:
        raise ProjectErrors(errors)
    return events
