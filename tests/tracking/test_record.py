"""What comes back is taken once, in any order, and does what it must: settle doubt, stop what must stop."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from tests.databases import beside, dump, somebody_waits
from tests.ledger.rows import DAY, NOW, add_contact, add_message, add_persons, add_plan, consent, key
from tests.stage import Stage
from tests.waiting import wait_until
from tests.workspace import bare_project
from tidings.errors import TidingsError
from tidings.ledger import consents, contacts, persons
from tidings.ledger.database import Ledger
from tidings.ledger.tables import consents as table
from tidings.ledger.tables import events, messages
from tidings.ledger.tables import persons as table_of_persons
from tidings.model.counts import TrackShape
from tidings.model.delivery import ProviderEvent
from tidings.planning.links import signer, unsubscribe_url
from tidings.project import Project
from tidings.testing.racing import at_once
from tidings.tracking.record import record, unsubscribe_event

LAN = key(1)
KINDS = ("accepted", "delivered", "bounced", "deferred", "complained", "opened", "clicked", "unsubscribed")


@pytest.fixture
def sent(project: Project, ledger: Ledger) -> Stage:
    """One e-mail to Lan, who agreed to e-mail and SMS, in doubt."""
    with ledger.write() as connection:
        add_persons(connection, LAN)
        add_plan(connection)
        add_contact(connection, LAN)
        consents.save_consents(connection, [consent(LAN), consent(LAN, channel="sms")])
        add_message(connection, LAN, state="in_doubt")
    return Stage(project, ledger)


def _set(stage: Stage, state: str, **values: Any) -> None:
    with stage.ledger.write() as connection:
        connection.execute(update(messages).values(state=state, reason=None, **values))


def _event(stage: Stage, kind: str, event_id: str = "e1", **changes: Any) -> ProviderEvent:
    send_key = stage.rows()[0]["send_key"]
    fields = {"provider": "sendgrid", "event_id": event_id, "kind": kind, "occurred_at": NOW + DAY}
    fields["permanent"] = kind == "bounced"
    return ProviderEvent.model_validate(fields | {"send_key": send_key} | changes)


def _record(stage: Stage, *new: ProviderEvent) -> TrackShape:
    with stage.ledger.write() as connection:
        return record(connection, stage.project, new, NOW + DAY)


def _reached(stage: Stage) -> dict[str, bool]:
    """Whether Lan's e-mail address is free and her consents stand."""
    with stage.ledger.read() as connection:
        granted = consents.granted(connection, "marketing", NOW + 2 * DAY)
        return {
            "address": not contacts.suppressed(connection),
            "email": (LAN, "email") in granted,
            "sms": (LAN, "sms") in granted,
        }


