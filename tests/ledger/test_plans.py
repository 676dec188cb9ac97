from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from tests.databases import beside, somebody_waits
from tests.ledger.rows import DAY, NOW, add_enrolment, add_message, add_persons, add_plan, key
from tests.waiting import wait_until
from tidings.ledger.database import Ledger
from tidings.ledger.plans import (
    Overtaken,
    approve,
    approved,
    counts_of,
    find_plan,
    finish_plan,
    get_plan,
    last_plan,
    list_plans,
    looked_at,
    reject,
    start_plan,
    unapproved,
)
from tidings.ledger.tables import approvals, enrolments, messages, plans

ONE, TWO = key(901), key(902)


def _record(plan_id: str, **changes: Any) -> dict[str, Any]:
    row = {
        "plan_id": plan_id,
        "campaign": "letter",
        "occasion": "2026-11-22",
        "snapshot_id": key(800),
        "definition_hash": "d" * 64,
        "commit": None,
        "dag_id": None,
        "run_id": None,
        "created_at": NOW,
    }
    return row | changes


@pytest.fixture(autouse=True)
def _snapshot(ledger: Ledger) -> None:
    with ledger.write() as connection:
        add_persons(connection, key(1))
        add_plan(connection, key(999), campaign="elsewhere")


def _build(ledger: Ledger, plan_id: str, **changes: Any) -> None:
    with ledger.write() as connection:
        start_plan(connection, _record(plan_id, **changes))


def _finish(ledger: Ledger, plan_id: str, state: str = "ready") -> None:
    with ledger.write() as connection:
        finish_plan(connection, plan_id, "p" * 64, {"planned": 2, "considered": 3}, state)


def test_a_plan_counts_when_it_is_complete(ledger: Ledger) -> None:
    """A plan under construction is nobody's plan; a finished one is the occasion's, with its counts."""
    _build(ledger, ONE)
    with ledger.read() as connection:
        assert find_plan(connection, "letter", "2026-11-22") is None
        assert [] == list_plans(connection, "letter")
    _finish(ledger, ONE)
    with ledger.read() as connection:
        found = find_plan(connection, "letter", "2026-11-22")
        assert (ONE, "ready") == (found.plan_id, found.state)
        assert {"planned": 2, "considered": 3} == counts_of(found)
        assert find_plan(connection, "letter", "2026-11-23") is None
        assert find_plan(connection, "other", "2026-11-22") is None


def test_a_discarded_plan_cannot_be_finished(ledger: Ledger) -> None:
    """A slow run whose plan was discarded learns that it was overtaken, and writes nothing."""
    _build(ledger, ONE)
    _build(ledger, TWO)
    with pytest.raises(Overtaken), ledger.write() as connection:
        finish_plan(connection, ONE, "p" * 64, {}, "released")
    _finish(ledger, TWO)
    with pytest.raises(Overtaken), ledger.write() as connection:
        finish_plan(connection, TWO, "p" * 64, {}, "released")


def test_a_plan_that_is_being_finished_stays(ledger: Ledger) -> None:
    """A worker that starts the occasion while another finishes it waits, and discards nothing of the finished plan."""
    _build(ledger, ONE)
    with ledger.write() as connection:
        add_message(connection, key(1), plan_id=ONE)
    with ledger.write() as connection:
        finish_plan(connection, ONE, "p" * 64, {}, "released")
        started = beside(lambda: _build(ledger, TWO))
        wait_until(lambda: somebody_waits(ledger), 30, what="the second worker")
    started()
    with ledger.read() as connection:
        assert ONE == find_plan(connection, "letter", "2026-11-22").plan_id
        assert [ONE] == list(connection.execute(select(messages.c.plan_id)).scalars())
    with pytest.raises(IntegrityError):
        _finish(ledger, TWO)


def test_plans_in_their_order(ledger: Ledger) -> None:
    """Complete plans come oldest first; the last one may be asked for by a pattern of its occasion."""
    for number, occasion in enumerate(["entry:2026-11-20", "due:2026-11-21T09:00:00+00:00", "entry:2026-11-19"]):
        _build(ledger, key(920 + number), occasion=occasion, created_at=NOW + number * DAY)
        _finish(ledger, key(920 + number))
    with ledger.read() as connection:
        assert [key(920), key(921), key(922)] == [row.plan_id for row in list_plans(connection, "letter")]
        assert key(922) == last_plan(connection, "letter").plan_id
        assert key(921) == last_plan(connection, "letter", "due:%").plan_id
        assert last_plan(connection, "letter", "once") is None
        assert NOW + DAY == get_plan(connection, key(921)).created_at


