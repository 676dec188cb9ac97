"""The other built-in sections: the last plan as a waterfall, messages by state, what figures leave out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidings.model.counts import MeasureShape, PlanCounts
from tidings.model.seams import ReportSection, SectionContent
from tidings.reports.charts import fallen_away, waterfall_chart
from tidings.reports.facts import last_accepted
from tidings.reports.markup import Block, Bullets, Cell, Figure, Paragraph, Table, Verdict, compose
from tidings.reports.reader import Reader

STATES = ("accepted", "planned", "sending", "in_doubt", "refused", "skipped", "expired")


class WaterfallSection(ReportSection):
    """Who fell away where in the last plan."""

    name = "waterfall"
    order = 20

    def build(self, facts: Mapping[str, Any]) -> SectionContent:
        reader: Reader = facts["reader"]
        if not facts["plans"]:
            return compose(reader.say("plan_none"), [Paragraph(reader.say("plan_none_body"))])
        plan = facts["plans"][-1]
        counts: PlanCounts = plan["counts"]
        occasion = _occasion(plan, reader)
        if not counts.considered:
            body = reader.say("plan_empty_body", occasion=occasion)
            return compose(reader.say("plan_empty"), [Paragraph(body)])
        accepted = last_accepted(facts)
        chart = waterfall_chart(counts, reader, _occasion(plan, facts["pen"]), accepted, pen=facts["pen"])
        blocks: list[Block] = [Paragraph(_most_often(counts, occasion, reader))]
        if counts.withheld:
            said = reader.say("withheld_body", number=counts.withheld, n=reader.count(counts.withheld))
            blocks.append(Paragraph(said))
        blocks.append(Figure(chart, _lines(counts, accepted, reader)))
        title = reader.say(
            "plan_title",
            number=counts.considered,
            planned=reader.count(counts.planned),
            considered=reader.count(counts.considered),
        )
        return compose(title, blocks)


class MessagesSection(ReportSection):
    """What became of the campaign's messages."""

    name = "messages"
    order = 30

    def build(self, facts: Mapping[str, Any]) -> SectionContent:
        reader: Reader = facts["reader"]
        states = {state: n for state, n in facts["states"].items() if n}
        withheld = states.pop("withheld", 0)
        total = sum(states.values())
        if not total:
            return compose(reader.say("messages_none"), [Paragraph(reader.say("messages_none_body"))])
        ordered = [*(state for state in STATES if state in states), *sorted(set(states) - set(STATES))]
        blocks: list[Block] = []
        if doubt := states.get("in_doubt"):
            said = reader.say("messages_doubt", number=doubt, n=reader.count(doubt))
            blocks += [Verdict("watch", said), Paragraph(reader.say("messages_doubt_body"))]
        rows = [(Cell(_state(state, reader)), [Cell(reader.count(states[state]))]) for state in ordered]
        blocks.append(Table([reader.say("messages")], rows))
        if withheld:
            blocks.append(Paragraph(reader.say("messages_withheld", n=reader.count(withheld)), muted=True))
        accepted, all_ = reader.count(states.get("accepted", 0)), reader.count(total)
        return compose(reader.say("messages_title", number=total, accepted=accepted, total=all_), blocks)


class LeftOutSection(ReportSection):
    """What the numbers do not say, said where they stand."""

    name = "left_out"
    order = 90

    def build(self, facts: Mapping[str, Any]) -> SectionContent:
        reader: Reader = facts["reader"]
        measure: MeasureShape | None = facts["measure"]
        rows = {reason: n for reason, n in (facts.get("quarantined") or {}).items() if n}
        aside = ", ".join(f"{reason} {reader.count(n)}" for reason, n in rows.items())
        items = [reader.say("left_out_rows", rows=aside) if rows else reader.say("left_out_clean")]
        if measure is not None:
            window = reader.say("left_out_window", days=reader.number(measure.window_days))
            items = [reader.say("left_out_costs"), reader.say("left_out_claimed"), window, *items]
        return compose(reader.say("left_out"), [Bullets(items)])


def _occasion(plan: Mapping[str, Any], reader: Reader) -> str:
    occasion, step = str(plan["occasion"]), plan.get("step")
    return reader.say("plan_step", occasion=occasion, step=str(step)) if step else occasion


def _most_often(counts: PlanCounts, occasion: str, reader: Reader) -> str:
    reasons = {code: n for code, n in counts.reasons.items() if n}
    if not reasons:
        return reader.say("plan_body_all", occasion=occasion)
    code = max(reasons, key=lambda code: reasons[code])
    return reader.say("plan_body", occasion=occasion, reason=reader.reason(code), n=reader.count(reasons[code]))


def _lines(counts: PlanCounts, accepted: int | None, reader: Reader) -> list[str]:
    """The waterfall for a reader of plain text."""
    bars = [
        (reader.say("considered"), counts.considered),
        *((f"- {label}", n) for label, n in fallen_away(counts, reader)),
        (reader.say("planned"), counts.planned),
    ]
    if accepted is not None:
        bars.append((reader.say("accepted"), accepted))
    return [f"{label}: {reader.count(n)}" for label, n in bars]


def _state(state: str, reader: Reader) -> str:
    return reader.say(f"state_{state}") if f"state_{state}" in reader.words else state
