"""Money, dates and numbers as the reader's language writes them; the filters of templates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tidings.errors import TidingsError
from tidings.model.money import exponent

if TYPE_CHECKING:
    from babel import Locale

_DATES = ("short", "medium", "long", "full")


@lru_cache(maxsize=64)
def babel_locale(locale: str) -> Locale:
    """Babel's locale for a language tag; the language alone, then English, where the tag is not known."""
    from babel import Locale, UnknownLocaleError

    for tag in (locale.replace("-", "_"), language(locale), "en"):
        try:
            return Locale.parse(tag)
        except (UnknownLocaleError, ValueError):
            continue
    raise AssertionError("Babel knows English")


def language(locale: str) -> str:
    """The language of a tag: `vi` of `vi-VN` or `vi_VN`."""
    return locale.replace("_", "-").split("-")[0].lower()


@lru_cache(maxsize=65_536)
def format_money(minor: int, currency: str, locale: str) -> str:
    """Minor units as an amount: 1250 USD is `$12.50` in English, `12,50 US$` in Vietnamese."""
    from babel.numbers import format_currency

    amount = Decimal(minor).scaleb(-exponent(currency))
    return str(format_currency(amount, currency, locale=babel_locale(locale)))


@lru_cache(maxsize=4_096)
def format_day(day: date, style: str, locale: str) -> str:
    """A date; `style` is short, medium, long, full, or `day` for day and month without the year."""
    from babel.dates import format_date, format_skeleton

    if style == "day":
        return str(format_skeleton("MMMMd", day, locale=babel_locale(locale)))
    return str(format_date(day, style, locale=babel_locale(locale)))


@lru_cache(maxsize=4_096)
def format_number(value: float, locale: str) -> str:
    """A number with the locale's separators."""
    from babel.numbers import format_decimal

    return str(format_decimal(value, locale=babel_locale(locale)))


@lru_cache(maxsize=256)
def format_share(value: float, locale: str) -> str:
    """A share of 1 as a percentage: .1 is `10%`."""
    from babel.numbers import format_percent

    return str(format_percent(value, locale=babel_locale(locale)))


def filters(locale: str, currency: str) -> dict[str, Callable[..., str]]:
    """`money`, `date`, `number` and `percent` for one locale and currency.

    They raise TidingsError for a value of another kind, such as money that is not an int of minor units.
    """

    def money(value: Any) -> str:
        if not isinstance(value, int) or isinstance(value, bool):
            raise TidingsError(f"`money` wants minor units as a whole number, not {value!r}", "pass a price")
        return format_money(value, currency, locale)

    def day(value: Any, style: str = "long") -> str:
        if style not in (*_DATES, "day"):
            raise TidingsError(f"there is no date style {style!r}", f"use one of {', '.join((*_DATES, 'day'))}")
        if not isinstance(value, date):
            raise TidingsError(f"`date` wants a date, not {value!r}", "pass a date such as offer.expires")
        return format_day(value.date() if isinstance(value, datetime) else value, style, locale)

    def number(value: Any) -> str:
        return format_number(_number(value, "number"), locale)

    def percent(value: Any) -> str:
        return format_share(_number(value, "percent"), locale)

    return {"money": money, "date": day, "number": number, "percent": percent}


def _number(value: Any, name: str) -> float:
    if not isinstance(value, int | float | Decimal) or isinstance(value, bool):
        raise TidingsError(f"`{name}` wants a number, not {value!r}", "pass a number")
    return float(value) if isinstance(value, Decimal) else value
