"""How much of everything one message may ask for (R47), and the filters that keep to it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from types import BuiltinFunctionType, FunctionType, GeneratorType, MethodType
from typing import Any

from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.utils import pass_context
from markupsafe import Markup

MAX_OUTPUT = 256 * 1024
MAX_VALUE = 16 * 1024
MAX_STEPS = 5_000
MAX_RANGE = 1_000
MAX_BITS = 256


class LimitError(SecurityError):
    """A template asked for more than a message can need."""


def concat_output(parts: Iterable[str]) -> str:
    """The rendered text; LimitError as soon as it grows beyond `MAX_OUTPUT`."""
    kept: list[str] = []
    left = MAX_OUTPUT
    for part in parts:
        left -= len(part)
        if left < 0:
            raise LimitError(f"the message is larger than {MAX_OUTPUT // 1024} KB")
        kept.append(part)
    return "".join(kept)


def printable(value: Any) -> Any:
    """The value where it can stand in a message; UndefinedError for an empty one and for a list."""
    if value is None:
        raise UndefinedError("a value is empty for this person; write {{ value or 'something' }}")
    if isinstance(value, (list, tuple, dict, set, GeneratorType)):
        raise UndefinedError("a list cannot be printed; loop over it or use | join")
    if isinstance(value, (FunctionType, BuiltinFunctionType, MethodType)):
        raise SecurityError("a function cannot be printed")
    return value


def text_of(value: Any) -> str:
    """A value as text, refused where `printable` refuses it."""
    return value if isinstance(value, str) else str(printable(value))


def within(size: int, limit: int, what: str) -> None:
    """LimitError beyond the limit; `what` tells the size at its `{}`."""
    if size > limit:
        raise LimitError(f"{what.format(f'{size:,}')}; at most {limit:,}")


@pass_context
def bounded_loop(context: Any, items: Any) -> Any:
    """What a loop runs over; LimitError when all loops of a message take more than `MAX_STEPS` steps."""
    found = items if hasattr(items, "__len__") else list(islice(items, MAX_STEPS + 1))
    context.steps += len(found)
    within(context.steps, MAX_STEPS, "the loops take {} steps")
    return found


def bounded_range(*bounds: int) -> range:
    """Python's range of at most `MAX_RANGE` numbers."""
    numbers = range(*bounds)
    within(len(numbers), MAX_RANGE, "the range has {} numbers")
    return numbers


def bounded_join(items: Iterable[Any], separator: str = "") -> str:
    """The items as one text with the separator between them; LimitError beyond `MAX_VALUE`."""
    texts = [text_of(part) for part in islice(items, MAX_VALUE)]
    size = sum(map(len, texts)) + len(separator) * max(len(texts) - 1, 0)
    within(size, MAX_VALUE, "the joined text has {} characters")
    if any(isinstance(text, Markup) for text in texts):
        return Markup(separator).join(texts)  # noqa: S704 - join escapes each part that is not markup yet
    return separator.join(texts)


def bounded_replace(text: str, old: str, new: str) -> str:
    """The text with `old` replaced by `new`; LimitError beyond `MAX_VALUE`."""
    plain = str(text)
    within(
        len(plain) + plain.count(old) * (len(new) - len(old)),
        MAX_VALUE,
        "the replaced text has {} characters",
    )
    return plain.replace(old, new)


def bounded_round(value: float, digits: int = 0) -> Any:
    """The number rounded to at most 10 digits after the point."""
    within(abs(digits), 10, "rounding to {} digits")
    return round(value, digits)


def bounded_sum(items: Iterable[Any], attribute: str | None = None) -> Any:
    """The sum of numbers, or of one number of each item."""
    return sum(item[attribute] if attribute else item for item in items)


def bounded_batch(items: Iterable[Any], size: int) -> list[list[Any]]:
    """The items in rows of `size`, the last one shorter."""
    kept = list(islice(items, MAX_RANGE))
    return [kept[start : start + max(size, 1)] for start in range(0, len(kept), max(size, 1))]
