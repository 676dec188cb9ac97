"""`why` asks one person what `plan` asks everybody: the two can only agree."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.verbs.commands import answer
from tests.verbs.walk import walked
from tests.workspace import DAY, NOW, shop
from tidings.errors import TidingsError
from tidings.model.counts import WhyShape
from tidings.project import Project
from tidings.verbs.plan import plan
from tidings.verbs.why import why


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A shop that nothing here writes to."""
    return shop(tmp_path_factory.mktemp("looked"))


@pytest.mark.parametrize("name", ["cross_sell_weekly", "newsletter", "second_order", "win_back"])
def test_why_agrees_with_the_plan(looked: Project, name: str) -> None:
    """For a hundred random customers over four campaigns: the same decision and reason, at the last gate shown."""
    rows = plan(looked, name, NOW).shape(rows=True).rows
    for row in random.Random(name).sample(rows, 25):
        told = why(looked, row.customer, name, NOW)
        assert (row.person, row.decision, row.reason) == (told.person, told.decision, told.reason), row.customer
        assert all(gate.passed for gate in told.gates[:-1])
        assert (told.gates[-1].passed, told.gates[-1].gate) == (
            row.decision == "planned",
            told.gates[-1].gate if row.decision == "planned" else row.reason,
        )


def test_every_reason_of_the_shop(looked: Project) -> None:
    """One person for each reason that occurs: why gives that reason."""
    for name in ("newsletter", "win_back"):
        reasons = {row.reason: row for row in plan(looked, name, NOW).shape(rows=True).rows}
        assert {"no_consent", "not_in_audience", "holdout"} <= set(reasons)
        for reason, row in reasons.items():
            assert reason == why(looked, row.customer, name, NOW).reason


def test_what_a_person_got(tmp_path: Path) -> None:
    """After twenty days why shows each message of the flow, and that nobody enters again so soon."""
    walk = walked()
    told = why(walk.project, walk.cast["silent"], "win_back", NOW + 20 * DAY)
    assert ("no", "reentry") == (told.decision, told.reason)
    assert ["miss_you", "nudge", "goodbye"] == [message.step for message in told.messages]
    assert [("email", "accepted"), ("sms", "accepted"), ("email", "accepted")] == [
        (message.channel, message.state) for message in told.messages
    ]
    held = why(walk.project, walk.cast["held out"], "win_back", NOW + 20 * DAY)
    assert {("withheld", "holdout")} == {(message.state, message.reason) for message in held.messages}


def test_the_json_of_why(looked: Project) -> None:
    """`why --json` is the shape."""
    shape = answer(looked, WhyShape, "why", "C0001", "win_back", "--at", NOW.isoformat())
    assert why(looked, "C0001", "win_back", NOW) == shape


def test_a_customer_nobody_knows(looked: Project) -> None:
    """An unknown number is an error with a way out, not a no."""
    with pytest.raises(TidingsError, match="there is no customer 'C9999'"):
        why(looked, "C9999", "win_back", NOW)
