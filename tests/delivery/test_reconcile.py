"""What ends a doubt: the provider's own word, the campaign's guarantee, a person; and who may fail over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.planning.campaigns import campaign
from tests.stage import DAY, NOW, Answer, Scripted, Stage, accept, person, register
from tidings.errors import TidingsError
from tidings.ledger.tables import attempts
from tidings.model.delivery import Outcome, Outgoing, ProviderEvent
from tidings.verbs.deliver import deliver
from tidings.verbs.settle import settle
from tidings.verbs.tick import tick
from tidings.verbs.track import track

HORIZON = 3 * DAY


def _all(status: str) -> Answer:
    return lambda batch: [Outcome.model_validate({"send_key": one.send_key, "status": status}) for one in batch]


def _doubtful(stage: Stage, size: int = 3, **changes: Any) -> type[Scripted]:
    """So many messages whose provider has not said what became of them."""
    kind = register(stage, _all("unknown"))
    stage.settings(allow=["*"])
    stage.add(campaign(approval="none", **changes))
    stage.people([person(number) for number in range(1, size + 1)])
    stage.plan()
    deliver(stage.project, NOW)
    assert {"in_doubt": size} == _states(stage)
    return kind


def _states(stage: Stage) -> dict[str, int]:
    return {name.partition(":")[0]: number for name, number in stage.states().items()}


def test_a_provider_that_knows_ends_the_doubt(either: Stage) -> None:
    """Accepted or refused is believed (R08); what it does not know, or says later of, stays in doubt."""
    kind = _doubtful(either, 4)
    keys = [one.send_key for one in kind.given]
    said = dict(zip(keys, ("accepted", "refused", "later"), strict=False))

    async def lookup(_self: Scripted, send_keys: Sequence[str]) -> list[Outcome]:
        assert sorted(keys) == sorted(send_keys)
        return [Outcome.model_validate({"send_key": key, "status": said[key]}) for key in send_keys if key in said]

    kind.lookup = lookup  # type: ignore[method-assign]
    assert 2 == tick(either.project, NOW + timedelta(minutes=5)).settled
    assert {"accepted: looked_up": 1, "refused: looked_up": 1, "in_doubt": 2} == either.states()
    assert 4 == len(kind.given)


def test_a_provider_that_fails_is_asked_again(stage: Stage) -> None:
    """Whatever it raises, the round goes on; the next one asks once more."""
    kind = _doubtful(stage)
    asked = []

    async def lookup(_self: Scripted, send_keys: Sequence[str]) -> list[Outcome]:
        asked.append(len(send_keys))
        raise RuntimeError("no answer")

    kind.lookup = lookup  # type: ignore[method-assign]
    for minutes in (5, 10):
        assert 0 == tick(stage.project, NOW + timedelta(minutes=minutes)).settled
    assert [3, 3] == asked
    assert {"in_doubt": 3} == stage.states()


@pytest.mark.parametrize(
    ("guarantee", "states", "given"),
    [
        ("at_most_once", {"in_doubt: given_up": 3}, 3),
        ("at_least_once", {"accepted": 3}, 6),
        ("ask", {"in_doubt": 3}, 3),
    ],
)
def test_after_the_horizon_the_campaign_decides(
    either: Stage, guarantee: str, states: dict[str, int], given: int
) -> None:
    """Give up, send once more, or leave it to a person (R09); not a moment sooner, and once."""
    steps = [{"id": "hello", "send": "email", "template": "letter/hello", "expires": "30d"}]
    kind = _doubtful(either, guarantee=guarantee, steps=steps)
    tick(either.project, NOW + HORIZON - timedelta(seconds=1))
    assert ({"in_doubt": 3}, 3) == (either.states(), len(kind.given))
    kind.answer = staticmethod(accept)
    settled = tick(either.project, NOW + HORIZON).settled
    assert (0 if guarantee == "ask" else 3) == settled
    assert 0 == tick(either.project, NOW + HORIZON + DAY).settled
    assert (states, given) == (either.states(), len(kind.given))


def test_what_was_given_up_may_still_prove_to_have_arrived(either: Stage) -> None:
    """An event settles it, however late."""
    kind = _doubtful(either, 1)
    tick(either.project, NOW + HORIZON)
    event = {"provider": "t", "event_id": "1", "kind": "delivered", "occurred_at": NOW}
    track(either.project, [ProviderEvent(**event, send_key=kind.given[0].send_key)], NOW + 4 * DAY)
    assert {"accepted": 1} == _states(either)


@pytest.mark.parametrize(
    ("sent", "states", "given"), [(True, {"accepted: settled": 3}, 3), (False, {"accepted": 3}, 6)]
)
def test_a_person_settles(either: Stage, sent: bool, states: dict[str, int], given: int) -> None:
    """Who has looked into the provider's own log says whether they left, for one campaign."""
    kind = _doubtful(either, guarantee="ask")
    kind.answer = staticmethod(accept)
    assert 3 == settle(either.project, "letter", NOW + DAY, sent=sent).settled
    deliver(either.project, NOW + DAY)
    assert (states, given) == (either.states(), len(kind.given))
    assert 0 == settle(either.project, "letter", NOW + DAY, sent=sent).settled
    with pytest.raises(TidingsError, match="there is no campaign 'lettre'; did you mean 'letter'"):
        settle(either.project, "lettre", NOW, sent=True)


