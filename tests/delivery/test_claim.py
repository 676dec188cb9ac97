"""The claim looks again at everything that may have changed since the plan, behind locks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from tests.delivery.races import planned, race_for_the_cap, race_with_a_goodbye, two_campaigns
from tests.planning.campaigns import SEND, campaign
from tests.stage import DAY, NOW, Stage, key, person
from tidings.ledger import consents, contacts
from tidings.ledger.database import database_time
from tidings.ledger.persons import merge_persons
from tidings.ledger.tables import messages, plans
from tidings.model.delivery import ProviderEvent
from tidings.testing.racing import at_once
from tidings.tracking.record import record
from tidings.verbs.deliver import deliver


def _withdrawal(number: int, at: datetime = NOW, **changes: Any) -> dict[str, Any]:
    row = {"person_key": person(number)["person_key"], "channel": "email", "purpose": "marketing"}
    return row | {"state": "withdrawn", "recorded_at": at, "expires_at": None, "source": "phone"} | changes


def _unsubscribe(stage: Stage, customer: str, at: datetime) -> None:
    [row] = [row for row in stage.rows() if row["customer_id"] == customer]
    event = ProviderEvent(
        provider="tidings", event_id=f"u:{customer}", kind="unsubscribed", occurred_at=at, send_key=row["send_key"]
    )
    with stage.ledger.write() as connection:
        record(connection, stage.project, [event], at)


@pytest.mark.parametrize("minutes", [-60, 0, 60])
def test_who_left_between_plan_and_claim_gets_nothing(either: Stage, minutes: int) -> None:
    """An unsubscribe that is committed before the claim holds, whatever time its event or the run carries (R24)."""
    kind = planned(either)
    _unsubscribe(either, "C0001", NOW + timedelta(minutes=minutes))
    done = deliver(either.project, NOW)
    assert ({"suppressed": 1}, 1) == (done.skipped, done.accepted)
    assert ["c2@example.com"] == [one.to for one in kind.given]


def test_a_withdrawn_or_expired_consent_closes_the_claim(either: Stage) -> None:
    """A no on the phone, and a consent that ends before the message leaves, are seen at the claim (R24, R25)."""
    kind = planned(either, *(person(number) for number in range(1, 5)))
    with either.ledger.write() as connection:
        consents.append(connection, _withdrawal(1))
        consents.append(connection, _withdrawal(2, NOW + DAY))
        ends = {"state": "granted", "expires_at": NOW + timedelta(minutes=30)}
        consents.append(connection, _withdrawal(3, NOW - DAY, **ends))
    done = deliver(either.project, NOW + timedelta(hours=1))
    assert ({"no_consent": 3}, 1) == (done.skipped, done.accepted)
    assert {"skipped: no_consent": 3, "accepted": 1} == either.states()
    assert ["c4@example.com"] == [one.to for one in kind.given]


def test_a_suppressed_address_gets_nothing(either: Stage) -> None:
    """Whoever suppressed it, and however long ago by the clock: a suppressed address is skipped."""
    kind = planned(either)
    [row, _] = either.rows()
    with either.ledger.write() as connection:
        contacts.suppress(connection, "email", row["address_key"], NOW + DAY, "hard_bounce")
    assert {"suppressed": 1} == deliver(either.project, NOW).skipped
    assert 1 == len(kind.given)


@pytest.mark.parametrize("change", ["other", "gone", "invalid"])
def test_a_message_goes_to_the_address_that_wasplanned(stage: Stage, change: str) -> None:
    """Where a refresh brought another address, none, or a doubtful one, the message is skipped."""
    kind = planned(stage)
    after = {
        "other": [person(1, email="new@example.com"), person(2)],
        "gone": [person(2)],
        "invalid": [person(1, email_problem="invalid"), person(2)],
    }[change]
    stage.people(after)
    assert {"address_changed": 1} == deliver(stage.project, NOW).skipped
    assert ["c2@example.com"] == [one.to for one in kind.given]


def test_persons_that_turned_out_to_be_one_get_one_message(either: Stage) -> None:
    """Two profiles planned apart and merged before the claim: one message leaves (R65)."""
    kind = planned(either)
    with either.ledger.write() as connection:
        merge_persons(connection, [(key(2 * 2**108), key(2**108))], NOW)
    deliver(either.project, NOW)
    assert ["c1@example.com"] == [one.to for one in kind.given]
    assert {"accepted": 1, "skipped: merged": 1} == either.states()


def test_a_message_of_a_merged_key_is_not_sent(stage: Stage) -> None:
    """Where a plan wrote a message for a key that was merged meanwhile, the claim sees that too (R65)."""
    kind = planned(stage)
    with stage.ledger.write() as connection:
        merge_persons(connection, [(key(2 * 2**108), key(2**108))], NOW)
        connection.execute(update(messages).where(messages.c.state == "skipped").values(state="planned", reason=None))
    assert {"merged": 1} == deliver(stage.project, NOW).skipped
    assert 1 == len(kind.given)


def test_a_channel_that_is_gone_is_told(stage: Stage) -> None:
    """Messages on a channel that the settings no longer have are skipped, and keep nobody else back."""
    planned(stage, person(1))
    stage.add(campaign(campaign="text", approval="none", steps=[SEND | {"send": "sms"}]))
    stage.plan("text")
    stage.settings(channels={"email": {"providers": ["scripted"]}})
    done = deliver(stage.project, NOW)
    assert ({"no_provider": 1}, 1) == (done.skipped, done.accepted)


@pytest.mark.parametrize("state", ["ready", "rejected", "building"])
def test_only_released_plans_are_sent(stage: Stage, state: str) -> None:
    """What nobody has said yes to stays planned."""
    kind = planned(stage)
    with stage.ledger.write() as connection:
        connection.execute(update(plans).values(state=state))
    assert 0 == deliver(stage.project, NOW).claimed
    assert {"planned": 2} == stage.states()
    assert [] == kind.given


def test_the_night_moves_a_message(either: Stage) -> None:
    """A message that comes due in the recipient's quiet hours waits for their end; it is not dropped (R28)."""
    either.settings(quiet_hours={"start": "21:00", "end": "08:00"}, timezone="America/New_York")
    kind = planned(either, person(1), person(2, timezone="Asia/Tokyo"), person(3, timezone="Nowhere/None"))
    night = NOW + timedelta(hours=11)  # 21:00 in New York, 11:00 in Tokyo
    assert 1 == deliver(either.project, night).accepted
    assert ["c2@example.com"] == [one.to for one in kind.given]
    morning = NOW + timedelta(hours=22)
    assert {morning} == {row["not_before"] for row in either.rows() if row["state"] == "planned"}
    assert 0 == deliver(either.project, morning - timedelta(seconds=1)).claimed
    assert 2 == deliver(either.project, morning).accepted


