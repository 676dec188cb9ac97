"""How fast messages leave, and how they are stopped: rates, warm-up, pause and the bad marks of a lane."""

from __future__ import annotations

import time
from collections import Counter
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.planning.campaigns import campaign
from tests.stage import DAY, NOW, Stage, accept, person, register
from tidings.clock import wall_clock
from tidings.delivery.lanes import daily_limit, lane_of
from tidings.errors import TidingsError
from tidings.model.counts import DeliverShape
from tidings.model.delivery import ProviderEvent
from tidings.settings import WarmUp
from tidings.testing.smtp_sink import SmtpSink
from tidings.verbs.deliver import deliver
from tidings.verbs.lanes import lanes
from tidings.verbs.pause import pause
from tidings.verbs.resume import resume
from tidings.verbs.track import track

HOUR = timedelta(hours=1)


def _planned(stage: Stage, size: int, lane: dict[str, Any] | None = None, **changes: Any) -> Any:
    """A released plan for so many people, and the scripted provider that will get it by this lane."""
    kind = register(stage, accept)
    stage.settings(allow=["*"], lanes={kind.name: lane or {}}, **changes)
    stage.add(campaign(approval="none"))
    stage.people([person(number) for number in range(1, size + 1)])
    stage.plan()
    return kind


def _deliver(stage: Stage, now: Any = NOW) -> DeliverShape:
    return deliver(stage.project, now)


def _events(stage: Stage, kind: str, count: int, now: Any = NOW) -> None:
    sent = [row for row in stage.rows() if row["state"] == "accepted"][:count]
    same = {"provider": "t", "kind": kind, "occurred_at": now}
    found = [same | {"event_id": f"{kind}:{row['send_key']}", "send_key": row["send_key"]} for row in sent]
    track(stage.project, [ProviderEvent.model_validate(event) for event in found], now)


def test_a_lane_is_the_provider_and_the_group_of_the_domain(stage: Stage) -> None:
    """Case does not matter; a domain that is in no group, and a phone number, are `other`."""
    stage.settings(lanes={"smtp": {"domains": {"google": ["gmail.com", "googlemail.com"]}}})
    found = [lane_of(stage.project, "smtp", to) for to in ("a@GMail.com", "a@x.gmail.com", "+12025550001")]
    assert [("smtp", "google"), ("smtp", "other"), ("smtp", "other")] == found
    assert ("sendgrid", "other") == lane_of(stage.project, "sendgrid", "a@gmail.com")


def test_the_ramp_of_a_warm_up() -> None:
    """From the first day's number by its growth to the day on which it would be beyond `until`."""
    ramp = WarmUp.model_validate({"start": "2026-11-22", "first_day": 100, "growth": "50%", "until": 300})
    days = [date(2026, 11, 21), *(date(2026, 11, 22) + timedelta(days=number) for number in range(4))]
    assert [100, 100, 150, 225, None] == [daily_limit(ramp, day) for day in days]
    assert daily_limit(ramp, date(2199, 1, 1)) is None


def test_a_rate_is_kept_at_the_sink(either: Stage, tmp_path: Path) -> None:
    """In no stretch of time does more arrive than the rate and one second's burst at either end allow (R58)."""
    rate, size, now = 25, 70, wall_clock()
    with SmtpSink(tmp_path / "inbox") as sink:
        either.settings(
            allow=["*"],
            channels={"email": {"providers": ["smtp"]}},
            providers={"smtp": {"port": sink.port}},
            lanes={"smtp": {"rates": {"any": f"{rate}/s"}}},
        )
        either.add(campaign(approval="none"))
        either.people([person(number) for number in range(1, size + 1)], now)
        either.plan(now=now)
        began = time.monotonic()
        done = _deliver(either, now)
        took = time.monotonic() - began
        arrived = sorted(path.stat().st_mtime for path in sink.messages())
    assert (size, size) == (done.accepted, len(arrived))
    assert done.put_off["paced"] >= size - 2 * rate
    assert took >= (size - 1 - rate) / rate
    for first, last in combinations(range(size), 2):
        assert last - first + 1 <= rate * (arrived[last] - arrived[first] + 2) + 1


def test_a_group_waits_and_the_others_do_not(either: Stage) -> None:
    """A slow lane keeps nobody else back; where time stands still the call ends, and who waits is still planned."""
    kind = _planned(either, 1, {"domains": {"slow": ["example.com"]}, "rates": {"slow": "1/h"}})
    ends = {number: "com" if number <= 5 else "net" for number in range(1, 10)}
    either.people([person(number, email=f"c{number}@example.{ends[number]}") for number in ends], NOW + HOUR)
    either.add(campaign(campaign="second", approval="none"))
    either.plan("second", NOW + HOUR)
    either.settings(caps={})
    done = _deliver(either, NOW + HOUR)
    sent = [one.to.rpartition(".")[2] for one in kind.given]
    assert {"net": 4, "com": 1} == dict(Counter(sent))
    assert ({"paced": 5}, 5) == (done.put_off, either.states()["planned: paced"])


