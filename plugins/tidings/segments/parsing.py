"""Reading a SQL string of YAML into a tree, and looking at its nodes without surprises."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tidings.errors import TidingsError

if TYPE_CHECKING:
    from sqlglot import exp

LONGEST = 4_000
DIGITS = 18
AMOUNT = "minor_units_of"
"""The call that `300 USD` becomes."""


def parse(text: str, currency: str) -> exp.Expr:
    """The tree of one expression; TidingsError where it is not one, or speaks of another currency than `currency`."""
    import sqlglot

    if len(text) > LONGEST:
        raise TidingsError(f"the condition is longer than {LONGEST:,} characters", "split it: lists mean *and*")
    try:
        return sqlglot.parse_one(_with_amounts(text, currency), dialect="duckdb")
    except sqlglot.errors.SqlglotError as error:
        places = [found["col"] for found in getattr(error, "errors", []) if found.get("col")]
        near = f" near its character {places[0]}" if places else ""
        raise TidingsError(f"the condition cannot be read{near}", "write it as SQL, such as orders >= 3") from error


def _with_amounts(text: str, currency: str) -> str:
    """The string with `300 USD` written as a call, which the parser can read."""
    from sqlglot import TokenType, tokenize

    tokens = tokenize(text, read="duckdb")
    if any(token.comments for token in tokens):
        fix = "write it in YAML, after # and a space; what stands behind it here would be left out"
        raise TidingsError("a comment in a condition", fix)
    for number, word in reversed(list(pairwise(tokens))):
        if number.token_type != TokenType.NUMBER or word.token_type != TokenType.VAR:
            continue
        if re.fullmatch(r"[mhdw]|days?|weeks?|hours?", word.text):
            fix = "compare days, such as recency_days <= 7, or a moment, such as last_order_at > '2026-11-22'"
            raise TidingsError(f"`{text[number.start : word.end + 1]}` is a duration, and SQL has none here", fix)
        if not re.fullmatch(r"[A-Z]{3}", word.text):
            continue
        if word.text != currency:
            fix = f"write it in {currency}, the workspace's base_currency"
            raise TidingsError(f"there is no exchange rate for {word.text}", fix)
        text = f"{text[: number.start]}{AMOUNT}({number.text}){text[word.end + 1 :]}"
    return text


def parts_of(node: exp.Expr, *known: str, maybe: Sequence[str] = ()) -> dict[str, Any]:
    """The parts of a node, in the order asked; TidingsError where one is missing or there is one not asked for.

    Those of `maybe` come after the others, where they are there.
    """
    there = {name: part for name, part in node.args.items() if part is not None and part is not False and part != []}
    if set(there) - {*known, *maybe}:
        raise TidingsError(f"{called(node)} is not allowed in a condition", "write it plainly, without a query")
    if set(known) - set(there):
        raise TidingsError(f"{called(node)} lacks a part", "write it out, such as orders >= 3")
    return {name: there[name] for name in (*known, *maybe) if name in there}


def to_number(text: str) -> int | Decimal:
    """A number of at most DIGITS digits, exactly as it was written."""
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise TidingsError(f"{text!r} is not a number", "write digits and a point") from error
    if not value.is_finite() or abs(value) >= 10**DIGITS or -int(value.as_tuple().exponent) > DIGITS:
        raise TidingsError(f"the number {text} is too long", f"at most {DIGITS} digits")
    return int(value) if value == value.to_integral_value() else value


def called(node: exp.Expr) -> str:
    """What a message calls a node: its own SQL, cut where it is long."""
    import sqlglot

    written = node.sql(dialect="duckdb", unsupported_level=sqlglot.ErrorLevel.IGNORE)
    text = re.sub(rf"{AMOUNT}\(([^()]*)\)", r"\1", written, flags=re.IGNORECASE)
    return f"`{text if len(text) <= 60 else text[:57] + '...'}`"
