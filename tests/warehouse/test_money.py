from __future__ import annotations

import pytest

from tidings.warehouse.money import exponent


@pytest.mark.parametrize(
    ("currency", "digits"), [("USD", 2), ("EUR", 2), ("VND", 0), ("JPY", 0), ("KWD", 3), ("CLF", 4)]
)
def test_the_exponent_is_that_of_iso_4217(currency: str, digits: int) -> None:
    """Dollars have cents, dong nothing smaller, dinars a thousandth."""
    assert exponent(currency) == digits
