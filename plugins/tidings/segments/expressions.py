"""SQL strings of YAML → safe SQL: parsed, checked node by node against an allow-list, and written anew.

No text of the string reaches the result: columns come out under our own spelling, operators and functions from
the tables below, and every literal as a parameter (R50).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from tidings.clock import parse_at
from tidings.errors import TidingsError, did_you_mean
from tidings.segments.columns import quoted
from tidings.segments.parsing import AMOUNT, called, parse, parts_of, to_number

if TYPE_CHECKING:
    from sqlglot import exp

Kind = Literal["number", "money", "time", "date", "text", "boolean", "null", "any"]
Value = bool | int | Decimal | str | datetime | date

COMPARE = {"EQ": "=", "NEQ": "<>", "GT": ">", "GTE": ">=", "LT": "<", "LTE": "<="}
ALIKE = {"Like": "LIKE", "ILike": "ILIKE"}
JOIN = {"And": "AND", "Or": "OR"}
SUM = {"Add": "+", "Sub": "-"}
SAME = {"Coalesce": "coalesce", "Greatest": "greatest", "Least": "least", "Nullif": "nullif"}
TEXTUAL: dict[str, tuple[str, Kind]] = {
    "Lower": ("lower", "text"), "Upper": ("upper", "text"), "Trim": ("trim", "text"), "Length": ("length", "number"),
}  # fmt: skip
NUMERIC = {"Abs": "abs", "Round": "round", "Floor": "floor", "Ceil": "ceil"}
FUNCTIONS = sorted((*SAME.values(), *(name for name, _ in TEXTUAL.values()), *NUMERIC.values()))


@dataclass(frozen=True)
class Scope:
    """What a string may speak of: columns and their kinds, the base currency, the zone of times without one."""

    columns: Mapping[str, Kind]
    currency: str
    exponent: int
    timezone: str
    open: bool = False
    """Whether unknown columns pass: the warehouse that has them could not be read."""


@dataclass(frozen=True)
class Term:
    """A piece of safe SQL; `literal` where it is one bare literal."""

    sql: str
    kind: Kind
    literal: Value | None = None


@dataclass
class Expression:
    """Writes one string anew; `parameters` collects its literals by name."""

    scope: Scope
    parameters: dict[str, Value] = field(default_factory=dict)

    def boolean(self, text: str) -> str:
        """The string as a DuckDB boolean expression; TidingsError where it is not one we allow."""
        try:
            term = self.term(parse(text, self.scope.currency))
        except RecursionError as error:
            raise TidingsError("the condition is nested too deeply", "split it with all: and any:") from error
        if term.kind not in ("boolean", "any"):
            raise TidingsError(f"this is {_a(term.kind)}, not a condition", "compare it with something, such as >= 3")
        # DuckDB takes no parameter that the statement does not use, such as an amount in major units.
        self.parameters = {name: value for name, value in self.parameters.items() if f"${name}" in term.sql}
        return term.sql

    def term(self, node: exp.Expr) -> Term:
        """One node and what is below it."""
        name = type(node).__name__
        writer = _WRITERS.get(name)
        if writer is None:
            fix = f"compare columns with =, <, >, in, like, between; functions: {', '.join(FUNCTIONS)}"
            raise TidingsError(f"{called(node)} is not allowed in a condition", fix)
        return writer(self, node)

    def bind(self, value: Value) -> str:
        """The placeholder of a value; equal values share one."""
        kind = type(value).__name__
        name = f"p_{hashlib.blake2b(f'{kind} {value!r}'.encode(), digest_size=8).hexdigest()}"
        self.parameters[name] = value
        return f"${name}"

    # One writer a shape of node. Each names the parts it reads; a part it does not know is refused in `parts_of`.

    def _paren(self, node: exp.Expr) -> Term:
        inner = self.term(parts_of(node, "this")["this"])
        return Term(f"({inner.sql})", inner.kind, inner.literal)

    def _column(self, node: exp.Expr) -> Term:
        written = str(parts_of(node, "this")["this"].this)
        columns = {column.lower(): column for column in self.scope.columns}
        found = columns.get(written.lower())
        if found is not None:
            return Term(quoted(found), self.scope.columns[found])
        if self.scope.open and "__" not in written:
            return Term(quoted(written), "any")
        raise TidingsError(f"there is no column {written!r}", did_you_mean(written, list(self.scope.columns)))

    def _literal(self, node: exp.Expr) -> Term:
        if node.args["is_string"]:
            return self._value(str(node.this), "text")
        return self._value(to_number(str(node.this)), "number")

    def _truth(self, node: exp.Expr) -> Term:
        return Term("TRUE" if node.this else "FALSE", "boolean")

    def _null(self, node: exp.Expr) -> Term:
        return Term("NULL", "null")

    def _value(self, value: Value, kind: Kind) -> Term:
        return Term(self.bind(value), kind, value)

    def _joined(self, node: exp.Expr) -> Term:
        parts = parts_of(node, "this", "expression")
        left, right = (self._truthy(self.term(part)) for part in parts.values())
        return Term(f"({left} {JOIN[type(node).__name__]} {right})", "boolean")

    def _not(self, node: exp.Expr) -> Term:
        return Term(f"(NOT {self._truthy(self.term(parts_of(node, 'this')['this']))})", "boolean")

    def _compare(self, node: exp.Expr) -> Term:
        parts = parts_of(node, "this", "expression")
        left, right = self._alike([self.term(part) for part in parts.values()])
        self._known(left, right)
        return Term(f"({left.sql} {COMPARE[type(node).__name__]} {right.sql})", "boolean")

    def _between(self, node: exp.Expr) -> Term:
        parts = parts_of(node, "this", "low", "high")
        value, low, high = self._alike([self.term(part) for part in parts.values()])
        self._known(value, low, high)
        return Term(f"({value.sql} BETWEEN {low.sql} AND {high.sql})", "boolean")

    def _in(self, node: exp.Expr) -> Term:
        parts = parts_of(node, "this", maybe=("expressions",))
        value, *choices = self._alike([self.term(part) for part in (parts["this"], *parts.get("expressions", []))])
        if not choices or any(choice.literal is None for choice in choices):
            raise TidingsError("IN takes a list of values", "write level in ('loyal', 'repeat')")
        return Term(f"({value.sql} IN ({', '.join(choice.sql for choice in choices)}))", "boolean")

    def _is(self, node: exp.Expr) -> Term:
        parts = parts_of(node, "this", "expression")
        left, right = (self.term(part) for part in parts.values())
        if right.kind == "boolean" and right.sql in ("TRUE", "FALSE"):
            self._truthy(left)
        elif right.kind != "null":
            raise TidingsError("IS takes NULL, TRUE or FALSE", "compare other values with =")
        return Term(f"({left.sql} IS {right.sql})", "boolean")

    def _like(self, node: exp.Expr) -> Term:
        parts = parts_of(node, "this", "expression", maybe=("negate",))
        left, right = self.term(parts["this"]), self.term(parts["expression"])
        _expect("text", left, right)
        word = ("NOT " if parts.get("negate") else "") + ALIKE[type(node).__name__]
        return Term(f"({left.sql} {word} {right.sql})", "boolean")

    def _sum(self, node: exp.Expr) -> Term:
        parts = parts_of(node, "this", "expression")
        left, right = self._alike([self.term(part) for part in parts.values()])
        _expect(("number", "money"), left, right)
        return Term(f"({left.sql} {SUM[type(node).__name__]} {right.sql})", _first_kind(left, right))

    def _mul(self, node: exp.Expr) -> Term:
        left, right = (self.term(part) for part in parts_of(node, "this", "expression").values())
        _expect(("number", "money"), left, right)
        if left.kind == right.kind == "money":
            raise TidingsError("money times money is nothing", "multiply by a number")
        kind: Kind = "money" if "money" in (left.kind, right.kind) else "number"
        return Term(f"({left.sql} * {right.sql})", kind)

    def _div(self, node: exp.Expr) -> Term:
        parts = parts_of(node, "this", "expression", maybe=("typed", "safe"))
        left, right = self.term(parts["this"]), self.term(parts["expression"])
        _expect(("number", "money"), left, right)
        if right.kind == "money" and left.kind != "money":
            raise TidingsError("a number divided by money is nothing", "divide money by money, or by a number")
        kind: Kind = "money" if left.kind == "money" and right.kind != "money" else "number"
        # What is divided by nothing is unknown, and an unknown condition does not hold; DuckDB would say infinity.
        return Term(f"(CAST({left.sql} AS DOUBLE) / nullif({right.sql}, 0))", kind)

    def _neg(self, node: exp.Expr) -> Term:
        inner = self.term(parts_of(node, "this")["this"])
        _expect(("number", "money"), inner)
        if isinstance(inner.literal, (int, Decimal)):
            return self._value(-inner.literal, inner.kind)
        return Term(f"(-{inner.sql})", inner.kind)

    def _same(self, node: exp.Expr) -> Term:
        parts = parts_of(node, "this", maybe=("expressions", "expression", "ignore_nulls"))
        others = [*parts.get("expressions", []), *([parts["expression"]] if "expression" in parts else [])]
        terms = self._alike([self.term(part) for part in (parts["this"], *others)])
        name = SAME[type(node).__name__]
        return Term(f"{name}({', '.join(term.sql for term in terms)})", _first_kind(*terms))

    def _textual(self, node: exp.Expr) -> Term:
        inner = self.term(parts_of(node, "this")["this"])
        _expect("text", inner)
        name, kind = TEXTUAL[type(node).__name__]
        return Term(f"{name}({inner.sql})", kind)

    def _numeric(self, node: exp.Expr) -> Term:
        name = NUMERIC[type(node).__name__]
        inner = self.term(parts_of(node, "this")["this"])
        _expect(("number", "money") if name == "abs" else "number", inner)
        return Term(f"{name}({inner.sql})", inner.kind)

    def _cast(self, node: exp.Expr) -> Term:
        """`date '2026-11-22'` and `timestamp '…'`: the text decides, the column it meets says which it is."""
        inner = node.this
        if type(inner).__name__ != "Literal" or not inner.args["is_string"]:
            raise TidingsError("a cast is not allowed in a condition", "compare with a value of the column's kind")
        return self._value(str(inner.this), "text")

    def _function(self, node: exp.Expr) -> Term:
        """Only `300 USD`, which `_parse` has turned into a call of its own."""
        if node.name != AMOUNT or len(node.expressions) != 1:
            raise TidingsError(f"there is no function {node.name!r}", did_you_mean(node.name, FUNCTIONS))
        amount = self.term(node.expressions[0])
        _expect("number", amount)
        return self._money(amount)

    def _alike(self, terms: Sequence[Term]) -> list[Term]:
        """The terms in one kind: numbers beside money are major units, text beside a time is a time."""
        kinds = {term.kind for term in terms} - {"null", "any"}
        if kinds == {"number", "money"}:
            if all(term.literal is not None for term in terms if term.kind == "money"):
                raise TidingsError("an amount of money is compared with a plain number", "leave out the currency")
            return [self._money(term) if term.kind == "number" else term for term in terms]
        for kind in ("time", "date"):
            if kinds == {kind, "text"} and all(t.literal is not None for t in terms if t.kind == "text"):
                return [self._moment(term, kind) if term.kind == "text" else term for term in terms]
        if len(kinds) > 1 and kinds != {"time", "date"}:
            first, second, *_ = sorted(kinds)
            fix = "put text in quotes and numbers without" if "text" in kinds else "compare things of one kind"
            raise TidingsError(f"{_a(first)} is compared with {_a(second)}", fix)
        return list(terms)

    def _money(self, term: Term) -> Term:
        """A number of major units as minor units."""
        if isinstance(term.literal, (int, Decimal)) and not isinstance(term.literal, bool):
            scaled = Decimal(term.literal).scaleb(self.scope.exponent)
            return self._value(int(scaled) if scaled == scaled.to_integral_value() else scaled, "money")
        return Term(f"({term.sql} * {10**self.scope.exponent})", "money")

    def _moment(self, term: Term, kind: Literal["time", "date"]) -> Term:
        text = str(term.literal)
        if kind == "time":
            return self._value(parse_at(text, self.scope.timezone), "time")
        try:
            return self._value(date.fromisoformat(text), "date")
        except ValueError as error:
            raise TidingsError(f"{text!r} is not a date", "write '2026-11-22'") from error

    def _truthy(self, term: Term) -> str:
        _expect("boolean", term)
        return term.sql

    def _known(self, *terms: Term) -> None:
        if any(term.kind == "null" for term in terms):
            raise TidingsError("nothing is equal to NULL, nor unequal", 'write IS NULL, or: not: "... IS NULL"')


_WRITERS: dict[str, Callable[[Expression, Any], Term]] = {
    "Paren": Expression._paren,
    "Column": Expression._column,
    "Literal": Expression._literal,
    "Boolean": Expression._truth,
    "Null": Expression._null,
    "Not": Expression._not,
    "Between": Expression._between,
    "In": Expression._in,
    "Is": Expression._is,
    "Mul": Expression._mul,
    "Div": Expression._div,
    "Neg": Expression._neg,
    "Cast": Expression._cast,
    "Anonymous": Expression._function,
    **dict.fromkeys(JOIN, Expression._joined),
    **dict.fromkeys(COMPARE, Expression._compare),
    **dict.fromkeys(ALIKE, Expression._like),
    **dict.fromkeys(SUM, Expression._sum),
    **dict.fromkeys(SAME, Expression._same),
    **dict.fromkeys(TEXTUAL, Expression._textual),
    **dict.fromkeys(NUMERIC, Expression._numeric),
}


def _expect(kinds: str | Sequence[str], *terms: Term) -> None:
    allowed = (kinds,) if isinstance(kinds, str) else kinds
    for term in terms:
        if term.kind not in (*allowed, "any"):
            wanted = " or ".join(_a(kind) for kind in allowed)
            raise TidingsError(f"{_a(term.kind)} stands where {wanted} belongs", "check what the columns hold")


def _first_kind(*terms: Term) -> Kind:
    return next((term.kind for term in terms if term.kind not in ("null", "any")), terms[0].kind)


def _a(kind: str) -> str:
    named = {"money": "money", "text": "text", "null": "NULL", "boolean": "a condition", "any": "something"}
    return named.get(kind, f"a {kind}")
