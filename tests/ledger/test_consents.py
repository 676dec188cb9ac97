from __future__ import annotations

import random
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.ledger.rows import DAY, NOW, add_persons, consent, key
from tidings.ledger.consents import append, granted, save_consents
from tidings.ledger.database import Ledger
from tidings.ledger.tables import consents

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


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_latest_word_counts_in_any_order_of_arrival(ledger: Ledger, order: tuple[int, ...]) -> None:
    """Yes, no, yes again is a yes, however the records came in."""
    words = [
        consent(LAN, recorded_at=NOW - 3 * DAY),
        consent(LAN, "withdrawn", recorded_at=NOW - 2 * DAY),
        consent(LAN, recorded_at=NOW - DAY, source="form"),
    ]
    assert EMAIL == _granted(ledger, *[words[index] for index in order])


@pytest.mark.parametrize("order", [1, -1])
def test_a_withdrawal_wins_a_tie(ledger: Ledger, order: int) -> None:
    """A yes and a no of the same moment are a no, whichever came first."""
    both = [consent(LAN), consent(LAN, "withdrawn", source="link")]
    assert set() == _granted(ledger, *both[::order])


def test_a_record_is_kept_once(ledger: Ledger) -> None:
    """Importing the same records again, in any order and twice in one call, adds nothing; only what is new counts."""
    rows = [consent(LAN), consent(TUAN), consent(LAN, "withdrawn", recorded_at=NOW)]
    with ledger.write() as connection:
        add_persons(connection, LAN, TUAN)
        assert 2 == save_consents(connection, [rows[0], rows[1], rows[0]])
        random.Random(1).shuffle(rows)
        assert 1 == save_consents(connection, rows)
        append(connection, rows[0])
        append(connection, rows[1] | {"source": "link"})
        assert 4 == connection.execute(select(func.count()).select_from(consents)).scalar()


def test_many_persons_are_asked_in_pieces(ledger: Ledger) -> None:
    """More persons than one statement takes are answered all the same."""
    keys = [key(number) for number in range(1, 1203)]
    with ledger.write() as connection:
        add_persons(connection, *keys)
        assert 1202 == save_consents(connection, [consent(one) for one in keys])
        assert {(one, "email") for one in keys} == granted(connection, "marketing", NOW, keys)
        assert {(keys[7], "email")} == granted(connection, "marketing", NOW, [keys[7]])
