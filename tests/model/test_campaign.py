"""A campaign as a noun: ids, what is a broadcast, the order of steps, the forms of a schedule."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from tidings.model.campaign import After, Campaign, Offer, Once
from tidings.model.mistakes import in_plain_words
from tidings.model.steps import walk_places

LETTER = {"id": "letter", "send": "email", "template": "a/letter"}


def campaign(*steps: dict[str, Any], **keys: Any) -> Campaign:
    """A campaign of these steps."""
    whole = {"campaign": "a", "title": "A", "aim": "care", "owner": "lan@example.com", "schedule": "@daily"}
    return Campaign.model_validate(whole | {"audience": {"include": "loyal"}, "steps": list(steps) or [LETTER]} | keys)


def branch(*steps: dict[str, Any]) -> dict[str, Any]:
    """An if step with these steps on its yes."""
    return {"id": "branch", "if": {"ordered": {}}, "then": list(steps), "else": [{"id": "other", "wait": "1d"}]}


def test_one_send_step_is_a_broadcast() -> None:
    """It may go without an id; anything longer, or a lone wait, is a flow."""
    assert campaign({"send": "email", "template": "a/letter"}).broadcast
    assert not campaign(LETTER, {"id": "pause", "wait": "1d"}).broadcast
    assert not campaign({"wait": "1d"}).broadcast


def test_steps_are_walked_in_reading_order_with_their_place_in_the_file() -> None:
    """Branches included, `then` before `else`."""
    made = campaign(LETTER, branch({"id": "note", "send": {"any_of": ["sms", "email"]}, "template": "a/note"}))
    assert [(place, step.id) for place, step in walk_places(made.steps)] == [
        (("steps", 0), "letter"),
        (("steps", 1), "branch"),
        (("steps", 1, "then", 0), "note"),
        (("steps", 1, "else", 0), "other"),
    ]
    assert [step.name for step in made.send_steps] == ["letter", "note"]
    assert made.send_steps[1].channels == ["sms", "email"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0 9 * * *", "0 9 * * *"),
        ({"once": "2026-11-22T09:00"}, Once(once="2026-11-22T09:00")),
        ({"after": "refresh"}, After(after="refresh")),
    ],
)
def test_a_schedule_has_three_forms(written: Any, read: object) -> None:
    """And is written back in the form it was read in."""
    made = campaign(schedule=written)
    assert made.schedule == read
    assert Campaign.model_validate(made.model_dump(mode="json", by_alias=True)) == made


def test_a_schedule_of_another_form_is_refused() -> None:
    """One mistake, not one for each form it might have had."""
    with pytest.raises(ValidationError) as caught:
        campaign(schedule={"affter": "refresh"})
    [mistake] = in_plain_words(caught.value, Campaign)
    assert mistake.reason == "a schedule is a cron expression, {once: …} or {after: refresh}"
    assert mistake.fix == "did you mean 'after'?"


def test_an_offer_knows_its_last_day() -> None:
    """Counted from when the message is sent."""
    offer = Offer(offer="ten", title="Ten", code="TEN", value=0.1, valid_for=timedelta(days=14))
    terms = offer.terms(datetime(2026, 11, 22, 9, tzinfo=UTC))
    assert terms == {"code": "TEN", "title": "Ten", "value": 0.1, "expires": date(2026, 12, 6)}
