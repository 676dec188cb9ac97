"""What customers agreed to and what they complained about."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tidings.demo.contacts import pick
from tidings.demo.lifecycle import Stage
from tidings.demo.tables import Row

GRANTED = {"email": 0.84, "sms": 0.60}
WITHDRAWN_LATER, EXPIRED, EXPIRES_LATER, DECLINED = 0.05, 0.02, 0.10, 0.30
"""Of the grants, how many were withdrawn, ran out, will run out; of the rest, how many said no aloud."""

OPEN_CASE = {"regular": 0.03, "lapsed": 0.06, "first_time": 0.03, "registered": 0.0}
CLOSED_CASE = 0.06
OLD_ENOUGH = timedelta(days=60)

SIGN_UPS = {"web form": 60, "checkout": 30, "paper form": 10}
WITHDRAWALS = {"unsubscribe link": 70, "service desk": 30}
TOPICS = {"damaged goods": 30, "late delivery": 25, "wrong item": 20, "refund": 15, "price at the till": 10}


@dataclass(frozen=True)
class Subject:
    """A customer as consents and cases see one; instants are UTC."""

    customer_id: str
    stage: Stage
    created_at: datetime
    last_order: datetime | None


def draw_consents(rng: random.Random, subjects: Sequence[Subject], cut: datetime) -> list[Row]:
    """Rows of the consents table, by channel: an answer at sign-up and, for some, a withdrawal later.

    Drawn without regard to whether there is an address. Only grants older than OLD_ENOUGH may have run out.
    """
    rows = []
    for channel, share in GRANTED.items():
        granted = set(rng.sample(range(len(subjects)), round(len(subjects) * share)))
        for index, subject in enumerate(subjects):
            agreed, answered = index in granted, subject.created_at + timedelta(minutes=rng.randint(0, 10))
            if not agreed and rng.random() >= DECLINED:
                continue
            answer = "granted" if agreed else "withdrawn"
            rows.append(_row(subject, channel, answer, answered, pick(rng, SIGN_UPS)))
            if not agreed:
                continue
            fate = rng.random()
            if fate < WITHDRAWN_LATER:
                withdrawn = _between(rng, answered, cut)
                rows.append(_row(subject, channel, "withdrawn", withdrawn, pick(rng, WITHDRAWALS)))
            elif fate < WITHDRAWN_LATER + EXPIRED and cut - answered > OLD_ENOUGH:
                rows[-1]["expires_at"] = _between(rng, max(answered, cut - timedelta(days=120)), cut)
            elif fate < WITHDRAWN_LATER + EXPIRED + EXPIRES_LATER:
                rows[-1]["expires_at"] = cut + timedelta(days=rng.randint(60, 700))
    return sorted(rows, key=lambda row: (row["recorded_at"], row["customer_id"], row["channel"]))


def draw_cases(rng: random.Random, subjects: Sequence[Subject], cut: datetime) -> list[Row]:
    """Rows of the cases table, all complaints: open ones follow the last order, closed ones lie before it."""
    rows = []
    for stage, share in OPEN_CASE.items():
        of_stage = [subject for subject in subjects if subject.stage == stage]
        for subject in rng.sample(of_stage, round(len(of_stage) * share)):
            since = subject.last_order or subject.created_at
            opened = _between(rng, since, min(cut, since + timedelta(days=5)))
            rows.append(_case(rng, subject, opened, None))
    buyers = [subject for subject in subjects if subject.last_order and subject.stage != "first_time"]
    for subject in rng.sample(buyers, round(len(subjects) * CLOSED_CASE)):
        opened = _between(rng, subject.created_at, subject.last_order or cut)
        rows.append(_case(rng, subject, opened, min(cut, opened + timedelta(hours=rng.randint(2, 14 * 24)))))
    rows.sort(key=lambda row: (row["opened_at"], row["customer_id"]))
    return [{"case_id": f"case-{number:04d}"} | row for number, row in enumerate(rows, start=1)]


def _row(subject: Subject, channel: str, state: str, recorded_at: datetime, source: str) -> Row:
    return {
        "customer_id": subject.customer_id,
        "channel": channel,
        "purpose": "marketing",
        "state": state,
        "recorded_at": recorded_at,
        "expires_at": None,
        "source": source,
    }


def _case(rng: random.Random, subject: Subject, opened: datetime, closed: datetime | None) -> Row:
    return {
        "customer_id": subject.customer_id,
        "opened_at": opened,
        "closed_at": closed,
        "topic": pick(rng, TOPICS),
    }


def _between(rng: random.Random, after: datetime, before: datetime) -> datetime:
    return (after + rng.random() * (before - after)).replace(microsecond=0)
