"""Attributes of a customer that the source does not have: the birth date and the channel they prefer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta

from tidings.demo.contacts import Contact
from tidings.demo.tables import Row

BIRTH_DATE_GIVEN = 0.55
OLDEST = date(1930, 1, 1)
AGES = {
    "19-24": (19, 24), "25-34": (25, 34), "35-44": (35, 44),
    "45-54": (45, 54), "55-64": (55, 64), "65+": (65, 88),
}  # fmt: skip
ADULT = (19, 88)

PREFERRED_CHANNELS: dict[str | None, int] = {"email": 60, "sms": 25, None: 15}


def draw_birth_date(rng: random.Random, age: str | None, today: date) -> date | None:
    """A birth date within the age bracket, or any adult's; none for who gave none; never before 1930."""
    given, (youngest, oldest) = rng.random() < BIRTH_DATE_GIVEN, AGES.get(age or "", ADULT)
    days = rng.randint(youngest * 365 + youngest // 4 + 1, (oldest + 1) * 365)
    return max(OLDEST, today - timedelta(days=days)) if given else None


def draw_preferred_channel(rng: random.Random) -> str | None:
    """`email`, `sms` or None where the customer never said."""
    return rng.choices(list(PREFERRED_CHANNELS), list(PREFERRED_CHANNELS.values()))[0]


def share_birth_dates(rows: Sequence[Row], contacts: Sequence[Contact]) -> None:
    """Give second profiles, which are the same human, the birth date of the first."""
    for row, contact in zip(rows, contacts, strict=True):
        if contact.second_profile_of is not None:
            row["birth_date"] = rows[contact.second_profile_of]["birth_date"]
