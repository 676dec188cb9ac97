"""Durations, clock times, shares and names as people write them in YAML."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, BeforeValidator, PlainSerializer, PlainValidator

from tidings.errors import did_you_mean
from tidings.model.mistakes import shown
from tidings.model.money import CURRENCIES

NAME = re.compile(r"[a-z][a-z0-9_]*")
"""What can be a file, a column and a part of a URL."""

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(\d{1,5})\s*([mhdw])")
_SECONDS = {"s": 1, "min": 60, "h": 3600}
_RATE = re.compile(r"(\d{1,9})\s*/\s*(s|min|h)")
_FIFTHS = re.compile(r"([1-5])(?:-([1-5]))?")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;.]+")


def parse_duration(value: Any) -> timedelta:
    """`30m`, `2h`, `5d` or `1w` as a time span; ValueError with the accepted forms otherwise."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{shown(value)} is not a duration; write a number and m, h, d or w, such as 5d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def parse_span(value: Any) -> timedelta:
    """A duration longer than nothing; ValueError otherwise."""
    span = parse_duration(value)
    if not span:
        raise ValueError(f"{shown(value)} is no time at all; write a longer one, such as 5d")
    return span


def parse_days(value: Any) -> timedelta:
    """A duration of whole days, `0d` among them; ValueError otherwise."""
    span = parse_duration(value)
    if span % timedelta(days=1):
        raise ValueError(f"{shown(value)} is not a number of whole days; write one such as 3d")
    return span


def parse_fifths(value: Any) -> tuple[int, int]:
    """`4-5` as (4, 5), `5` as (5, 5): the first and the last of five; ValueError otherwise."""
    match = _FIFTHS.fullmatch(str(value)) if isinstance(value, (int, str)) else None
    if match is None or int(match[1]) > int(match[2] or 5):
        raise ValueError(f"{shown(value)} is none of the fifths 1 to 5; write one, or a range such as 4-5")
    return int(match[1]), int(match[2] or match[1])


def format_duration(span: timedelta) -> str:
    """The shortest of the forms `parse_duration` reads."""
    minutes = int(span.total_seconds() // 60)
    for unit, size in (("d", 1440), ("h", 60)):
        if minutes % size == 0 and minutes:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


def parse_clock(value: Any) -> time:
    """`09:00` as a time of day; ValueError otherwise."""
    if isinstance(value, time):
        return value
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'{shown(value)} is not a time of day; write hours and minutes, such as "09:00"')
    return time(int(match[1]), int(match[2]))


def parse_share(value: Any) -> float:
    """`10%` as .1; ValueError unless between 0 % and 100 %."""
    if isinstance(value, float) and 0 <= value <= 1:
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{shown(value)} is not a share; write a percentage, such as 10%")
    if float(match[1]) > 100:
        raise ValueError(f"{shown(value)} is more than 100 %; a share lies between 0% and 100%")
    return float(Decimal(match[1]) / 100)


def parse_name(value: Any) -> str:
    """A name that can be a file, a column and a URL part; ValueError otherwise."""
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise ValueError(f"{shown(value)} is not a name; use lower-case letters, digits and _, letter first")
    return value


def parse_whole(value: Any) -> Any:
    """A whole number, also as text from an environment variable; ValueError for `010` and `yes`."""
    if isinstance(value, bool) or (isinstance(value, str) and not re.fullmatch(r"0|-?[1-9]\d{0,17}", value)):
        raise ValueError(f"{shown(value)} is not a whole number; write digits without a leading 0")
    return value


