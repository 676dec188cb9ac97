"""Durations, times, shares and names as people write them."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from tidings.model import scalars


class Everything(BaseModel):
    value: Any = None


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        (scalars.Duration, "30m", timedelta(minutes=30)),
        (scalars.Duration, "2 h", timedelta(hours=2)),
        (scalars.Duration, "1w", timedelta(days=7)),
        (scalars.Clock, "09:00", time(9)),
        (scalars.Share, "12.5%", 0.125),
        (scalars.Share, 0.1, 0.1),
        (scalars.Duration, "0d", timedelta(0)),
        (scalars.Span, "1m", timedelta(minutes=1)),
        (scalars.Name, "win_back", "win_back"),
        (scalars.Whole, 10, 10),
        (scalars.Whole, "10", 10),
        (scalars.Zone, "Asia/Ho_Chi_Minh", "Asia/Ho_Chi_Minh"),
        (scalars.Address, "lan@example.com", "lan@example.com"),
        (scalars.Colour, "#0b5d4e", "#0b5d4e"),
        (scalars.Currency, "VND", "VND"),
        (scalars.Language, "vi", "vi"),
        (scalars.SecureUrl, "https://crm.example.com", "https://crm.example.com"),
        (scalars.Code, "COMEBACK10", "COMEBACK10"),
        (scalars.Clause, "loyal", "loyal"),
        (scalars.Clause, {"any": []}, {"any": []}),
    ],
)
def test_what_people_write_is_read(kind: Any, written: object, value: object) -> None:
    """The forms that the docs show."""
    assert TypeAdapter(kind).validate_python(written) == value


@pytest.mark.parametrize(
    ("kind", "written", "said"),
    [
        (scalars.Duration, 5, "5 is not a duration; write a number and m, h, d or w, such as 5d"),
        (scalars.Duration, "999999999d", "'999999999d' is not a duration"),
        (scalars.Duration, "22:00", "'22:00' is not a duration"),
        (scalars.Clock, "24:00", "'24:00' is not a time of day"),
        (scalars.Clock, 540, "540 is not a time of day"),
        (scalars.Share, "110%", "'110%' is more than 100 %"),
        (scalars.Share, "10", "'10' is not a share; write a percentage, such as 10%"),
        (scalars.Share, 10, "10 is not a share"),
        (scalars.Span, "0d", "'0d' is no time at all; write a longer one, such as 5d"),
        (scalars.Span, "soon", "'soon' is not a duration"),
        (scalars.Name, "Win-back", "'Win-back' is not a name"),
        (scalars.Name, None, "nothing is not a name"),
        (scalars.Whole, "010", "'010' is not a whole number; write digits without a leading 0"),
        (scalars.Whole, True, "true is not a whole number"),
        (scalars.Zone, "Europe/Londn", "'Europe/Londn' is not a time zone; did you mean 'Europe/London'?"),
        (scalars.Zone, "../../etc/passwd", "'../../etc/passwd' is not a time zone; use an IANA name"),
        (scalars.Zone, 7, "7 is not a time zone"),
        (scalars.Address, "Lan", "'Lan' is not an e-mail address"),
        (scalars.Address, "a@b.co\nBcc: c@d.co", "is not an e-mail address"),  # R48
        (scalars.Colour, "green", "'green' is not a colour"),
        (scalars.Currency, "usd", "'usd' is not an ISO 4217 currency; did you mean 'USD'?"),
        (scalars.Currency, "QQQ", "'QQQ' is not an ISO 4217 currency; write one such as USD"),
        (scalars.Currency, 7, "7 is not an ISO 4217 currency"),
        (scalars.Language, "english", "'english' is not a language of two letters"),
        (scalars.SecureUrl, "http://crm.example.com", "is not an https address"),
        (scalars.Code, "come back", "'come back' is not a code"),
        (scalars.Clause, [], "a list is not a condition"),
        (scalars.Clause, " ", "' ' is not a condition"),
    ],
)
def test_anything_else_is_refused_with_an_example(kind: Any, written: object, said: str) -> None:
    """The message shows what was written, says what it is not, and gives a form that works (R48)."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(written)
    assert said in caught.value.errors()[0]["msg"]


@given(st.integers(min_value=0, max_value=99_999), st.sampled_from("mhd"))
def test_a_duration_is_written_as_it_is_read(number: int, unit: str) -> None:
    """The shortest form reads back as the same span."""
    span = scalars.parse_duration(f"{number}{unit}")
    assert scalars.parse_duration(scalars.format_duration(span)) == span


@given(st.integers(min_value=0, max_value=10_000))
def test_a_share_is_written_as_it_is_read(hundredths: int) -> None:
    """Any share of two decimals survives a round trip."""
    adapter = TypeAdapter(scalars.Share)
    share = adapter.validate_python(f"{hundredths / 100:g}%")
    assert adapter.validate_python(adapter.dump_python(share)) == share


def test_a_choice_between_a_plain_value_and_a_mapping_is_told_by_its_form() -> None:
    """The tag is one that no key of a file can be mistaken for."""
    assert [scalars.form(value) for value in ("5d", {"until": "goal"}, Everything())] == [
        "<plain>",
        "<mapping>",
        "<mapping>",
    ]
