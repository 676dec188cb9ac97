"""Two that come at the same moment, over and over; `make soak` runs a thousand of each on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.planning.campaigns import campaign
from tests.stage import NOW, Stage, person, register
from tidings.model.delivery import ProviderEvent
from tidings.testing.racing import at_once
from tidings.tracking.record import record


def planned(stage: Stage, *people: Any, **changes: Any) -> Any:
    """A released plan for these people, and the provider that their e-mails go to."""
    kind = register(stage)
    stage.settings(allow=["*"])
    stage.add(campaign(**{"approval": "none"} | changes))
    stage.people(people or [person(1), person(2)])
    stage.plan()
    return kind


def two_campaigns(stage: Stage, cap: int = 1, size: int = 2) -> None:
    """Two plans for the same people, made before either is sent, so that both pass the forecast of the cap."""
    planned(stage, *(person(number) for number in range(1, size + 1)))
    stage.add(campaign(campaign="other", approval="none"))
    stage.plan("other")
    stage.settings(caps={"email": {"max": cap, "within": "7d"}})


def race_for_the_cap(stage: Stage, times: int) -> list[str]:
    """Two workers, each with another campaign's message to the same person, and a cap of one (R38); what was wrong."""
    two_campaigns(stage, size=times)
    seen: list[int] = []

    def work(plan_id: str) -> None:
        seen.append(stage.claim(1, plan_id=plan_id).seen)

    plans = sorted({row["plan_id"] for row in stage.rows()})
    at_once(*(partial(work, plan_id) for plan_id in plans), times=times)
    found = Counter(row["person_key"] for row in stage.rows() if row["state"] == "sending")
    wrong = [] if [1] * 2 * times == seen else [f"claims saw {Counter(seen)} messages"]
    if found.most_common(1) != [(next(iter(found)), 1)] or len(found) != times:
        wrong.append(f"of {times} persons {len(found)} got {found.total()} messages")
    if stage.states() != {"sending": times, "skipped: frequency_cap": times}:
        wrong.append(f"{stage.states()}")
    return wrong


def race_with_a_goodbye(stage: Stage, times: int) -> list[str]:
    """A claim of two messages, and both recipients who leave (R24); what was wrong."""
    planned(stage, *(person(number) for number in range(1, 2 * times + 1)))
    rows = stage.rows()
    pairs: Iterator[list[str]] = iter([[row["send_key"] for row in rows[at : at + 2]] for at in range(0, len(rows), 2)])
    left: set[str] = set()
    sent: set[str] = set()
    late: set[str] = set()

    def leave() -> None:
        keys = next(pairs)[::-1]
        gone = {"provider": "t", "kind": "unsubscribed", "occurred_at": NOW}
        events = [ProviderEvent.model_validate(gone | {"event_id": key, "send_key": key}) for key in keys]
        with stage.ledger.write() as connection:
            record(connection, stage.project, events, NOW)
        left.update(keys)

    def send() -> None:
        before = set(left)
        taken = stage.claim(2)
        # PostgreSQL steps over rows that the other holds, and takes later ones.
        keys = {row["send_key"] for group in taken.sending.values() for row in group}
        sent.update(keys)
        late.update(keys & before)

    at_once(leave, send, times=times)
    while stage.claim(100).skipped:
        pass
    # An unsubscribe proves that its message arrived: what was sent before it is accepted by now.
    wrong = [f"{len(late)} messages left after the unsubscribe had been committed"] if late else []
    states = {row["send_key"]: row["state"] for row in stage.rows()}
    odd = Counter(state for key, state in states.items() if state != ("accepted" if key in sent else "skipped"))
    return wrong + [f"{number} messages are {state}" for state, number in odd.items()]
