"""Money, dates and numbers as each language writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tidings.content.environment import make_environment
from tidings.content.formats import babel_locale, format_money, language
from tidings.errors import TidingsError
from tidings.model.money import exponent


def render(source: str, locale: str, currency: str = "USD", **values: object) -> str:
    """The source rendered in one language and currency."""
    return make_environment(locale, currency=currency).from_string(source).render(**values)


@pytest.mark.parametrize(
    ("locale", "currency", "minor", "expected"),
    [
        ("en", "USD", 123456, "$1,234.56"),
        ("vi", "USD", 123456, "1.234,56\xa0US$"),
        ("zh", "USD", 123456, "US$1,234.56"),
        ("vi", "VND", 1250000, "1.250.000\xa0₫"),
        ("en", "VND", 1250000, "₫1,250,000"),
        ("zh", "CNY", 9900, "¥99.00"),
        ("en-GB", "GBP", 5, "£0.05"),
        ("de", "EUR", -99, "-0,99\xa0€"),
        ("en", "JPY", 500, "¥500"),
        ("en", "KWD", 1500, "KWD1.500"),
    ],
)
def test_money_is_written_as_the_locale_writes_it(locale: str, currency: str, minor: int, expected: str) -> None:
    """Minor units are scaled by the currency's own exponent."""
    assert expected == render("{{ price | money }}", locale, currency, price=minor)


def test_exponents_are_those_of_iso_4217() -> None:
    """The Iraqi dinar has three digits, though Unicode's table, made for cash, says none."""
    assert [0, 2, 3, 4] == [exponent(code) for code in ("VND", "USD", "IQD", "CLF")]
    assert "IQD1,500" == format_money(1_500_000, "IQD", "en")


@pytest.mark.parametrize(
    ("locale", "style", "expected"),
    [
        ("en", "long", "November 30, 2026"),
        ("vi", "long", "30 tháng 11, 2026"),
        ("zh", "long", "2026年11月30日"),
        ("en", "day", "November 30"),
        ("vi", "day", "30 tháng 11"),
        ("zh", "day", "11月30日"),
        ("en", "short", "11/30/26"),
    ],
)
def test_dates_are_written_as_the_locale_writes_them(locale: str, style: str, expected: str) -> None:
    """A date and the date of a time read the same."""
    for day in (date(2026, 11, 30), datetime(2026, 11, 30, 12, tzinfo=UTC)):
        assert expected == render(f"{{{{ day | date('{style}') }}}}", locale, day=day)


def test_numbers_and_shares_follow_the_locale() -> None:
    """The separators are the locale's."""
    assert "1,234.5 20%" == render("{{ n | number }} {{ s | percent }}", "en", n=1234.5, s=0.2)
    assert "1.234,5 20%" == render("{{ n | number }} {{ s | percent }}", "vi", n=1234.5, s=0.2)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ 1.5 | money }}", "`money` wants minor units"),
        ("{{ true | money }}", "`money` wants minor units"),
        ("{{ none | money }}", "`money` wants minor units"),
        ("{{ 'tomorrow' | date }}", "`date` wants a date"),
        ("{{ day | date('longest') }}", "no date style 'longest'"),
        ("{{ 'x' | number }}", "`number` wants a number"),
        ("{{ 'x' | percent }}", "`percent` wants a number"),
    ],
)
def test_a_value_of_another_kind_is_refused(source: str, said: str) -> None:
    """A filter that cannot format a value says which one, rather than print nonsense."""
    with pytest.raises(TidingsError, match=said):
        render(source, "en", day=date(2026, 1, 1))


def test_an_unknown_locale_falls_back_to_its_language_then_to_english() -> None:
    """A tag that Babel does not know formats as the language does, or as English."""
    assert ["en_GB", "vi", "en", "en"] == [str(babel_locale(tag)) for tag in ("en-GB", "vi-XX", "tlh", "not a tag")]
    assert ["vi", "zh", "en"] == [language(tag) for tag in ("vi-VN", "ZH_hans", "en")]
