"""The charts of a campaign's report: who fell away where, and what the campaign caused."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.model.counts import Estimate, PlanCounts
from tidings.model.seams import Chart
from tidings.reports.canvas import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    SKY,
    VERMILLION,
    WIDTH,
    Sheet,
    chinese_font,
)
from tidings.reports.reader import Reader
from tidings.reports.reasons import in_gate_order

MARGIN = 8.0
INNER = WIDTH - 2 * MARGIN
TITLE, SUBTITLE, LABEL = 17.0, 14.0, 15.0
MOST_REASONS = 8


def waterfall_chart(
    counts: PlanCounts,
    reader: Reader,
    occasion: str,
    accepted: int | None = None,
    *,
    pen: Reader | None = None,
) -> Chart:
    """From everybody considered to everybody planned, and every reason between; bars in people, from zero.

    `accepted`, where known, is a last bar. `pen` writes the picture (see `chart_reader`), `reader` the
    alternative text.
    """
    pen = pen or reader
    with Sheet(2000, pen.language) as sheet:
        y = _heading(
            sheet,
            pen.say("waterfall_title", share=pen.share(counts.planned, counts.considered)),
            pen.say("waterfall_subtitle", occasion=occasion, n=pen.count(counts.considered)),
        )
        for label, n, start, colour in _bars(counts, pen, accepted):
            y = _row(sheet, y + 8, label, pen.count(n), start / counts.considered, n / counts.considered, colour)
        png = sheet.png(y)
    return Chart("waterfall", png, waterfall_alt(counts, reader, accepted))


def lift_chart(
    estimate: Estimate,
    reader: Reader,
    arms: tuple[int, int],
    confidence: float,
    true_effect: float | None = None,
    *,
    pen: Reader | None = None,
) -> Chart:
    """The lift as a point on its interval, with the zero line drawn and, where known, the true effect.

    `estimate` and `true_effect` are differences of shares; `arms` the people treated and held out.
    """
    pen = pen or reader
    n_t, n_c = (pen.count(n) for n in arms)
    state = verdict(estimate)
    # "lowered by 3 points": the word carries the sign.
    said = pen.spoken_points(estimate if state != "bad" else _turned(estimate))
    with Sheet(600, pen.language) as sheet:
        y = _heading(
            sheet,
            pen.say(f"lift_title_{state}", value=said.value, interval=said.interval),
            pen.say("lift_subtitle", confidence=pen.confidence(confidence), n_t=n_t, n_c=n_c),
        )
        y = _interval(sheet, y, estimate, true_effect, pen)
        png = sheet.png(y)
    return Chart("lift", png, _lift_alt(estimate, reader, arms, confidence, true_effect))


def verdict(estimate: Estimate) -> str:
    """`good`, `bad`, or `watch` where the interval holds zero."""
    if estimate.low > 0:
        return "good"
    return "bad" if estimate.high < 0 else "watch"


def chart_reader(reader: Reader, english: Reader) -> Reader:
    """Who can be written for in a picture: English where no installed font holds the reader's script."""
    return english if reader.language == "zh" and chinese_font() is None else reader


def waterfall_alt(counts: PlanCounts, reader: Reader, accepted: int | None = None) -> str:
    """The waterfall in a sentence, every number in it."""
    fallen = [f"{label} {reader.count(n)}" for label, n in fallen_away(counts, reader)]
    considered, planned = reader.count(counts.considered), reader.count(counts.planned)
    key = "waterfall_alt" if fallen else "waterfall_alt_all"
    sentence = reader.say(key, considered=considered, planned=planned, reasons=", ".join(fallen))
    if accepted is None:
        return sentence
    return f"{sentence} {reader.say('waterfall_alt_accepted', accepted=reader.count(accepted))}"


def fallen_away(counts: PlanCounts, reader: Reader) -> list[tuple[str, int]]:
    """Every reason that held somebody back, in the order of the gates, and the held out after them."""
    reasons = [(reader.reason(code), n) for code, n in in_gate_order(counts.reasons) if n]
    return [*reasons, (reader.reason("holdout"), counts.withheld)] if counts.withheld else reasons


def _bars(counts: PlanCounts, reader: Reader, accepted: int | None) -> Iterator[tuple[str, int, int, str]]:
    """Label, people, the number at which the bar starts, colour."""
    yield reader.say("considered"), counts.considered, 0, BLUE
    left, held_out = counts.considered, reader.reason("holdout")
    for label, n in _drawn(fallen_away(counts, reader), reader):
        left -= n
        yield label, n, left, SKY if label == held_out else ORANGE
    yield reader.say("planned"), counts.planned, 0, BLUE
    if accepted is not None:
        yield reader.say("accepted"), accepted, 0, GREEN