def test_service_messages_know_no_night(stage: Stage) -> None:
    """A service message leaves at once, without consent or caps; a suppressed address gets none."""
    stage.settings(quiet_hours={"start": "00:00", "end": "23:59"}, caps={"email": {"max": 1, "within": "7d"}})
    planned(stage, person(1, consents=()), person(2, consents=()), purpose="service")
    stage.add(campaign(campaign="second", approval="none", purpose="service"))
    stage.plan("second")
    with stage.ledger.write() as connection:
        contacts.suppress(connection, "email", stage.rows()[0]["address_key"], NOW, "complaint")
    done = deliver(stage.project, NOW)
    assert ({"suppressed": 2}, 2) == (done.skipped, done.accepted)


def test_the_cap_is_counted_at_the_claim(either: Stage) -> None:
    """Two campaigns planned for the same person: as many leave as the cap allows, the rest is skipped (R38)."""
    two_campaigns(either)
    assert {"frequency_cap": 2} == deliver(either.project, NOW).skipped
    assert {"accepted": 2, "skipped: frequency_cap": 2} == either.states()


@pytest.mark.parametrize("state", ["sending", "accepted", "in_doubt", "withheld", "refused", "skipped", "expired"])
def test_what_the_cap_counts(stage: Stage, state: str) -> None:
    """What left, may have left or was withheld fills a cap; what came to nothing does not."""
    two_campaigns(stage, size=1)
    with stage.ledger.write() as connection:
        here = messages.c.campaign == "letter"
        connection.execute(update(messages).where(here).values(state=state, counted_at=NOW - DAY, lease_until=9e9))
    counts = state in ("sending", "accepted", "in_doubt", "withheld")
    assert ({"frequency_cap": 1} if counts else {}) == deliver(stage.project, NOW).skipped


@pytest.mark.parametrize(("hours", "full"), [(0, True), (-24, True), (24, True), (167, True), (168, False)])
def test_a_clock_that_is_set_breaks_no_cap(stage: Stage, hours: int, full: bool) -> None:
    """A day forward or back, the cap holds; when its time has passed there is room again (R19)."""
    planned(stage, person(1))
    stage.add(campaign(campaign="other", approval="none", steps=[SEND | {"expires": "30d"}]))
    stage.plan("other")
    stage.settings(caps={"email": {"max": 1, "within": "7d"}})
    with stage.ledger.write() as connection:
        connection.execute(update(messages).values(not_before=NOW - 30 * DAY))
        here = messages.c.campaign == "letter"
        connection.execute(update(messages).where(here).values(state="accepted", counted_at=NOW))
    done = deliver(stage.project, NOW + timedelta(hours=hours))
    assert ({"frequency_cap": 1} if full else {}) == done.skipped


