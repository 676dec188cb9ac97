"""The company plugin of the example workspace: no win-back to customers with an open complaint."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tidings.plugins import Plugins


def test_whoever_has_a_complaint_open_gets_no_win_back(root: Path) -> None:
    """One open case closes the gate; none, or nothing known of cases, leaves it open."""
    rule = Plugins(root).eligibility["open_complaint"]()
    people = pd.DataFrame({"open_cases": [0, 1, 3, None]}, index=[7, 5, 9, 2])
    allowed = rule.allowed(people)
    assert allowed.to_dict() == {7: True, 5: False, 9: False, 2: True}


def test_the_rule_is_asked_of_win_back_only(root: Path) -> None:
    """And it sees one column, nothing that says who somebody is."""
    rule = Plugins(root).eligibility["open_complaint"]
    assert (tuple(rule.campaigns or ()), tuple(rule.columns)) == (("win_back",), ("open_cases",))
