from __future__ import annotations

import pytest
from babel.core import get_global

from tidings.model.money import CURRENCIES, exponent


@pytest.mark.parametrize(
    ("currency", "digits"), [("USD", 2), ("EUR", 2), ("VND", 0), ("JPY", 0), ("KWD", 3), ("CLF", 4)]
)
def test_the_exponent_is_that_of_iso_4217(currency: str, digits: int) -> None:
    """Dollars have cents, dong nothing smaller, dinars a thousandth."""
    assert exponent(currency) == digits


def test_no_country_s_money_is_missing() -> None:
    """What is legal tender somewhere today, as Unicode has it, is a currency here."""
    found = {
        code
        for currencies in get_global("territory_currencies").values()
        for code, _, until, tender in currencies
        if tender and until is None
    }
    assert found - CURRENCIES.keys() == set()
    assert {"XYZ", "XXX", "DEM"} & CURRENCIES.keys() == set()
