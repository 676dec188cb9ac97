"""Blocks say the same in HTML and in text, and escape what they are given."""

import pytest

from tidings.model.seams import Chart
from tidings.reports.markup import Block, Bullets, Cell, Figure, Paragraph, Table, Verdict, compose

EVIL = '<script>"x" & y</script>'
CHART = Chart("lift", b"png", f"3.2 points {EVIL}")


@pytest.mark.parametrize(
    "block",
    [
        Paragraph(EVIL),
        Paragraph(EVIL, muted=True),
        Paragraph(f"`{EVIL}`"),
        Verdict("good", EVIL),
        Bullets([EVIL]),
        Table([EVIL, ""], [(Cell(EVIL, EVIL), [Cell(EVIL, EVIL), Cell(EVIL)])]),
        Figure(CHART),
    ],
)
def test_everything_is_escaped(block: Block) -> None:
    """Words of customers, products or files never become markup; plain text has them as they are."""
    html = block.html()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert EVIL in block.text()


def test_code_between_back_ticks() -> None:
    """A pair of back-ticks is code in HTML; a lonely one is just a back-tick."""
    assert "<code>tidings plan</code> shows" in Paragraph("`tidings plan` shows").html()
    assert "<code>" not in Paragraph("a ` b").html()


def test_tables_as_text() -> None:
    """Plain text names the column where there are several, and puts what stands beneath into brackets."""
    rows = [(Cell("Caused", "held out"), [Cell("59", "20 to 98"), Cell("$5")])]
    assert Table(["", "Value"], rows).text() == "  Caused (held out): 59 (20 to 98); Value $5"
    assert Table(["Messages"], [(Cell("Sent"), [Cell("3")])]).text() == "  Sent: 3"


def test_states_differ_in_shape() -> None:
    """Good, watch and bad are told apart without colour."""
    assert len({Verdict(state, "word").text() for state in ("good", "watch", "bad")}) == 3


def test_compose_keeps_the_charts() -> None:
    """A section has the charts of its figures; text shows a figure's lines, else its alternative text."""
    section = compose("Finding", [Paragraph("Words."), Figure(CHART), Figure(CHART, ["a: 1", "b: 2"])])
    assert section.charts == (CHART, CHART)
    assert section.text == f"Words.\n\n{CHART.alt}\n\n  a: 1\n  b: 2"
    assert 'src="cid:lift@tidings"' in section.html