def test_caps_hold_under_two_workers(either: Stage) -> None:
    """Fifty races of two workers, each with another campaign's message to the same person: one leaves, always (R38)."""
    assert [] == race_for_the_cap(either, 50)


def test_an_unsubscribe_and_a_claim_at_once(either: Stage) -> None:
    """Twenty races of a claim and an unsubscribe: whoever commits first decides, and neither waits for ever (R24)."""
    assert [] == race_with_a_goodbye(either, 20)


@pytest.mark.parametrize("total", [1, 2, 3, 16])
def test_shards_share_everybody_out(stage: Stage, total: int) -> None:
    """Every person is in exactly one shard, so no message is left out and none is claimed by two."""
    people = [person(number, person_key=f"{number * 2654435761 % 2**32:08x}" + "5" * 24) for number in range(1, 101)]
    people += [person(101, person_key="0" * 32), person(102, person_key="f" * 32)]
    planned(stage, *people)
    found = [deliver(stage.project, NOW, shard=(index, total)).accepted for index in range(total)]
    assert 102 == sum(found)
    assert {"accepted": 102} == stage.states()
    assert min(found) > 0


def test_a_claim_takes_the_oldest_first_and_no_more_than_it_may(stage: Stage) -> None:
    """Messages are claimed in the order of their time, so many at once, with a lease of five minutes."""
    planned(stage, *(person(number) for number in range(1, 8)))
    with stage.ledger.write() as connection:
        for row in stage.rows():
            at = NOW - timedelta(minutes=int(row["customer_id"][1:]))
            connection.execute(update(messages).where(messages.c.id == row["id"]).values(not_before=at))
    taken = stage.claim(3)
    with stage.ledger.read() as connection:
        leases = connection.execute(select(messages.c.lease_until).where(messages.c.state == "sending")).scalars()
        assert all(290 < lease - database_time(connection) <= 300 for lease in leases)
    assert 3 == taken.seen
    assert ["C0007", "C0006", "C0005"] == [row["customer_id"] for row in taken.sending["scripted"]]


@pytest.fixture
def five_campaigns(stage: Stage) -> Stage:
    """Two people, each with a message of five campaigns."""
    planned(stage)
    for number in range(1, 5):
        stage.add(campaign(campaign=f"letter_{number}", approval="none"))
        stage.plan(f"letter_{number}")
    return stage


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 3), st.lists(st.integers(0, 3), max_size=8), st.integers(1, 5))
def test_no_order_of_claims_breaks_a_cap(five_campaigns: Stage, cap: int, sizes: list[int], campaigns: int) -> None:
    """However many campaigns wait and in whatever pieces they are claimed, nobody gets more than the cap (R38)."""
    stage = five_campaigns
    names = ["letter", "letter_1", "letter_2", "letter_3", "letter_4"][:campaigns]
    with stage.ledger.write() as connection:
        connection.execute(update(messages).values(state="refused"))
        again = {"state": "planned", "counted_at": None}
        connection.execute(update(messages).where(messages.c.campaign.in_(names)).values(again))
    stage.settings(caps={"email": {"max": cap, "within": "7d"}})
    for size in [*sizes, 100]:
        stage.claim(size)
    sent = [row["person_key"] for row in stage.rows() if row["state"] == "sending"]
    assert 2 * min(cap, campaigns) == len(sent)
    assert all(sent.count(one) == min(cap, campaigns) for one in sent)
    assert "planned" not in {row["state"] for row in stage.rows()}


def test_a_merge_and_a_claim_at_once(either: Stage) -> None:
    """Thirty races of a claim and a refresh that puts two persons together: neither waits for ever (R65)."""
    pairs = [(key((2 * number + 1) * 2**108), key(2 * number * 2**108)) for number in range(1, 31)]
    people = [person(number) for number in range(2, 62)]
    kind = planned(either, *people)
    left = iter(pairs)

    def merge() -> None:
        with either.ledger.write() as connection:
            merge_persons(connection, [next(left)], NOW)

    at_once(merge, lambda: either.claim(2), times=30)
    # Whoever was claimed before the merge may have two; after it, nobody.
    either.claim(100)
    assert "planned" not in {row["state"] for row in either.rows()}
    assert [] == kind.given
