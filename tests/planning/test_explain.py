from __future__ import annotations

from typing import Any

import pytest

from tests.planning.campaigns import SEND, campaign
from tests.stage import NOW, Stage, key, person
from tidings.errors import TidingsError
from tidings.planning.decide import Decider
from tidings.planning.explain import Told, explain
from tidings.verbs.plan import plan
from tidings.verbs.why import why


def _told(stage: Stage, customer: str, name: str = "letter") -> Any:
    return why(stage.project, customer, name, NOW)


def _crowd(stage: Stage, **changes: Any) -> list[Any]:
    stage.add(campaign(**{"holdout": {"share": "30%"}} | changes))
    people = [person(number) for number in range(1, 31)]
    people += [person(number, segments=()) for number in (31, 32)]
    people += [person(33, consents=()), person(34, email_problem="shared"), person(35, email="c1@example.com")]
    people += [person(36, email="C2@example.com", phone="+12025550002"), person(37, segments=("readers", "angry"))]
    stage.people(people)
    return plan(stage.project, "letter", NOW).shape(rows=True).rows


@pytest.mark.parametrize(
    "changes", [{}, {"limits": {"per_run": 7}}, {"audience": {"include": "readers", "exclude": ["angry"]}}]
)
def test_why_agrees_with_the_plan(stage: Stage, changes: dict[str, Any]) -> None:
    """Asked of each person alone, the gates say what the plan says of everybody: the limit and shared addresses too."""
    # Every fifth of the many, and all who are special.
    rows = _crowd(stage, **changes)
    for row in [row for row in rows if int(row.customer[1:]) > 30 or int(row.customer[1:]) % 5 == 1]:
        told = _told(stage, row.customer)
        assert (row.decision, row.reason, row.person) == (told.decision, told.reason, told.person), row.customer
        assert [gate.passed for gate in told.gates] == [True] * (len(told.gates) - 1) + [row.decision == "planned"]
        assert row.decision == "planned" or row.reason == told.gates[-1].gate


def test_the_gates_are_those_of_the_plan_in_order(stage: Stage) -> None:
    """For somebody who is planned every gate was asked, entry first."""
    stage.add(campaign(audience={"include": "readers", "exclude": ["angry"]}))
    stage.people([person(1)])
    assert [
        *("not_in_audience", "excluded", "source_stale", "excluded"),
        *("missing_address", "invalid_address", "shared_address", "already_planned", "address_in_plan"),
        *("suppressed", "no_consent", "frequency_cap", "address_in_plan"),
    ] == [gate.gate for gate in _told(stage, "C0001").gates]


def test_a_flow_that_waits_first_enrols(stage: Stage) -> None:
    """Where the first step sends nothing, the answer is that the person would be enrolled."""
    steps = [{"id": "wait", "wait": "1d"}, SEND]
    stage.add(campaign(steps=steps, audience={"include": "readers", "enter": "on_entry", "backlog": "all"}))
    stage.people([person(1), person(2, segments=())])
    assert [("no", "enrolled"), ("no", "not_in_audience")] == [
        (told.decision, told.reason) for told in (_told(stage, "C0001"), _told(stage, "C0002"))
    ]


def test_what_the_person_got_is_shown(stage: Stage) -> None:
    """After the plan, why says that the message is planned already, and shows it."""
    stage.add(campaign(approval="none"))
    stage.people([person(1)])
    stage.plan()
    told = _told(stage, "C0001")
    assert ("no", "already_planned") == (told.decision, told.reason)
    [message] = told.messages
    assert ("2026-11-22", "hello", "email", "planned") == tuple(
        getattr(message, name) for name in ("occasion", "step", "channel", "state")
    )


def test_nobody_by_that_name(stage: Stage) -> None:
    """A customer whom nobody knows, or whom the snapshot does not have yet, is an error with a way out."""
    stage.add(campaign())
    stage.people([person(1)])
    with pytest.raises(TidingsError, match="there is no customer 'C9999'; use a customer_id of the last refresh"):
        _told(stage, "C9999")
    stage.people([person(2)])
    with pytest.raises(TidingsError, match="the snapshot does not know this person yet; run `tidings refresh`"):
        _told(stage, "C0001")


def test_told_is_plain(stage: Stage) -> None:
    """The explanation itself, without the verb around it."""
    stage.add(campaign())
    stage.people([person(1)])
    from tidings.ledger.snapshots import current_snapshot

    with stage.ledger.read() as connection:
        current = current_snapshot(connection, stage.project.root)
        decider = Decider(stage.project, stage.campaigns["letter"], current, connection, NOW)
        told = explain(decider, key(2**108), "2026-11-22")
    assert Told(told.gates, "planned", None) == told
