"""CSV attachments hold the full numbers and run nothing."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reports.conftest import COUNTS, Known, campaign, measure
from tidings.reports.sheets import csv_bytes, report_sheets


def rows(content: bytes) -> list[list[str]]:
    """A sheet as a spreadsheet reads it."""
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        " =1",
        "\n=1",
        "＝1",
        "＋1",
        "－1",
        "＠1",
        "\u3000=1",
        "|cmd",
    ],
)
def test_formulae_are_neutralised(cell: str) -> None:
    """# R51: text that a spreadsheet would run is shown as text, in header and rows alike."""
    assert rows(csv_bytes([cell], [[cell]])) == [[f"'{cell}"], [f"'{cell}"]]


@given(st.text())
def test_no_cell_of_text_runs(cell: str) -> None:
    """# R51: whatever the text, the cell opens with nothing that runs, and the text is still in it."""
    encodable = cell.encode("utf-8", "ignore").decode()
    found = rows(csv_bytes(["name", "other"], [[encodable, "x"]]))[1][0]
    assert found in (encodable, f"'{encodable}")
    assert not found.strip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))


def test_numbers_stay_numbers() -> None:
    """A negative number is no formula; a missing one is an empty cell."""
    assert rows(csv_bytes(["a", "b", "c"], [[-3, -0.5, None]]))[1] == ["-3", "-0.5", ""]


def test_a_spreadsheet_sees_the_language() -> None:
    """The byte order mark makes spreadsheets read Vietnamese and Chinese as such."""
    content = csv_bytes(["Đưa khách", "对照组"], [])
    assert content.startswith(b"\xef\xbb\xbf")
    assert rows(content) == [["Đưa khách", "对照组"]]


def test_result_is_in_full(known: Known) -> None:
    """Estimates are unrounded with their interval, money is in major units."""
    facts = known(true_effect=0.04)
    table = {row[0]: row for row in rows(report_sheets(facts)["result.csv"])}
    lift = facts["measure"].conversion_lift
    assert [float(number) for number in table["conversion_lift"][2:]] == [
        lift.value,
        lift.low,
        lift.high,
        0.95,
    ]
    assert table["treated_persons"][1:3] == ["persons", "1852"]
    assert table["treated_value"][1:3] == ["USD", "6960.48"]
    assert table["claimed_value"][1:3] == ["USD", "5123.45"]
    assert (table["caused_buyers"][1], table["caused_orders"][1]) == ("persons", "orders")
    for name in ("caused_buyers", "caused_orders"):
        assert float(table[name][2]) == pytest.approx(getattr(facts["measure"], name).value)
    assert float(table["caused_value"][2]) == pytest.approx(facts["measure"].caused_value.value / 100)
    assert table["true_effect"][2] == "0.04"


def test_nothing_causal_without_a_holdout(known: Known) -> None:
    """A campaign without a holdout has no causal row, not one of zeros."""
    facts = known(campaign=campaign(holdout=None), measure=measure((20, 100), (0, 0)))
    names = [row[0] for row in rows(report_sheets(facts)["result.csv"])]
    assert [name for name in names if "lift" in name or "caused" in name or name == "true_effect"] == []


def test_plans_add_up(known: Known) -> None:
    """Considered = planned + withheld + every reason, for each plan, the sentence beside the code."""
    plans: list[dict[str, Any]] = [
        {"occasion": "2026-11-21", "step": "a", "counts": COUNTS},
        {"occasion": "2026-11-22", "step": None, "counts": COUNTS},
    ]
    found = rows(report_sheets(known("vi", plans=plans))["plans.csv"])[1:]
    assert ["2026-11-21", "a", "no", "excluded", "Bị chiến dịch loại trừ", "120"] in found
    for occasion in ("2026-11-21", "2026-11-22"):
        of_plan = [(row[2], int(row[5])) for row in found if row[0] == occasion]
        total = sum(n for decision, n in of_plan if decision == "considered")
        assert total == sum(n for decision, n in of_plan if decision != "considered") == 4938


def test_states_as_they_are(known: Known) -> None:
    """Messages by state are the ledger's own words and numbers."""
    found = rows(report_sheets(known())["messages.csv"])
    assert found == [
        ["state", "messages"],
        ["accepted", "1190"],
        ["in_doubt", "3"],
        ["refused", "10"],
        ["withheld", "402"],
    ]