def test_a_warm_up_lets_so_many_go_a_day(either: Stage) -> None:
    """The rest waits for the next day of the workspace, when more may go; a clock that steps back gives none (R19)."""
    ramp = {"start": str(NOW.date()), "first_day": 4, "growth": "50%", "until": 100}
    _planned(either, 12, {"warm_up": ramp}, quiet_hours=None)
    assert (4, 8) == ((done := _deliver(either)).accepted, done.put_off["warm_up"])
    assert (0, 0) == ((done := _deliver(either, NOW + HOUR)).accepted, done.claimed)
    assert 6 == _deliver(either, NOW + DAY).accepted
    assert 0 == _deliver(either, NOW).accepted
    assert 2 == _deliver(either, NOW + 2 * DAY).accepted
    assert {"accepted": 12} == either.states()


@pytest.mark.parametrize(("whom", "everything"), [((), True), (("it",), False), (("it", "other"), False)])
def test_a_pause_holds_at_the_next_claim(either: Stage, whom: tuple[str, ...], everything: bool) -> None:
    """Nothing more leaves, of all, of a provider or of a group; when it goes on, nothing is sent twice (R18)."""
    kind = _planned(either, 250)
    names = [kind.name if name == "it" else name for name in whom]

    def stop(batch: Any) -> Any:
        if len(kind.given) == 100:
            pause(either.project, NOW, *names, because="a mistake in the subject")
        return accept(batch)

    kind.answer = staticmethod(stop)
    done = _deliver(either)
    assert 100 == done.accepted
    assert (not everything) * 150 == done.put_off.get("paused", 0)
    assert 0 == _deliver(either, NOW + HOUR).accepted
    [cause] = {lane.cause for lane in lanes(either.project, NOW).lanes if lane.paused_at}
    assert "a mistake in the subject" == cause
    assert 1 == resume(either.project, *names).changed
    assert 150 == _deliver(either, NOW + 2 * HOUR).accepted
    keys = [one.send_key for one in kind.given]
    assert 250 == len(keys) == len(set(keys))


@pytest.mark.parametrize("kind", ["bounced", "complained"])
def test_a_lane_with_bad_marks_stops_by_itself(either: Stage, kind: str) -> None:
    """One event beyond the share, and the next claim sends nothing (R59); a few messages prove nothing."""
    limits = {"after": 20, "bounces": "10%", "complaints": "10%"}
    _planned(either, 15, {"pause": limits}, caps={})
    assert 15 == _deliver(either).accepted
    _events(either, kind, 10)
    assert [None] == [lane.cause for lane in lanes(either.project, NOW).lanes]
    either.add(campaign(campaign="next", approval="none"))
    either.people([person(number) for number in range(16, 130)])
    either.plan("next")
    assert 114 == _deliver(either).accepted
    _events(either, kind, 12)
    assert [None] == [lane.cause for lane in lanes(either.project, NOW).lanes]
    _events(either, kind, 13)
    [lane] = lanes(either.project, NOW).lanes
    assert f"10.1% {kind} of 129 lately" == lane.cause
    either.add(campaign(campaign="last", approval="none"))
    either.people([person(number) for number in range(200, 210)])
    either.plan("last")
    done = _deliver(either)
    assert (0, 10) == (done.accepted, done.put_off["paused"])
    resume(either.project)
    assert 10 == _deliver(either, NOW + HOUR).accepted


def test_what_was_lately_fades(stage: Stage) -> None:
    """Each day halves what was sent and what came back; the day's own count begins anew."""
    _planned(stage, 8)
    _deliver(stage)
    _events(stage, "bounced", 2)
    [today], [later] = (lanes(stage.project, at).lanes for at in (NOW, NOW + 2 * DAY))
    assert (8, 8.0, 0.25) == (today.today, today.sent_lately, today.bounced)
    assert (0, 2.0, 0.25) == (later.today, later.sent_lately, later.bounced)


@pytest.mark.parametrize(
    ("lane", "said"),
    [
        (("sntp",), "there is no provider 'sntp'; did you mean 'smtp'?"),
        (("smtp", "gogle"), "there is no group of domains 'gogle'; did you mean 'google'?"),
        (("*", "google"), "there is no group of domains 'google'; name the provider, too"),
    ],
)
def test_a_lane_that_is_not_there(stage: Stage, lane: tuple[str, ...], said: str) -> None:
    """Nothing is paused, and who mistyped hears it."""
    stage.settings(lanes={"smtp": {"domains": {"google": ["gmail.com"]}}})
    for verb in (lambda: pause(stage.project, NOW, *lane), lambda: resume(stage.project, *lane)):
        with pytest.raises(TidingsError) as failed:
            verb()
        assert said == str(failed.value)