def _two(stage: Stage, first: Answer, second: Answer) -> tuple[type[Scripted], type[Scripted]]:
    """A channel with two providers, and a released plan of three."""
    both = register(stage, first, name="one"), register(stage, second, name="two")
    stage.settings(allow=["*"], channels={"email": {"providers": ["one", "two"]}})
    stage.add(campaign(approval="none"))
    stage.people([person(number) for number in range(1, 4)])
    stage.plan()
    return both


def test_the_second_provider_takes_over_at_once(either: Stage) -> None:
    """What the first one explicitly does not take goes to the second in the same call (R12)."""
    one, two = _two(either, _all("later"), accept)
    done = deliver(either.project, NOW)
    assert (3, 3, 3, 3) == (done.accepted, done.later, len(one.given), len(two.given))
    with either.ledger.read() as connection:
        tried = connection.execute(select(attempts.c.provider, attempts.c.outcome).order_by(attempts.c.id)).all()
    assert [("one", "later")] * 3 + [("two", "accepted")] * 3 == [tuple(row) for row in tried]


@pytest.mark.parametrize("status", ["unknown", "refused", "accepted"])
def test_nothing_but_an_explicit_later_fails_over(either: Stage, status: str) -> None:
    """A doubt is no refusal, and a final word is final (R12)."""
    one, two = _two(either, _all(status), accept)
    deliver(either.project, NOW)
    tick(either.project, NOW + DAY)
    assert (3, 0) == (len(one.given), len(two.given))


def test_where_nobody_takes_it_the_first_is_next(either: Stage) -> None:
    """When all have refused for now it waits as long as with one provider, and the round begins anew."""
    one, two = _two(either, _all("later"), _all("later"))
    deliver(either.project, NOW)
    assert (3, 3) == (len(one.given), len(two.given))
    assert 0 == deliver(either.project, NOW + timedelta(minutes=4)).claimed
    one.answer = staticmethod(accept)
    deliver(either.project, NOW + timedelta(hours=1))
    assert (6, 3) == (len(one.given), len(two.given))
    assert {"accepted": 3} == _states(either)


def test_a_key_leaves_twice_only_by_at_least_once(stage: Stage) -> None:
    """Under the other guarantees the provider is given each key once (R03)."""
    kind = _doubtful(stage)
    for days in range(1, 8):
        tick(stage.project, NOW + days * DAY)
    keys: list[Outgoing] = kind.given
    assert len(keys) == len({one.send_key for one in keys})