def parse_address(value: Any) -> str:
    """An e-mail address; ValueError otherwise. Whether anybody reads it is not asked."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise ValueError(f"{shown(value)} is not an e-mail address; write one such as lan@example.com")
    return value


def parse_clause(value: Any) -> str | dict[str, Any]:
    """A name or an expression, or a mapping; what stands in it is checked later, against the project."""
    if isinstance(value, dict) or (isinstance(value, str) and value.strip()):
        return value
    raise ValueError(f"{shown(value)} is not a condition; write a name, or a mapping such as any: [...]")


def parse_day(value: Any) -> date:
    """`2026-11-22` as a date; ValueError otherwise."""
    if isinstance(value, date):
        return value
    try:
        if isinstance(value, str) and len(value) == 10:
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError(f"{shown(value)} is not a day; write one such as 2026-11-22")


def parse_rate(value: Any) -> float:
    """`600/min` as 10 messages a second; ValueError with the accepted forms otherwise."""
    if isinstance(value, float) and value > 0:
        return value
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None or not int(match[1]):
        raise ValueError(f"{shown(value)} is not a rate; write messages a second, minute or hour, such as 600/min")
    return int(match[1]) / _SECONDS[match[2]]


def parse_currency(value: Any) -> str:
    """A currency of ISO 4217; ValueError with the nearest one otherwise."""
    if isinstance(value, str) and value in CURRENCIES:
        return value
    hint = did_you_mean(str(value).upper(), list(CURRENCIES))
    fix = hint if hint.startswith("did") else "write one such as USD"
    raise ValueError(f"{shown(value)} is not an ISO 4217 currency; {fix}")


def parse_zone(value: Any) -> str:
    """The IANA name of a time zone; ValueError with the nearest one otherwise."""
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
        hint = did_you_mean(str(value), sorted(available_timezones()))
        fix = hint if hint.startswith("did") else "use an IANA name such as Asia/Ho_Chi_Minh"
        raise ValueError(f"{shown(value)} is not a time zone; {fix}") from error


def form(value: Any) -> str:
    """The tag of a choice between a plain value and a mapping."""
    return "<mapping>" if isinstance(value, (dict, BaseModel)) else "<plain>"


def _matching(pattern: str, noun: str, example: str) -> BeforeValidator:
    """Text of one form, described in words where it does not match."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(f"{shown(value)} is not {noun}; write one such as {example}")
        return value

    return BeforeValidator(check)


def _share_text(share: float) -> str:
    return f"{share * 100:g}%"


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration)]
Span = Annotated[timedelta, BeforeValidator(parse_span), PlainSerializer(format_duration)]
Days = Annotated[timedelta, BeforeValidator(parse_days), PlainSerializer(format_duration)]
Fifths = Annotated[
    tuple[int, int], PlainValidator(parse_fifths), PlainSerializer(lambda fifths: f"{fifths[0]}-{fifths[1]}")
]
Clock = Annotated[time, BeforeValidator(parse_clock), PlainSerializer(lambda at: at.strftime("%H:%M"))]
Share = Annotated[float, BeforeValidator(parse_share), PlainSerializer(_share_text)]
Name = Annotated[str, BeforeValidator(parse_name)]
Whole = Annotated[int, BeforeValidator(parse_whole)]
Address = Annotated[str, BeforeValidator(parse_address)]
Clause = Annotated[str | dict[str, Any], PlainValidator(parse_clause)]
Zone = Annotated[str, BeforeValidator(parse_zone)]
Currency = Annotated[str, BeforeValidator(parse_currency)]
Language = Annotated[str, _matching(r"[a-z]{2}", "a language of two letters", "en")]
Colour = Annotated[str, _matching(r"#[0-9a-fA-F]{6}", "a colour", '"#0b5d4e"')]
SecureUrl = Annotated[str, _matching(r"https://[^\s/]+[^\s]*", "an https address", "https://crm.example.com")]
Day = Annotated[date, BeforeValidator(parse_day)]
Rate = Annotated[float, BeforeValidator(parse_rate), PlainSerializer(lambda rate: f"{rate * 3600:.0f}/h")]
Domain = Annotated[str, _matching(r"[a-z0-9-]+(\.[a-z0-9-]+)+", "a domain in small letters", "gmail.com")]
Code = Annotated[str, _matching(r"[A-Z0-9]{3,20}", "a code of 3–20 capitals and digits", "COMEBACK10")]
