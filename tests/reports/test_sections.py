"""The last plan, the messages, and what the figures leave out."""

import pytest

from tests.reports.conftest import COUNTS, Known
from tidings.model.counts import PlanCounts
from tidings.reports.sections import LeftOutSection, MessagesSection, WaterfallSection


def test_the_last_plan_in_words(known: Known) -> None:
    """Title, the most frequent reason, the held out, and every number as a line of text."""
    section = WaterfallSection().build(known())
    assert section.title == "1,203 of 4,938 people were planned a message"
    assert section.text.split("\n\n") == [
        "Plan of 2026-11-22. Most often the reason was: Not in the audience (2,774).",
        "402 people were held out, so that the effect can be measured.",
        (
            "  Considered: 4,938\n  - Not in the audience: 2,774\n  - Excluded by the campaign: 120\n"
            "  - No address: 203\n  - No consent for this purpose: 236\n"
            "  - Held out, to measure the effect: 402\n  Planned: 1,203\n  Accepted by the provider: 1,190"
        ),
    ]


def test_of_many_plans_the_last_is_shown(known: Known) -> None:
    """States of the whole campaign are not passed off as those of one plan; a plan's own states are used."""
    first = {"occasion": "2026-11-21", "step": None, "counts": COUNTS}
    last = {"occasion": "2026-11-22", "step": "nudge", "counts": COUNTS}
    unknown = WaterfallSection().build(known(plans=[first, last]))
    assert "Plan of 2026-11-22, step nudge." in unknown.text
    assert "Accepted" not in unknown.text + unknown.charts[0].alt
    own = WaterfallSection().build(known(plans=[first, {**last, "states": {"accepted": 77}}]))
    assert "Accepted by the provider: 77" in own.text
    assert "Accepted by the provider: 77" in own.charts[0].alt


def test_no_plan_is_a_sentence(known: Known) -> None:
    """Before the first plan, and where nobody was considered, there is no empty chart."""
    none = WaterfallSection().build(known(plans=[]))
    assert (none.title, none.charts) == ("No plan has been made yet", ())
    nobody = PlanCounts(considered=0, planned=0, withheld=0, reasons={})
    empty = WaterfallSection().build(known(plans=[{"occasion": "2026-11-22", "step": None, "counts": nobody}]))
    assert (empty.title, empty.charts) == ("The last plan considered nobody", ())
    assert "2026-11-22" in empty.text


def test_everybody_planned(known: Known) -> None:
    """A plan that turned nobody away says so."""
    everybody = PlanCounts(considered=1, planned=1, withheld=0, reasons={"excluded": 0})
    section = WaterfallSection().build(known(plans=[{"occasion": "once", "step": None, "counts": everybody}]))
    assert section.title == "1 of 1 people was planned a message"
    assert "Nobody was turned away." in section.text
    assert "held out" not in section.text


def test_messages_by_state(known: Known) -> None:
    """States in the order of a message's life, doubt shown first, the held out apart, no zeros."""
    states = {"withheld": 402, "skipped": 0, "refused": 10, "parked": 2, "in_doubt": 1, "accepted": 1190}
    section = MessagesSection().build(known(states=states))
    assert section.title == "1,190 of 1,203 messages were accepted by the provider"
    lines = section.text.split("\n")
    assert lines[0] == "◆ 1 message is in doubt"
    rows = [line.strip() for line in lines if line.startswith("  ")]
    assert rows == ["Accepted: 1,190", "In doubt: 1", "Refused by the provider: 10", "parked: 2"]
    assert "402 more were held out" in section.text


@pytest.mark.parametrize("states", [{}, {"accepted": 0}, {"withheld": 12}])
def test_no_messages_is_a_sentence(known: Known, states: dict[str, int]) -> None:
    """Nothing to deliver is said, not shown as an empty table."""
    section = MessagesSection().build(known(states=states))
    assert section.title == "No message has been planned yet"
    assert "<table" not in section.html


def test_what_is_left_out(known: Known) -> None:
    """Costs, open windows and source rows set aside are named in every report."""
    text = LeftOutSection().build(known()).text
    assert "order value is neither margin nor profit" in text
    assert "their 21 days have passed" in text
    assert "Source rows set aside: orders: negative total 12." in text
    for clean in ({}, None, {"orders: negative total": 0}):
        assert "No source row was set aside." in LeftOutSection().build(known(quarantined=clean)).text
