"""Charts carry their numbers in the alternative text, and stay small."""

import io
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from tests.reports.conftest import COUNTS, needs_chinese
from tidings.model.counts import Estimate, PlanCounts
from tidings.reports.canvas import BLUE, GREEN, ORANGE, SKY, VERMILLION
from tidings.reports.charts import chart_reader, fallen_away, lift_chart, verdict, waterfall_chart
from tidings.reports.reader import Reader, load_reader
from tidings.reports.reasons import REASONS

LIFT = Estimate(value=0.0321, low=0.0110, high=0.0532)
MOST = 60 * 1024


def colours(png: bytes) -> set[str]:
    """The colours of which a picture holds an area, not just the edge of a letter."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    letters = picture.tobytes().hex().upper()
    counted = Counter(letters[place : place + 6] for place in range(0, len(letters), 6))
    return {f"#{colour}" for colour, n in counted.items() if n > 60}


def near(colour: str, found: set[str]) -> bool:
    """Whether a colour is there, give or take the reduction of the palette."""
    wanted = bytes.fromhex(colour[1:])
    return any(max(abs(a - b) for a, b in zip(wanted, bytes.fromhex(other[1:]), strict=True)) <= 12 for other in found)


def test_waterfall_says_every_number(english: Reader) -> None:
    """The alternative text names everybody considered, each reason that held somebody, and the planned."""
    chart = waterfall_chart(COUNTS, english, "2026-11-22", accepted=1190)
    assert chart.name == "waterfall"
    assert chart.alt == (
        "Of 4,938 people considered: Not in the audience 2,774, Excluded by the campaign 120, "
        "No address 203, No consent for this purpose 236, Held out, to measure the effect 402; "
        "planned 1,203. Accepted by the provider: 1,190."
    )
    assert [near(colour, colours(chart.png)) for colour in (BLUE, ORANGE, SKY, GREEN)] == [True] * 4


def test_waterfall_without_reasons(english: Reader) -> None:
    """Where everybody was planned there is nothing to enumerate."""
    counts = PlanCounts(considered=7, planned=7, withheld=0, reasons={"excluded": 0})
    assert fallen_away(counts, english) == []
    assert waterfall_chart(counts, english, "once").alt == "Of 7 people considered, all 7 were planned."


@pytest.mark.parametrize("language", ["en", "vi", "zh"])
def test_the_largest_waterfall_is_small(root: Path, language: str) -> None:
    """Every reason there is, and four long names of plugins: under 60 KB, and no number lost in the words."""
    codes = [code for code in REASONS["en"] if code not in ("plugin", "holdout")]
    codes += [f"plugin:a_rather_long_company_rule_{n}" for n in range(4)]
    reasons = {code: 1000 - n for n, code in enumerate(reversed(codes))}
    counts = PlanCounts(considered=sum(reasons.values()) + 1500, planned=1200, withheld=300, reasons=reasons)
    reader = load_reader(root, language, "USD")
    pen = chart_reader(reader, load_reader(root, "en", "USD"))
    chart = waterfall_chart(counts, reader, "2026-11-22", 1100, pen=pen)
    assert len(chart.png) <= MOST
    assert [code for code in codes if reader.reason(code) not in chart.alt] == []


@pytest.mark.parametrize(
    ("estimate", "state"),
    [
        (LIFT, "good"),
        (Estimate(value=0.01, low=-0.01, high=0.03), "watch"),
        (Estimate(value=0.01, low=0, high=0.03), "watch"),
        (Estimate(value=-0.02, low=-0.03, high=-0.01), "bad"),
    ],
)
def test_verdict(english: Reader, estimate: Estimate, state: str) -> None:
    """Good and bad need an interval wholly on one side of zero; each kind can be drawn."""
    assert verdict(estimate) == state
    assert len(lift_chart(estimate, english, (1852, 617), 0.95).png) <= MOST


def test_lift_says_its_interval(english: Reader) -> None:
    """The alternative text has estimate, interval, level, both group sizes, and the true effect if known."""
    chart = lift_chart(LIFT, english, (1852, 617), 0.95, 0.04)
    assert chart.alt == (
        "Lift 3.21 percentage points, 95% interval 1.10 to 5.32; 1,852 people in the campaign, 617 held out. "
        "True effect 4.00."
    )
    assert near(VERMILLION, colours(chart.png))
    without = lift_chart(LIFT, english, (1852, 617), 0.95)
    assert "True" not in without.alt
    assert not near(VERMILLION, colours(without.png))


@pytest.mark.parametrize(
    "estimate",
    [
        Estimate(value=0, low=0, high=0),
        Estimate(value=1, low=0.6, high=1),
        Estimate(value=1e-7, low=-1e-7, high=3e-7),
        Estimate(value=0.3, low=0.2999, high=0.3001),
    ],
)
def test_strange_intervals_are_drawn(english: Reader, estimate: Estimate) -> None:
    """No width, the edge of what is possible, very small, far from zero: there is a picture all the same."""
    assert Image.open(io.BytesIO(lift_chart(estimate, english, (10, 10), 0.9).png)).height > 200


def test_charts_repeat_byte_for_byte(english: Reader) -> None:
    """The same facts are the same picture, so a report built again is the same report."""
    first, second = (waterfall_chart(COUNTS, english, "2026-11-22").png for _ in range(2))
    assert first == second


def test_pictures_without_a_chinese_font_are_english(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no installed font has Chinese the picture is English; its alternative text stays Chinese."""
    monkeypatch.setattr("tidings.reports.charts.chinese_font", lambda: None)
    chinese, english = load_reader(root, "zh", "CNY"), load_reader(root, "en", "CNY")
    pen = chart_reader(chinese, english)
    chart = lift_chart(LIFT, chinese, (1852, 617), 0.95, pen=pen)
    assert chart.png == lift_chart(LIFT, english, (1852, 617), 0.95).png
    assert "置信区间" in chart.alt


@needs_chinese
def test_chinese_is_written_in_chinese(root: Path) -> None:
    """With a font the picture is in the reader's own language."""
    chinese, english = load_reader(root, "zh", "CNY"), load_reader(root, "en", "CNY")
    assert chart_reader(chinese, english) is chinese