def _drawn(fallen: list[tuple[str, int]], reader: Reader) -> list[tuple[str, int]]:
    """The largest reasons in their order, the smallest together in one bar; text and CSV keep them apart."""
    held_out = reader.reason("holdout")
    reasons = [(label, n) for label, n in fallen if label != held_out]
    if len(reasons) > MOST_REASONS:
        # By place as well, so that of two equal numbers exactly one is dropped.
        by_size = sorted(range(len(reasons)), key=lambda place: (-reasons[place][1], place))
        large, small = by_size[: MOST_REASONS - 1], by_size[MOST_REASONS - 1 :]
        others = reader.say("other_reasons", n=reader.count(len(small)))
        reasons = [reasons[place] for place in sorted(large)] + [(others, sum(reasons[p][1] for p in small))]
    return [*reasons, *((label, n) for label, n in fallen if label == held_out)]


def _heading(sheet: Sheet, title: str, subtitle: str) -> float:
    y = sheet.paragraph(MARGIN, 8 + TITLE, title, INNER, size=TITLE, bold=True)
    y = sheet.paragraph(MARGIN, y - 4, subtitle, INNER, size=SUBTITLE, colour=MUTED)
    return y + 8


def _row(sheet: Sheet, y: float, label: str, number: str, start: float, length: float, colour: str) -> float:
    """A label, its number at the right, and the bar beneath; where the next row begins."""
    sheet.write(WIDTH - MARGIN, y, number, size=LABEL, bold=True, align="right")
    room = INNER - sheet.width_of(number, size=LABEL, bold=True) - 16
    y = sheet.paragraph(MARGIN, y, label, room, size=LABEL) - LABEL * 1.5 + 8
    # A pixel at least: one person among a million is still somebody.
    sheet.bar(MARGIN + INNER * start, y, max(INNER * length, 1), 8, colour)
    return y + 8 + 16


def _interval(sheet: Sheet, y: float, estimate: Estimate, true_effect: float | None, pen: Reader) -> float:
    """The interval and the zero line beneath the baseline `y`; the height of the picture."""
    shown = [estimate.low, estimate.high, 0.0, *([] if true_effect is None else [true_effect])]
    low, high = min(shown), max(shown)
    spread = (high - low) or 1.0

    def at(value: float) -> float:
        return MARGIN + 56 + (value - low) / spread * (INNER - 112)

    axis = y + 32
    bottom = axis + (80 if true_effect is None else 104)
    sheet.line((at(0), at(0)), (y - 4, bottom - 24), INK, 1.5)
    sheet.line((at(estimate.low), at(estimate.high)), (axis, axis), BLUE, 4)
    sheet.mark(at(estimate.value), axis, "o", 14, BLUE)
    spoken = pen.spoken_points(estimate)
    _label(sheet, at(estimate.value), axis - 16, spoken.value, bold=True)
    _label(sheet, at(estimate.low), axis + 28, spoken.low)
    _label(sheet, at(estimate.high), axis + 28, spoken.high)
    if true_effect is not None:
        x = at(true_effect)
        sheet.line((x, x), (axis, axis + 44), VERMILLION, 1.5, dashed=True)
        sheet.mark(x, axis, "D", 9, VERMILLION, hollow=True)
        _label(sheet, x, axis + 60, pen.say("true_effect", points=pen.points(true_effect)), colour=VERMILLION)
    _label(sheet, at(0), bottom - 4, pen.say("no_effect"), colour=MUTED)
    return bottom + 8


def _label(sheet: Sheet, x: float, y: float, words: str, *, bold: bool = False, colour: str = INK) -> None:
    """Words centred on `x`, moved inwards where they would leave the sheet."""
    half = sheet.width_of(words, size=LABEL, bold=bold) / 2
    inside = min(max(x, MARGIN + half), WIDTH - MARGIN - half)
    sheet.write(inside, y, words, size=LABEL, bold=bold, colour=colour, align="center", clear=True)


def _turned(estimate: Estimate) -> Estimate:
    return Estimate(value=-estimate.value, low=-estimate.high, high=-estimate.low)


def _lift_alt(
    estimate: Estimate, reader: Reader, arms: tuple[int, int], confidence: float, true_effect: float | None
) -> str:
    spoken = reader.spoken_points(estimate)
    n_t, n_c = (reader.count(n) for n in arms)
    level = reader.confidence(confidence)
    alt = reader.say("lift_alt", value=spoken.value, interval=spoken.interval, confidence=level, n_t=n_t, n_c=n_c)
    if true_effect is None:
        return alt
    return f"{alt} {reader.say('lift_alt_true', points=reader.points(true_effect))}"
