"""Who is a regular, who has lapsed, who has just bought for the first time and who never bought."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Stage = Literal["regular", "lapsed", "first_time", "registered"]

LAPSED, FIRST_TIME, REGISTERED = 0.15, 0.08, 0.03
LAPSED_DAYS = (60, 200)
"""A lapsed customer's orders stop this many days before the demo's end."""

SETTLED_ORDERS = 5
"""What a lapsed customer has bought before the earliest such day, so that there is a habit to lose."""

RECENT = timedelta(days=30)
"""A first-time buyer's one order lies in these last days of history."""

SETTLED_DAYS = (30, 1500)
JOINING = timedelta(days=56)


@dataclass(frozen=True)
class Bought:
    """A customer's orders before the draw: all, those no lapse can cut, those of the last days."""

    total: int = 0
    settled: int = 0
    recent: int = 0


@dataclass(frozen=True)
class Life:
    """A stage; `until` ends a lapsed customer's orders, `only` is which recent order a newcomer keeps."""

    stage: Stage
    until: datetime | None = None
    only: int | None = None


def draw_lives(rng: random.Random, bought: Sequence[Bought], end: datetime) -> list[Life]:
    """A life for each customer, in the shares above (of all, rounded), only where the history allows it.

    Customers without any order are registered whatever the share.
    """
    count = len(bought)
    lives = [Life("regular")] * count
    free = set(range(count))

    def choose(wanted: int, allowed: Sequence[int]) -> list[int]:
        chosen = rng.sample(allowed, max(0, min(len(allowed), wanted)))
        free.difference_update(chosen)
        return chosen

    without = choose(count, [i for i in range(count) if not bought[i].total])
    for index in choose(round(count * FIRST_TIME), [i for i in sorted(free) if bought[i].recent]):
        lives[index] = Life("first_time", only=rng.randrange(bought[index].recent) + 1)
    settled = [i for i in sorted(free) if bought[i].settled >= SETTLED_ORDERS]
    for index in choose(round(count * LAPSED), settled):
        until = end - timedelta(days=rng.uniform(*LAPSED_DAYS))
        lives[index] = Life("lapsed", until=until.replace(microsecond=0))
    for index in without + choose(round(count * REGISTERED) - len(without), sorted(free)):
        lives[index] = Life("registered")
    return lives


def draw_created_at(rng: random.Random, first_order: datetime | None, start: datetime, cut: datetime) -> datetime:
    """When the account was made.

    Who bought in the first weeks of history was a customer before it began; others signed up within two days
    before their first order; who never ordered did so at any time in the last year.
    """
    if first_order is None:
        made = cut - timedelta(days=rng.uniform(5, 365))
    elif first_order < start + JOINING:
        made = start - timedelta(days=rng.uniform(*SETTLED_DAYS))
    else:
        made = first_order - timedelta(days=rng.uniform(0.01, 2))
    return made.replace(microsecond=0)
