"""The numbers of a report as CSV files: in full, without formatting, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tidings.model.counts import MeasureShape
from tidings.model.money import exponent
from tidings.reports.reader import Reader
from tidings.reports.reasons import in_gate_order

Value = str | int | float | Decimal | None

# A spreadsheet runs a cell that opens with one of these, after blanks and in Chinese wide forms too.
_RUNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "|", "%")  # fmt: skip


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    """CSV with a byte order mark, so that a spreadsheet reads Vietnamese and Chinese.

    Text that a spreadsheet would run gets an apostrophe before it (R51); numbers stay numbers.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([_safe(name) for name in header])
    writer.writerows([_safe(value) for value in row] for row in rows)
    return file.getvalue().encode("utf-8-sig")


def report_sheets(facts: Mapping[str, Any]) -> dict[str, bytes]:
    """File name → CSV: the result, the plans reason by reason, the messages by state."""
    reader: Reader = facts["reader"]
    measure: MeasureShape | None = facts["measure"]
    states: Mapping[str, int] = facts["states"]
    figures = _result(measure, facts) if measure else ()
    return {
        "result.csv": csv_bytes(("figure", "unit", "value", "low", "high", "confidence"), figures),
        "plans.csv": csv_bytes(("occasion", "step", "decision", "reason", "meaning", "people"), _plans(facts, reader)),
        "messages.csv": csv_bytes(("state", "messages"), states.items()),
    }


def _safe(value: Value) -> Value:
    if isinstance(value, str) and (value.lstrip().startswith(_RUNS) or value[:1] in ("\t", "\r", "\n", "\0")):
        return f"'{value}"
    return value


def _result(measure: MeasureShape, facts: Mapping[str, Any]) -> Iterator[Sequence[Value]]:
    currency: str = facts["currency"]
    digits = exponent(currency)

    def major(minor: float) -> Decimal:
        return Decimal(repr(minor)).scaleb(-digits)

    for arm in measure.arms:
        yield f"{arm.arm}_persons", "persons", arm.persons, None, None, None
        yield f"{arm.arm}_converted", "persons", arm.converted, None, None, None
        yield f"{arm.arm}_orders", "orders", arm.orders, None, None, None
        yield f"{arm.arm}_value", currency, major(arm.value), None, None, None
    for name, unit, estimate in (
        ("conversion_lift", "difference of shares", measure.conversion_lift),
        ("caused_buyers", "persons", measure.caused_buyers),
        ("caused_orders", "orders", measure.caused_orders),
    ):
        if estimate is not None:
            yield name, unit, estimate.value, estimate.low, estimate.high, measure.confidence
    for name, unit, estimate in (
        ("value_lift", f"{currency} a person", measure.value_lift),
        ("caused_value", currency, measure.caused_value),
    ):
        if estimate is not None:
            numbers = (major(number) for number in (estimate.value, estimate.low, estimate.high))
            yield name, unit, *numbers, measure.confidence
    yield "claimed_orders", "orders", measure.claimed_orders, None, None, None
    yield "claimed_value", currency, major(measure.claimed_value), None, None, None
    if facts.get("true_effect") is not None:
        yield "true_effect", "difference of shares", facts["true_effect"], None, None, None


def _plans(facts: Mapping[str, Any], reader: Reader) -> Iterator[Sequence[Value]]:
    for plan in facts["plans"]:
        counts, place = plan["counts"], (str(plan["occasion"]), plan.get("step"))
        yield *place, "considered", None, reader.say("considered"), counts.considered
        for code, n in in_gate_order(counts.reasons):
            yield *place, "no", code, reader.reason(code), n
        yield *place, "withheld", "holdout", reader.reason("holdout"), counts.withheld
        yield *place, "planned", None, reader.say("planned"), counts.planned
