from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.ledger.rows import DAY, NOW, add_persons, consent, key
from tidings.ledger.consents import granted, save_consents
from tidings.ledger.database import Ledger

LAN, TUAN = key(1), key(2)
EMAIL = {(LAN, "email")}


def _granted(ledger: Ledger, *rows: dict[str, Any], at: timedelta = timedelta()) -> set[tuple[str, str]]:
    with ledger.write() as connection:
        add_persons(connection, LAN, TUAN)
        save_consents(connection, rows)
    with ledger.read() as connection:
        found = granted(connection, "marketing", NOW + at)
        assert found == granted(connection, "marketing", NOW + at, [LAN, TUAN])
    return found


def test_without_a_record_there_is_no_consent(ledger: Ledger) -> None:
    """Silence is no consent (R25)."""
    assert set() == _granted(ledger)


def test_a_consent_is_for_its_channel_and_purpose(ledger: Ledger) -> None:
    """A yes to service mail or to SMS is none to marketing by e-mail (R25)."""
    rows = [consent(LAN, purpose="service"), consent(TUAN, channel="sms")]
    assert {(TUAN, "sms")} == _granted(ledger, *rows)


@pytest.mark.parametrize(("after", "valid"), [(-1, True), (0, False), (1, False)])
def test_a_consent_expires(ledger: Ledger, after: int, valid: bool) -> None:
    """A consent holds until the moment it expires, and no longer (R25)."""
    expires = NOW + 10 * DAY
    at = expires - NOW + timedelta(seconds=after)
    assert (EMAIL if valid else set()) == _granted(ledger, consent(LAN, expires_at=expires), at=at)


def test_a_consent_of_tomorrow_does_not_count_today(ledger: Ledger) -> None:
    """What is recorded for later begins later."""
    assert set() == _granted(ledger, consent(LAN, recorded_at=NOW + DAY))


def test_a_withdrawal_counts_whatever_the_clock_says(ledger: Ledger) -> None:
    """A no that was recorded after a run began, or before the clock was set back, holds in that run (R19, R24)."""
    assert set() == _granted(ledger, consent(LAN), consent(LAN, "withdrawn", recorded_at=NOW + DAY))


def test_many_persons_are_asked_in_pieces(ledger: Ledger) -> None:
    """More persons than one statement takes are answered all the same."""
    keys = [key(number) for number in range(1, 1203)]
    with ledger.write() as connection:
        add_persons(connection, *keys)
        assert 1202 == save_consents(connection, [consent(one) for one in keys])
        assert {(one, "email") for one in keys} == granted(connection, "marketing", NOW, keys)
        assert {(keys[7], "email")} == granted(connection, "marketing", NOW, [keys[7]])
