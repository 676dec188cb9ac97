from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.planning.campaigns import SEND, campaign
from tests.stage import DAY, NOW, Stage, person, register
from tidings.model.campaign import Offer
from tidings.model.delivery import Outgoing
from tidings.planning.links import read_unsubscribe
from tidings.verbs.deliver import deliver

OFFER = Offer.model_validate(
    {"offer": "come", "title": "Come back", "code": "COME10", "value": "10%", "valid_for": "14d"}
)


def _sent(stage: Stage, *people: Any, channel: str = "email", now: Any = NOW, **changes: Any) -> list[Outgoing]:
    """What the provider was given for these people, in their order."""
    kind = register(stage, channel=channel)
    stage.settings(allow=["*"])
    stage.add(campaign(**{"approval": "none"} | changes))
    stage.people(people or [person(1)])
    stage.plan()
    deliver(stage.project, now)
    return sorted(kind.given, key=lambda one: one.to)


def test_an_email_is_whole(stage: Stage) -> None:
    """Sender, recipient, subject, HTML and text in the person's name, under the message's random key."""
    stage.settings(sender={"email": "news@example.com", "name": "Sunrise", "reply_to": "hello@example.com"})
    [one] = _sent(stage)
    [row] = stage.rows()
    assert (row["send_key"], "email", "c1@example.com") == (one.send_key, one.channel, one.to)
    assert ("news@example.com", "Sunrise", "hello@example.com") == (one.sender, one.sender_name, one.reply_to)
    assert "News for Name1" == one.subject
    assert "Hello Name1" in str(one.html)
    assert "Hello Name1" in one.text


def test_marketing_can_be_left_in_one_click(stage: Stage) -> None:
    """List-Unsubscribe with one https address of ours and the one-click header; the body has the same link (R21)."""
    [one] = _sent(stage)
    link = one.headers["List-Unsubscribe"]
    assert link.startswith("<https://crm.example.com/u/")
    assert "List-Unsubscribe=One-Click" == one.headers["List-Unsubscribe-Post"]
    assert one.send_key == read_unsubscribe(stage.project, link.strip("<>").rsplit("/", 1)[1])
    assert link.strip("<>") in str(one.html)
    assert link.strip("<>") in one.text
    assert "12 Orchard Lane" in one.text


def test_the_date_is_business_time(stage: Stage) -> None:
    """The Date of an e-mail is the time of the run, so that a demo of last week looks like last week."""
    [one] = _sent(stage, now=NOW + timedelta(hours=1))
    assert "Sun, 22 Nov 2026 16:00:00 +0000" == one.headers["Date"]


def test_service_messages_carry_no_unsubscribe_header(stage: Stage) -> None:
    """One cannot leave what one has to be told."""
    [one] = _sent(stage, purpose="service")
    assert {"Date"} == set(one.headers)


def test_a_text_message_is_text(stage: Stage) -> None:
    """SMS has no headers, no HTML and no subject, and names the sender as people know it."""
    [one] = _sent(stage, channel="sms", steps=[SEND | {"send": "sms"}])
    assert ("sms", "+12025550001", {}, None, "") == (one.channel, one.to, one.headers, one.html, one.subject)
    assert "Sunrise: hello Name1. Reply STOP to opt out" == one.text.strip()


def test_each_variant_has_its_words(stage: Stage) -> None:
    """The subject of the variant that the plan drew; without one, the template's own."""
    variants = [{"id": "warm", "share": "50%"}, {"id": "direct", "share": "50%", "subject": "Three things"}]
    sent = _sent(stage, *(person(number) for number in range(1, 21)), steps=[SEND | {"variants": variants}])
    drawn = {row["send_key"]: row["variant"] for row in stage.rows()}
    assert {("warm", False), ("direct", True)} == {(drawn[one.send_key], one.subject == "Three things") for one in sent}


def test_an_offer_runs_from_when_the_message_leaves(stage: Stage) -> None:
    """The last day is counted from the message's own time, and the code is kept with the message."""
    stage.project.offers["come"] = OFFER
    folder = stage.project.root / "templates" / "letter"
    (folder / "hello.en.yaml").write_text(
        'subject: x\npreheader: x\nhello: "{{ offer.code }} until {{ offer.expires | date }}"\nleave: Leave\n'
    )
    [one] = _sent(stage, steps=[SEND | {"offer": "come"}])
    assert "COME10 until December 6, 2026" in one.text
    assert "COME10" == stage.rows()[0]["offer_code"]


def test_an_edit_in_the_middle_of_a_send_changes_nothing(stage: Stage) -> None:
    """Delivery renders from what the plan stored, not from the files as they are now."""
    kind = register(stage)
    stage.settings(allow=["*"])
    stage.add(campaign(approval="none"))
    stage.people([person(1)])
    stage.plan()
    for path in (stage.project.root / "templates" / "letter").iterdir():
        path.unlink()
    deliver(stage.project, NOW)
    assert "News for Name1" == kind.given[0].subject


@pytest.mark.parametrize("name", [None, "", "{{ 7 * 7 }}", "<script>alert(1)</script>", "Ngọc 玉"])
def test_a_name_is_only_a_name(stage: Stage, name: str | None) -> None:
    """A name with braces or angle brackets is shown as it is, and never run (R47); a missing one is left out."""
    [one] = _sent(stage, person(1, first_name=name))
    assert f"News for {name or 'you'}" == one.subject
    assert "<script>" not in str(one.html)
    assert "49" not in one.subject


def test_each_gets_their_own_products(stage: Stage) -> None:
    """The products that the plan picked for the person, in order."""
    step = SEND | {"recommend": {"strategy": "association_rules", "count": 2}}
    people = [person(1, products=("P1", "P2")), person(2, products=("P7",))]
    first, second = _sent(stage, *people, steps=[step])
    assert ("Product P1" in first.text, "Product P2" in first.text, "Product P7" in first.text) == (True, True, False)
    assert ("Product P7" in second.text, "Product P1" in second.text) == (True, False)


def test_a_later_night_is_another_day(stage: Stage) -> None:
    """A message that waited for the morning says the day on which it leaves."""
    (stage.project.root / "templates/letter/hello.en.yaml").write_text(
        'subject: "{{ today | date }}"\npreheader: x\nhello: x\nleave: x\n'
    )
    [one] = _sent(stage, now=NOW + DAY, steps=[SEND | {"expires": "3d"}])
    assert "November 23, 2026" == one.subject
