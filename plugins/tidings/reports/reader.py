"""Who reads the report: their words and the way they write numbers, money and dates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from math import floor, isfinite, log10
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tidings.content.formats import babel_locale, format_day, language
from tidings.errors import TidingsError, Where
from tidings.model.counts import Estimate
from tidings.model.money import exponent
from tidings.reports.reasons import reason_sentence
from tidings.yamlfile import read_yaml

if TYPE_CHECKING:
    from babel import Locale

FOLDER = Path("templates", "reports")
SIGNIFICANT = 3


@dataclass(frozen=True)
class Spoken:
    """An estimate in words: the number, its limits, and both limits as `low to high`."""

    value: str
    low: str
    high: str
    interval: str


@dataclass(frozen=True)
class Reader:
    """One reader's language and formats.

    Estimates keep three significant digits; counts, being exact, keep all of theirs.
    """

    words: Mapping[str, str]
    language: str
    locale: Locale
    currency: str
    timezone: str = "UTC"

    def say(self, key: str, *, number: float | None = None, **values: str) -> str:
        """The sentence `key` with its blanks filled; its form `key_one` where `number` is 1."""
        name = f"{key}_one" if number == 1 and f"{key}_one" in self.words else key
        try:
            return self.words[name].format(**values)
        except (KeyError, ValueError, IndexError, AttributeError) as error:
            file = str(FOLDER / f"words.{self.language}.yaml")
            reason = f"the sentence {name!r} cannot be written: {error}"
            fix = "compare it with words.en.yaml of a new workspace"
            raise TidingsError(reason, fix, Where(file)) from error

    def reason(self, code: str) -> str:
        """Why somebody got no message."""
        return reason_sentence(code, self.language)

    def count(self, n: int) -> str:
        """A number of people or messages, in full."""
        return self._decimal(Decimal(n), 0)

    def share(self, part: int, whole: int) -> str:
        """A part of a whole as a percentage of three significant digits; the whole holds somebody."""
        number = Decimal(part) / Decimal(whole) * 100
        return self._percent(number, min(_places(float(number)), 2))

    def confidence(self, level: float) -> str:
        """The level of an interval: .95 is `95%`."""
        return self._percent(Decimal(str(level)) * 100, 0 if round(level * 100, 9).is_integer() else 1)

    def money(self, minor: int) -> str:
        """An exact amount, in full."""
        digits = exponent(self.currency)
        return self._money(Decimal(minor).scaleb(-digits), digits)

    def number(self, number: float) -> str:
        """A plain number of at most three significant digits: days, a p-value."""
        places = _places(number)
        short = _rounded(number, places).normalize()
        return self._decimal(short, max(-int(short.as_tuple().exponent), 0))

    def points(self, number: float) -> str:
        """A difference of shares (.0321) in percentage points (`3.21`), without the unit."""
        places = _places(number * 100)
        return self._decimal(_rounded(number * 100, places), places)

    def moment(self, when: datetime) -> str:
        """Date and time of day, with the time zone they are in."""
        local = when.astimezone(ZoneInfo(self.timezone))
        return f"{format_day(local.date(), 'long', str(self.locale))}, {local:%H:%M} ({self.timezone})"

    def spoken_points(self, estimate: Estimate) -> Spoken:
        """A lift in percentage points."""
        return self._spoken(estimate, Decimal(100), _places)

    def spoken_number(self, estimate: Estimate) -> Spoken:
        """A number of buyers or orders that was estimated: whole ones, three significant digits."""
        return self._spoken(estimate, Decimal(1), lambda _: 0)

    def spoken_money(self, estimate: Estimate) -> Spoken:
        """Money that was estimated, from minor units; with all of its minor digits or with none."""
        digits = exponent(self.currency)
        unit = Decimal(1).scaleb(-digits)
        return self._spoken(estimate, unit, lambda largest: digits if _places(largest) else 0, money=True)

    def _spoken(
        self, estimate: Estimate, unit: Decimal, places_for: Callable[[float], int], money: bool = False
    ) -> Spoken:
        numbers = [float(Decimal(repr(n)) * unit) for n in (estimate.value, estimate.low, estimate.high)]
        places = places_for(max(abs(number) for number in numbers))
        value = self._written(numbers[0], places, money)
        low, high = (self._limit(number, places, money) for number in numbers[1:])
        return Spoken(value, low, high, self.say("interval", low=low, high=high))

    def _limit(self, number: float, places: int, money: bool) -> str:
        # A limit that is not zero must not be printed as zero: the reader looks there for the verdict.
        if number and not _rounded(number, places):
            places = _places(number, 1)
        return self._written(number, places, money)

    def _written(self, number: float, places: int, money: bool) -> str:
        rounded = _rounded(number, places)
        return self._money(rounded, places) if money else self._decimal(rounded, places)

    def _decimal(self, number: Decimal, places: int) -> str:
        return self._apply(self.locale.decimal_formats[None].pattern, number, places)

    def _percent(self, number: Decimal, places: int) -> str:
        return self._apply(self.locale.percent_formats[None].pattern, number / 100, places)

    def _money(self, number: Decimal, places: int) -> str:
        return self._apply(self.locale.currency_formats["standard"].pattern, number, places)

    def _apply(self, pattern: str, number: Decimal, places: int) -> str:
        from babel.numbers import parse_pattern

        format_ = parse_pattern(pattern)
        format_.frac_prec = (places, places)
        currency = self.currency if "¤" in pattern else None
        return str(format_.apply(number, self.locale, currency=currency, currency_digits=False))


def load_reader(root: Path, locale: str, currency: str, timezone: str = "UTC") -> Reader:
    """The reader of that locale with the words of `templates/reports/words.<language>.yaml` under `root`.

    A language without a file reads English, in English formats; a sentence that a file lacks is taken from
    the English one. TidingsError where the English words are missing.
    """
    spoken = language(locale)
    if not _words_file(root, spoken).is_file():
        spoken, locale = "en", "en"
    words = _words(root, "en") | (_words(root, spoken) if spoken != "en" else {})
    return Reader(words, spoken, babel_locale(locale), currency, timezone)


def _words_file(root: Path, spoken: str) -> Path:
    return root / FOLDER / f"words.{spoken}.yaml"


def _words(root: Path, spoken: str) -> dict[str, str]:
    path = _words_file(root, spoken)
    if not path.is_file():
        where = Where(str(path.relative_to(root)))
        raise TidingsError("the words of the report are missing", "copy them from a new workspace", where)
    document = read_yaml(path, root)
    if not isinstance(document.data, dict):
        raise TidingsError("the words are not a mapping", "write `key: sentence` lines", document.where())
    for key, sentence in document.data.items():
        if not isinstance(sentence, str):
            raise TidingsError(f"{key!r} is not a sentence", "write text in quotes", document.where([key]))
    return document.data


def _places(number: float, significant: int = SIGNIFICANT) -> int:
    """Digits after the point that leave so many significant ones; never more than six."""
    if not number or not isfinite(number):
        return 0
    return min(max(significant - 1 - floor(log10(abs(number))), 0), 6)


def _rounded(number: float, places: int) -> Decimal:
    """To so many places, and to three significant digits where the number is large; never minus zero."""
    large = floor(log10(abs(number))) - SIGNIFICANT + 1 if number else 0
    quantum = Decimal(1).scaleb(large if large > 0 else -places)
    rounded = Decimal(repr(float(number))).quantize(quantum, ROUND_HALF_EVEN)
    return rounded.quantize(Decimal(1).scaleb(-places)) + 0