FREE = {"address": True, "email": True, "sms": True}
EFFECTS = {
    "accepted": FREE,
    "delivered": FREE,
    "deferred": FREE,
    "opened": FREE,
    "clicked": FREE,
    "bounced": FREE | {"address": False},
    "complained": FREE | {"address": False, "email": False},
    "unsubscribed": FREE | {"address": False, "email": False},
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_each_event_does(sent: Stage, kind: str) -> None:
    """Every event proves that the message was taken; a bounce stops the address, a no the channel as well (R08)."""
    assert TrackShape(new=1, known=0, unmatched=0) == _record(sent, _event(sent, kind))
    assert {f"accepted: event:{kind}": 1} == sent.states()
    assert EFFECTS[kind] == _reached(sent)
    cause = {"bounced": "hard_bounce", "complained": "complaint", "unsubscribed": "unsubscribed"}.get(kind)
    with sent.ledger.read() as connection:
        causes = set(connection.execute(select(contacts.contacts.c.cause)).scalars())
    assert cause in causes


def test_a_soft_bounce_stops_nobody(sent: Stage) -> None:
    """A full mailbox is no reason to give an address up."""
    _record(sent, _event(sent, "bounced", permanent=False, detail="mailbox full"))
    assert FREE == _reached(sent)


@pytest.mark.parametrize("state", ["sending", "in_doubt", "accepted", "refused", "withheld", "skipped", "expired"])
def test_a_fact_settles_only_what_is_open(sent: Stage, state: str) -> None:
    """An event before our own answer, or after a doubt, is the answer (R08); what was final stays what it was."""
    _set(sent, state)
    _record(sent, _event(sent, "delivered"))
    assert ({"accepted: event:delivered"} if state in ("sending", "in_doubt") else {state}) == set(sent.states())


def test_a_fact_stops_the_next_try(sent: Stage) -> None:
    """A message that was to be tried again and turns out to have arrived is not sent a second time (R08)."""
    _set(sent, "planned", tries=1)
    _record(sent, _event(sent, "delivered"))
    assert {"accepted: event:delivered": 1} == sent.states()


def test_a_message_that_never_left_cannot_have_arrived(sent: Stage) -> None:
    """An event about a message that was never tried does not mark it as sent."""
    _set(sent, "planned", tries=0)
    _record(sent, _event(sent, "opened"))
    assert {"planned": 1} == sent.states()


@pytest.mark.parametrize("order", list(permutations(["delivered", "opened", "clicked", "unsubscribed"]))[::5])
def test_the_order_of_arrival_does_not_matter(sent: Stage, order: tuple[str, ...]) -> None:
    """Facts come in any order, one call each or all in one: the end is the same (R08)."""
    for number, kind in enumerate(order):
        _record(sent, _event(sent, kind, event_id=kind, occurred_at=NOW + timedelta(hours=number)))
    assert EFFECTS["unsubscribed"] == _reached(sent)
    assert {"accepted"} == {row["state"] for row in sent.rows()}


def test_the_same_event_46_times(sent: Stage) -> None:
    """The same events again and again, shuffled: after the first round nothing changes any more (R43)."""
    new = [_event(sent, kind, event_id=kind) for kind in KINDS]
    assert TrackShape(new=8, known=0, unmatched=0) == _record(sent, *new)
    before = dump(sent.ledger)
    many = new * 45
    random.Random(43).shuffle(many)
    for start in range(0, len(many), 50):
        part = many[start : start + 50]
        assert TrackShape(new=0, known=len(part), unmatched=0) == _record(sent, *part)
    assert before == dump(sent.ledger)


def test_one_no_through_two_doors(sent: Stage) -> None:
    """A provider may tell one unsubscribe twice, under two ids and with one time: it is one withdrawal."""
    both = [_event(sent, "unsubscribed", event_id=name) for name in ("unsubscribe", "group_unsubscribe")]
    assert 2 == _record(sent, *both).new
    with sent.ledger.read() as connection:
        withdrawn = select(func.count()).select_from(table).where(table.c.state == "withdrawn")
        assert 1 == connection.execute(withdrawn).scalar()


def test_events_that_are_not_ours(sent: Stage) -> None:
    """An unknown key, no key, or something that is no key is kept and counted, and does nothing."""
    strange = [None, "b" * 32, "", "x" * 5000, "k\x00ey", "\ud800"]
    new = [_event(sent, "unsubscribed", event_id=f"e{n}", send_key=one) for n, one in enumerate(strange)]
    assert TrackShape(new=6, known=0, unmatched=6) == _record(sent, *new)
    assert FREE == _reached(sent)
    assert {"in_doubt": 1} == sent.states()
    with sent.ledger.read() as connection:
        assert 6 == connection.execute(select(func.count()).select_from(events)).scalar()


def test_nothing_came_back(sent: Stage) -> None:
    """An empty call is an empty answer."""
    assert TrackShape(new=0, known=0, unmatched=0) == _record(sent)


def test_a_no_to_sms_is_no_no_to_email(sent: Stage) -> None:
    """Who leaves one channel keeps the others."""
    with sent.ledger.write() as connection:
        connection.execute(update(messages).values(channel="sms"))
    _record(sent, _event(sent, "unsubscribed"))
    assert {"address": True, "email": True, "sms": False} == _reached(sent)


def test_two_calls_at_once_take_every_event_once(sent: Stage) -> None:
    """Two webhook calls with the same bounces and goodbyes in opposite order: both answer, each counts once (R43)."""
    with sent.ledger.write() as connection:
        add_persons(connection, *(key(number) for number in range(2, 41)))
        for number in range(2, 41):
            add_contact(connection, key(number))
            add_message(connection, key(number), state="in_doubt")
    new = [
        _event(sent, "unsubscribed" if number % 2 else "bounced", event_id=f"e{number}", send_key=row["send_key"])
        for number, row in enumerate(sent.rows())
    ]
    shapes: list[TrackShape] = []
    at_once(*(lambda order=order: shapes.append(_record(sent, *new[::order])) for order in (1, -1)))
    assert (40, 40, 0) == tuple(sum(getattr(one, name) for one in shapes) for name in ("new", "known", "unmatched"))
    with sent.ledger.read() as connection:
        assert 40 == len(contacts.suppressed(connection))


def test_a_no_waits_for_a_claim_and_not_the_other_way_round(sent: Stage) -> None:
    """Both lock persons before contacts: a claim in its middle goes on to its end, then the no is taken (R24)."""
    with sent.ledger.write() as connection:
        persons.lock(connection, [LAN])
        event = _event(sent, "unsubscribed")
        ended = beside(lambda: _record(sent, event))
        wait_until(lambda: somebody_waits(sent.ledger), 30, what="the unsubscribe")
        held = contacts.lock(connection, [("email", LAN)])
        assert held["email", LAN].suppressed_at is None
    ended()
    assert EFFECTS["unsubscribed"] == _reached(sent)


def test_a_click_on_the_link_leaves(sent: Stage) -> None:
    """The token of a message's own link is its unsubscribe, now; a second click is the same event (R23)."""
    url = unsubscribe_url(sent.project, sent.rows()[0]["send_key"], NOW)
    event = unsubscribe_event(sent.project, url.rsplit("/", 1)[1], NOW + DAY)
    assert ("tidings", "unsubscribed", NOW + DAY) == (event.provider, event.kind, event.occurred_at)
    assert 1 == _record(sent, event).new
    again = unsubscribe_event(sent.project, url.rsplit("/", 1)[1], NOW + 2 * DAY)
    assert TrackShape(new=0, known=1, unmatched=0) == _record(sent, again)
    assert EFFECTS["unsubscribed"] == _reached(sent)


@pytest.mark.parametrize("change", ["forged", "cut", "kind", "empty"])
def test_a_forged_link_is_refused(tmp_path: Path, change: str) -> None:
    """A token that we did not write for an unsubscribe makes no event."""
    project = bare_project(tmp_path)
    token = unsubscribe_url(project, "a" * 32, NOW).rsplit("/", 1)[1]
    forged = {
        "forged": token[:5] + ("A" if token[5] != "A" else "B") + token[6:],
        "cut": token[:-10],
        "kind": signer(project).sign("click", {"k": "a" * 32}, now=NOW),
        "empty": "",
    }[change]
    with pytest.raises(TidingsError, match="this link is not one of ours"):
        unsubscribe_event(project, forged, NOW)


@pytest.mark.parametrize("chain", [1, 2])
def test_a_no_on_the_message_of_a_merged_key_is_the_persons(sent: Stage, chain: int) -> None:
    """Two profiles turned out to be one person, perhaps twice: leaving by the younger's message stops it (R24, R65)."""
    older = [key(0), key(2**100)][:chain]
    with sent.ledger.write() as connection:
        connection.execute(insert(table_of_persons), [{"person_key": one, "number": -n} for n, one in enumerate(older)])
        consents.save_consents(connection, [consent(older[-1])])
        for younger, heir in zip([LAN, *older], older, strict=False):
            # Both got the letter, so the younger one's message stays under its own key.
            add_message(connection, heir, state="accepted")
            persons.merge_persons(connection, [(younger, heir)], NOW)
    _record(sent, _event(sent, "unsubscribed"))
    with sent.ledger.read() as connection:
        assert (older[-1], "email") not in consents.granted(connection, "marketing", NOW + 2 * DAY)
