from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pytest

from tidings.errors import TidingsError
from tidings.model.seams import Eligibility
from tidings.planning.gates import Address, FirstOfAddress, Flag, Known, Room, Rule, first_closed

PEOPLE = pd.DataFrame(
    {
        "person_key": ["p1", "p2", "p3", "p4"],
        "channel": ["email", "email", "sms", "email"],
        "address_key": ["a1", "a2", "a3", "a1"],
        "address_problem": [None, "missing", None, None],
        "in_audience": [True, True, False, True],
    },
    index=[3, 5, 7, 9],
)


def _closed(*gates: object) -> list[str | None]:
    reasons = first_closed(PEOPLE, gates)
    assert list(PEOPLE.index) == list(reasons.index)
    return [None if pd.isna(reason) else reason for reason in reasons]


def test_the_first_closed_gate_is_the_reason() -> None:
    """Gates are asked in order, and whoever is stopped is asked nothing more."""
    gates = [Flag("not_in_audience", "in_audience"), Address("missing_address", "missing"), FirstOfAddress()]
    assert [None, "missing_address", "not_in_audience", "address_in_plan"] == _closed(*gates)
    assert [None] * 4 == _closed()


def test_who_is_stopped_takes_nobodys_place() -> None:
    """The first person of an address is the first who is still in the plan."""
    not_p1 = Known("suppressed", frozenset({("p1", "email")}), ("person_key", "channel"), wanted=False)
    assert ["suppressed", None, None, None] == _closed(not_p1, FirstOfAddress())
    assert ["suppressed", None, None, "address_in_plan"] == _closed(FirstOfAddress(), not_p1)


def test_known_pairs_open_or_close() -> None:
    """Being in the set of the ledger opens a gate such as consent and closes one such as suppression."""
    pairs = frozenset({("p1", "email"), ("p3", "sms"), ("p4", "sms")})
    consent = Known("no_consent", pairs, ("person_key", "channel"), wanted=True)
    assert [None, "no_consent", None, "no_consent"] == _closed(consent)
    suppressed = Known("suppressed", pairs, ("person_key", "channel"), wanted=False)
    assert ["suppressed", None, "suppressed", None] == _closed(suppressed)


def test_room_is_below_the_cap() -> None:
    """A person with as many messages as the channel's cap allows gets no more; a channel without a cap has room."""
    room = Room({"email": 2}, {("p1", "email"): 2, ("p2", "email"): 1, ("p3", "sms"): 99, ("p4", "sms"): 99})
    assert ["frequency_cap", None, None, None] == _closed(room)


class _Says(Eligibility):
    name = "says"
    columns: Sequence[str] = ("open_cases",)

    def allowed(self, people: pd.DataFrame) -> pd.Series[bool]:
        assert ["open_cases"] == list(people.columns)
        return people["open_cases"] == 0


def _rule(kind: type[Eligibility], cases: Sequence[object] = (0, 0, 0, 0, 2)) -> Rule:
    profiles = pd.DataFrame({"person_key": ["p1", "p2", "p3", "p4", "p4"], "customer_id": list("ABCDE")})
    return Rule(kind(), profiles.assign(open_cases=list(cases)))


def test_a_rule_sees_its_columns_and_every_profile() -> None:
    """One profile with an open complaint stops the person, and the reason names the plugin's rule."""
    assert [None, None, None, "plugin:says"] == _closed(_rule(_Says))


class _Unsure(_Says):
    def allowed(self, people: pd.DataFrame) -> pd.Series[bool]:
        return people["open_cases"].astype("Int64") == 0


def test_a_rule_that_does_not_know_says_no() -> None:
    """A missing answer is no permission."""
    assert ["plugin:says", None, None, None] == _closed(_rule(_Unsure, [pd.NA, 0, 0, 0, 0]))


class _Broken(_Says):
    def allowed(self, people: pd.DataFrame) -> pd.Series[bool]:
        raise KeyError("colour")


class _Partial(_Says):
    def allowed(self, people: pd.DataFrame) -> pd.Series[bool]:
        return (people["open_cases"] == 0).iloc[:1]


@pytest.mark.parametrize(("kind", "said"), [(_Broken, "KeyError: 'colour'"), (_Partial, "it answers for other people")])
def test_a_rule_that_fails_is_named(kind: type[Eligibility], said: str) -> None:
    """A plugin's exception, or an answer for fewer people than were asked about, stops the plan by name (R55)."""
    with pytest.raises(TidingsError, match=f"the eligibility rule 'says' failed: .*{said}.*; mend the plugin"):
        _closed(_rule(kind))


CODES = [
    *("not_in_audience", "excluded", "source_stale", "already_inside", "reentry", "backlog"),
    *("missing_address", "invalid_address", "shared_address", "already_planned", "address_in_plan", "suppressed"),
    *("no_consent", "too_few_recommendations", "frequency_cap"),
]


@pytest.mark.parametrize("code", CODES)
def test_every_code_can_be_a_reason(code: str) -> None:
    """Whichever gate closes alone, its code is the reason of that person and of nobody else."""
    gates = [Flag(each, each) for each in CODES]
    frame = pd.DataFrame({each: [True, each != code] for each in CODES})
    reasons = first_closed(frame, gates)
    assert [True, False] == list(reasons.isna())
    assert code == reasons[1]
