"""What does not fit, does not colour and does not move where nobody looks."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from tidings.cli import printing
from tidings.cli.measures import measure_view
from tidings.cli.views import plan_view, why_view
from tidings.model.campaign import Campaign
from tidings.model.counts import (
    ArmResult,
    Estimate,
    MeasureShape,
    PlanCounts,
    PlanShape,
    WhyLine,
    WhyMessage,
    WhyShape,
)

EARLY = datetime(2027, 12, 24, 9, tzinfo=UTC)
LETTER = Campaign.model_validate(
    {
        "campaign": "letter",
        "title": "[bold]A letter[/bold]",
        "aim": "care",
        "status": "live",
        "owner": "lan@example.com",
        "schedule": "@daily",
        "audience": {"include": "loyal"},
        "steps": [{"send": "email", "template": "a/letter"}],
    }
)


def plan(planned: int, **reasons: int) -> PlanShape:
    """A plan with these reasons."""
    counts = PlanCounts(considered=planned + sum(reasons.values()), planned=planned, withheld=0, reasons=reasons)
    return PlanShape(
        campaign="letter", occasion="once", snapshot="s", definition_hash="d" * 64, hash="p" * 64, counts=counts
    )


@pytest.mark.parametrize(
    ("state", "planned", "last"),
    [
        (None, 3, "next: tidings plan letter --commit (nothing has been written)"),
        (None, 0, "next: nobody would be sent to; ask for one customer: tidings why CUSTOMER letter"),
        ("ready", 3, "next: tidings approve letter"),
        ("released", 3, "next: tidings deliver"),
    ],
)
def test_a_plan_says_what_is_next(
    state: str | None, planned: int, last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It depends on what has been written, and on whether anybody would get anything."""
    plan_view(plan(planned, not_in_audience=2), LETTER, state)
    assert capsys.readouterr().out.splitlines()[-1] == last


@pytest.mark.parametrize(
    ("changes", "state", "early", "last"),
    [
        ({"status": "draft"}, None, None, "next: it is draft: write `status: live` in its file when it may send"),
        ({"approval": "plan"}, "ready", None, f"next: tidings approve letter --hash {'p' * 64}"),
        ({}, None, EARLY, "next: tidings plan letter --commit, from then on (nothing has been written)"),
    ],
)
def test_the_next_step_is_one_that_works(
    changes: dict[str, str], state: str | None, early: datetime | None, last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A draft is not committed, a plan is approved by its hash, and an occasion to come is waited for."""
    plan_view(plan(3), LETTER.model_copy(update=changes), state, early)
    lines = capsys.readouterr().out.splitlines()
    assert last == lines[-1]
    assert ("due 2027-12-24 09:00 UTC" in lines) == (early is not None)


def test_reasons_nobody_has_a_sentence_for_come_last_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """A company's rule stands among the gates by its name."""
    plan_view(plan(1, something_new=4, frequency_cap=1, not_in_audience=2, **{"plugin:vip": 3}), LETTER, None)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[1] for line in lines[4:8]] == [
        "Not in the audience",
        "Ruled out by the company rule “vip”",
        "Enough messages lately",
        "something_new",
    ]


def test_what_people_wrote_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """A title with brackets is no instruction to the terminal."""
    plan_view(plan(1), LETTER, None)
    assert capsys.readouterr().out.startswith("letter: [bold]A letter[/bold]\n")


def test_a_closed_gate_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    """And what the ledger holds is told below."""
    gates = [WhyLine(gate="excluded", passed=True), WhyLine(gate="suppressed", passed=False)]
    message = WhyMessage(occasion="once", step="send", channel="email", state="accepted", at=EARLY)
    why_view(
        WhyShape(
            customer="C1", person="p", campaign="letter", decision="no", reason="suppressed", gates=gates,
            messages=[message],
        )
    )  # fmt: skip
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["suppressed", "no", "Unsubscribed,", "bounced", "or", "complained"] in lines
    assert ["once", "send", "email", "accepted", "2027-12-24", "09:00", "UTC"] in lines


def measured(lift: Estimate | None) -> MeasureShape:
    """A measurement of a thousand persons."""
    arms = [
        ArmResult(arm="treated", persons=750, converted=90, orders=100, value=123_456),
        ArmResult(arm="control", persons=250, converted=20, orders=21, value=23_456),
    ]
    return MeasureShape(
        campaign="letter", as_of="2026-12-24T00:00:00Z", window_days=14, matured=1000, strata=1, split=None,
        arms=arms, conversion_lift=lift, value_lift=lift, caused_buyers=lift, caused_orders=lift, caused_value=lift,
        claimed_orders=12, claimed_value=34_500,
    )  # fmt: skip


def test_no_figure_without_its_interval(capsys: pytest.CaptureFixture[str]) -> None:
    """Caused beside claimed; money in the workspace's currency, shares in points."""
    measure_view(measured(Estimate(value=0.04, low=-0.001, high=0.081)), "USD")
    out = capsys.readouterr().out
    assert "caused, share who buy (95% interval)  +4.00 [-0.10 to +8.10] points" in out
    assert "caused, persons who bought" in out
    assert "caused, orders" in out
    assert "treated      750      90  12.00%     100  1,234.56 USD" in out
    assert "claimed, their value" in out
    assert "345.00 USD" in out


def test_several_draws_are_mentioned(capsys: pytest.CaptureFixture[str]) -> None:
    """The difference of the two shares in the table is then not the lift."""
    shape = measured(Estimate(value=0.04, low=-0.001, high=0.081))
    measure_view(shape, "USD")
    assert "draws" not in capsys.readouterr().out
    measure_view(shape.model_copy(update={"strata": 3}), "USD")
    assert "compared within each of 3 draws" in capsys.readouterr().out


def test_without_a_holdout_nothing_is_caused(capsys: pytest.CaptureFixture[str]) -> None:
    """It is said, instead of a figure; what may be claimed is there all the same."""
    measure_view(measured(None), "VND")
    out = capsys.readouterr().out
    assert "caused: not known, for nobody was held out" in out
    assert "claimed, orders after a click" in out
    assert "34,500 VND" in out
    assert "123,456 VND" in out


def test_a_spinner_turns_only_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Into a file or a pipe nothing of it is written."""
    with printing.working("planning"):
        pass
    assert capsys.readouterr() == ("", "")
    screen = io.StringIO()
    monkeypatch.setattr(
        printing, "Console", lambda **_: Console(file=screen, force_terminal=True, width=80, color_system=None)
    )
    with printing.working("planning") as told:
        told("7 [of] 9")
    assert "planning …" in screen.getvalue()
    assert "planning … 7 [of] 9" in screen.getvalue()
