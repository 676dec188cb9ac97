"""Two profiles of one person are mailed once, on whichever days they enter, in any number of workers (R65)."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import timedelta
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tests.databases import ledger, ledger_url, project
from tests.planning.campaigns import SEND, campaign
from tests.stage import DAY, NOW, Stage, either, key, person
from tests.verbs.walk import letters
from tests.workspace import shop
from tidings.ledger.database import Ledger
from tidings.ledger.tables import assignments, enrolments, persons
from tidings.testing.racing import at_once
from tidings.verbs.approve import approve
from tidings.verbs.deliver import deliver
from tidings.verbs.plan import plan
from tidings.verbs.refresh import refresh
from tidings.verbs.tick import tick

__all__ = ["either", "ledger", "ledger_url", "project"]


def _in_two_workers(stage: Stage, now: Any) -> None:
    """Deliver by two workers at once, each with its shard, and then by both without."""
    for shards in ([(0, 2), (1, 2)], [None, None]):
        at_once(*(partial(deliver, stage.project, now, shard=shard) for shard in shards))


def test_whichever_days_they_enter(either: Stage) -> None:
    """Nine persons of two profiles that come in on all pairs of three days, and go again: each step once a person."""
    days = list(product(range(3), range(3)))
    enter = {"include": "readers", "enter": "on_entry", "backlog": "all"}
    steps = [SEND, {"id": "pause", "wait": "1d"}, SEND | {"id": "again"}]
    either.add(campaign(campaign="flow", approval="none", audience=enter, steps=steps))
    either.add(campaign(approval="none"))
    for day in range(5):
        people = []
        for number, pair in enumerate(days, start=1):
            for profile, first in enumerate(pair):
                there = ("readers",) if first <= day <= first + 1 else ()
                same = {"person_key": key(number * 2**108), "represents": profile == day % 2, "segments": there}
                people.append(person(100 * profile + number, **same))
        either.people(people, NOW + day * DAY)
        for name in ("letter", "flow"):
            either.plan(name, NOW + day * DAY)
        _in_two_workers(either, NOW + day * DAY)
        tick(either.project, NOW + day * DAY)
    rows = either.rows()
    assert {"accepted"} == {row["state"] for row in rows}
    flow = Counter((row["person_key"], row["step"]) for row in rows if row["campaign"] == "flow")
    assert {1} == set(flow.values())
    assert 18 == len(flow)
    letter = Counter((row["person_key"], row["occasion"]) for row in rows if row["campaign"] == "letter")
    assert {1} == set(letter.values())
    box = list((either.project.state / "outbox" / "email").glob("*.eml"))
    assert len(rows) == len(box)


def test_two_who_turn_out_to_be_one(tmp_path: Path) -> None:
    """Two customers enter the flow apart, then share an address: from there on one person gets each step once."""
    workspace = shop(tmp_path)
    approve(workspace, "win_back", NOW, who="lan")
    made = plan(workspace, "win_back", NOW, commit=True)
    with Ledger.open(workspace) as opened, opened.read() as connection:
        age = dict(connection.execute(select(persons.c.person_key, persons.c.number)).all())
    # Both are still to get their first message when the refresh finds out.
    waiting = made.rows[(made.rows["decision"] == "planned") & (made.rows["not_before"] > NOW)]
    pairs = sorted(zip(waiting["person_key"], waiting["customer_id"], strict=True), key=lambda pair: age[pair[0]])
    (older, first), (younger, second) = pairs[:2]
    path = workspace.root / "data" / "customers.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    email = next(row["email"] for row in rows if row["customer_id"] == first)
    for row in rows:
        row["email"] = email if row["customer_id"] == second else row["email"]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    refresh(workspace, NOW + timedelta(hours=1))
    for half in (2, 3, 10, 11, 12, 13, 30, 31, 32, 33, 36):
        tick(workspace, NOW + half * DAY / 2)
    with Ledger.open(workspace) as opened, opened.read() as connection:
        merged = connection.execute(select(persons.c.merged_into).where(persons.c.person_key == younger)).scalar()
        arms = connection.execute(select(assignments).where(assignments.c.person_key.in_([older, younger]))).all()
        rounds = connection.execute(select(enrolments).where(enrolments.c.customer_id.in_([first, second]))).all()
    assert older == merged
    assert 2 == len(arms)
    assert {"finished", "exited"} == {row.state for row in rounds}
    assert {"merged", None} == {row.reason for row in rounds}
    got = [step for customer in (first, second) for step in letters(workspace, customer)]
    assert "miss_you" in got
    assert len(got) == len(set(got))