@pytest.mark.parametrize(("kind", "hash_"), [("definition", "d" * 64), ("plan", "p" * 64)])
def test_an_approval_releases_the_plans_it_names(ledger: Ledger, kind: str, hash_: str) -> None:
    """Ready plans with the hash are released, whatever their occasion; those of others, and other hashes, are not."""
    same = {"kind": kind, "hash": hash_, "campaign": "letter", "who": "lan", "at": NOW, "comment": ""}
    for number, changes in enumerate(
        [{}, {"occasion": "2026-11-15"}, {"campaign": "other"}, {"occasion": "2026-11-08", "definition_hash": "e" * 64}]
    ):
        _build(ledger, key(930 + number), **changes)
        _finish(ledger, key(930 + number))
    with ledger.write() as connection:
        # What a plan hash covers includes the definition, so here the last one has another.
        connection.execute(plans.update().where(plans.c.plan_id == key(933)).values(plan_hash="q" * 64))
        assert not approved(connection, "letter", hash_)
        assert {key(930), key(931)} == {plan.plan_id for plan in approve(connection, same)}
        assert approved(connection, "letter", hash_)
        assert not approved(connection, "other", hash_)
        assert [] == approve(connection, same)
        assert 2 == connection.execute(select(func.count()).select_from(approvals)).scalar()
        states = dict(connection.execute(select(plans.c.plan_id, plans.c.state)).all())
    assert ["released", "released", "ready", "ready"] == [states[key(930 + number)] for number in range(4)]


def test_a_plan_s_approval_releases_the_follow_ups_of_its_definition(ledger: Ledger) -> None:
    """Who says yes to an audience says yes to what follows for those inside, by the same files and no others."""
    for number, changes in enumerate(
        [{}, {"occasion": "due:1"}, {"occasion": "due:2", "definition_hash": "e" * 64}, {"occasion": "2026-11-15"}]
    ):
        _build(ledger, key(930 + number), **changes)
        with ledger.write() as connection:
            finish_plan(connection, key(930 + number), f"{number}" * 64, {}, "ready")
    yes = {"kind": "plan", "hash": "0" * 64, "campaign": "letter", "who": "lan", "at": NOW, "comment": ""}
    with ledger.write() as connection:
        assert not looked_at(connection, "letter", "d" * 64)
        assert [key(930), key(931)] == [plan.plan_id for plan in approve(connection, yes)]
        assert looked_at(connection, "letter", "d" * 64)
        assert not looked_at(connection, "letter", "e" * 64)


def test_a_no_discards_a_plan_that_waits(ledger: Ledger) -> None:
    """Its messages and those it let in go, its record stays, and the occasion may be planned anew (R01)."""
    no = {"kind": "rejected", "hash": "p" * 64, "campaign": "letter", "who": "lan", "at": NOW, "comment": ""}
    _build(ledger, ONE)
    with ledger.write() as connection:
        add_enrolment(connection, key(1), key(50), campaign="letter", occasion="2026-11-22", entered_at=NOW)
        add_message(connection, key(1), plan_id=ONE, enrolment_id=key(50))
    _finish(ledger, ONE)
    with ledger.write() as connection:
        assert 1 == unapproved(connection) == unapproved(connection, "letter", "d" * 64)
        assert 0 == unapproved(connection, "other") == unapproved(connection, "letter", "e" * 64)
        assert [ONE] == reject(connection, no)
        assert [] == reject(connection, no)
        assert not approved(connection, "letter", "p" * 64)
        assert "rejected" == get_plan(connection, ONE).state
        for table in (messages, enrolments):
            assert [] == connection.execute(select(table)).all()
        assert ["rejected"] == list(connection.execute(select(approvals.c.kind)).scalars())
    _build(ledger, TWO)
    with ledger.write() as connection:
        add_message(connection, key(1), plan_id=TWO)
    _finish(ledger, TWO, "released")
    with ledger.write() as connection:
        assert [] == reject(connection, no)
        assert 1 == connection.execute(select(func.count()).select_from(messages)).scalar()
