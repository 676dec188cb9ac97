"""The first section of a report: what the campaign caused, beside what it claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from tidings.measurement.lift import smallest_detectable
from tidings.model.campaign import Campaign
from tidings.model.counts import ArmResult, Estimate, MeasureShape, Split
from tidings.model.seams import ReportSection, SectionContent
from tidings.reports.charts import lift_chart, verdict
from tidings.reports.markup import Block, Cell, Figure, Paragraph, Table, Verdict, compose
from tidings.reports.reader import Reader

MISMATCH = 0.001


class ResultSection(ReportSection):
    """Caused and claimed, the interval as a picture, and the two groups; or why there is no causal figure."""

    name = "result"
    order = 10

    def build(self, facts: Mapping[str, Any]) -> SectionContent:
        reader: Reader = facts["reader"]
        measure: MeasureShape | None = facts["measure"]
        if measure is None:
            return compose(reader.say("result_no_goal"), [Paragraph(reader.say("result_no_goal_body"))])
        missing = why_no_figure(facts["campaign"], measure)
        if measure.conversion_lift is not None and measure.caused_buyers is not None and missing is None:
            title, blocks = _figure(facts, measure, measure.conversion_lift, measure.caused_buyers)
        else:
            title = reader.say(f"result_{missing}")
            days = reader.number(measure.window_days)
            blocks = [Paragraph(reader.say(f"result_{missing}_body", days=days))]
        if measure.matured:
            blocks += [
                _caused_and_claimed(measure, reader),
                _groups(measure, reader),
                Paragraph(reader.say("intention"), muted=True),
            ]
        return compose(title, blocks)


def why_no_figure(campaign: Campaign, measure: MeasureShape) -> str | None:
    """Why nothing causal can be said: `no_holdout`, `early`, `empty_arm`; None where it can."""
    if measure.conversion_lift is not None:
        return None if measure.matured else "early"
    if campaign.holdout is None:
        return "no_holdout"
    return "empty_arm" if measure.matured else "early"


def subject(facts: Mapping[str, Any]) -> str:
    """The subject line: the campaign and its finding, the interval included."""
    reader: Reader = facts["reader"]
    campaign: Campaign = facts["campaign"]
    measure: MeasureShape | None = facts["measure"]
    missing = why_no_figure(campaign, measure) if measure else "no_goal"
    if measure is None or measure.caused_buyers is None or missing is not None:
        return reader.say("subject_early" if missing == "early" else "subject_nothing", title=campaign.title)
    spoken = reader.spoken_number(measure.caused_buyers)
    number = round(measure.caused_buyers.value)
    return reader.say(
        "subject_effect", number=number, title=campaign.title, value=spoken.value, interval=spoken.interval
    )


def _figure(
    facts: Mapping[str, Any], measure: MeasureShape, lift: Estimate, caused: Estimate
) -> tuple[str, list[Block]]:
    """Title and blocks where both groups hold people."""
    reader: Reader = facts["reader"]
    true_effect: float | None = facts.get("true_effect")
    treated, control = _arm(measure, "treated"), _arm(measure, "control")
    state = cast("Literal['good', 'watch', 'bad']", verdict(lift))
    people, points = reader.spoken_number(caused), reader.spoken_points(lift)
    title = reader.say(f"result_{state}", number=round(caused.value), value=people.value, interval=people.interval)
    body = reader.say(
        "result_body",
        n_t=reader.count(treated.persons),
        n_c=reader.count(control.persons),
        share_t=reader.share(treated.converted, treated.persons),
        share_c=reader.share(control.converted, control.persons),
        days=reader.number(measure.window_days),
        lift=points.value,
        interval=points.interval,
        confidence=reader.confidence(measure.confidence),
    )
    arms = (treated.persons, control.persons)
    chart = lift_chart(lift, reader, arms, measure.confidence, true_effect, pen=facts["pen"])
    blocks: list[Block] = [Verdict(state, reader.say(state)), Paragraph(body), Figure(chart)]
    notes = [
        _detectable(measure, treated, control, reader) if state == "watch" else None,
        _true_effect(lift, true_effect, reader),
        reader.say("strata", n=reader.count(measure.strata)) if measure.strata > 1 else None,
        _mismatch(measure.split, treated, control, reader),
    ]
    return title, [*blocks, *(Paragraph(note) for note in notes if note)]


def _arm(measure: MeasureShape, name: str) -> ArmResult:
    return next(arm for arm in measure.arms if arm.arm == name)


def _detectable(measure: MeasureShape, treated: ArmResult, control: ArmResult, reader: Reader) -> str | None:
    base = control.converted / control.persons
    if base == 1.0:
        return None
    rise = smallest_detectable(treated.persons, control.persons, base, confidence=measure.confidence)
    return None if rise is None else reader.say("detectable", points=reader.points(rise))


def _true_effect(lift: Estimate, true_effect: float | None, reader: Reader) -> str | None:
    if true_effect is None:
        return None
    held = "true_effect_held" if lift.low <= true_effect <= lift.high else "true_effect_missed"
    return reader.say(held, points=reader.points(true_effect))


def _mismatch(split: Split | None, treated: ArmResult, control: ArmResult, reader: Reader) -> str | None:
    if split is None or split.p_value >= MISMATCH:
        return None
    return reader.say(
        "mismatch",
        n_c=reader.count(control.persons),
        n=reader.count(treated.persons + control.persons),
        expected=reader.count(round(split.expected)),
        p=reader.number(MISMATCH),
    )


def _caused_and_claimed(measure: MeasureShape, reader: Reader) -> Table:
    """The two figures side by side; what is not known says so."""
    orders = value = Cell(reader.say("not_known"))
    if measure.caused_orders is not None:
        spoken = reader.spoken_number(measure.caused_orders)
        orders = Cell(_orders(round(measure.caused_orders.value), spoken.value, reader), spoken.interval)
    if measure.caused_value is not None:
        spoken = reader.spoken_money(measure.caused_value)
        value = Cell(spoken.value, spoken.interval)
    claimed = _orders(measure.claimed_orders, reader.count(measure.claimed_orders), reader)
    return Table(
        head=("", reader.say("order_value")),
        rows=(
            (Cell(reader.say("caused"), reader.say("caused_note")), (orders, value)),
            (
                Cell(reader.say("claimed"), reader.say("claimed_note")),
                (Cell(claimed), Cell(reader.money(measure.claimed_value))),
            ),
        ),
    )


def _orders(number: int, n: str, reader: Reader) -> str:
    return reader.say("orders", number=number, n=n)


def _groups(measure: MeasureShape, reader: Reader) -> Table:
    """The arms, one a column; an arm without people has no column."""
    arms = [arm for arm in measure.arms if arm.persons]
    heads = {"treated": reader.say("in_campaign"), "control": reader.say("held_out")}

    def row(key: str, *cells: Cell) -> tuple[Cell, tuple[Cell, ...]]:
        return Cell(reader.say(key)), cells

    return Table(
        head=[heads[arm.arm] for arm in arms],
        rows=(
            row("row_people", *(Cell(reader.count(arm.persons)) for arm in arms)),
            row(
                "row_buyers",
                *(Cell(reader.count(arm.converted), reader.share(arm.converted, arm.persons)) for arm in arms),
            ),
            row("row_orders", *(Cell(reader.count(arm.orders)) for arm in arms)),
            row("row_value", *(Cell(reader.money(arm.value)) for arm in arms)),
            row("row_mean", *(Cell(reader.money(round(arm.value / arm.persons))) for arm in arms)),
        ),
    )
