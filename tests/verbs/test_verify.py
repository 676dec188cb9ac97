"""Every rule finds what breaks it, in a ledger that is sound otherwise, and tells it by ids alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, inspect, text, update

from tests.databases import SQLITE, copy_sqlite, empty_postgres, keep
from tests.planning.campaigns import campaign
from tests.stage import NOW, Stage, key, person, register
from tests.workspace import bare_project
from tidings.ledger import verify as checks
from tidings.ledger.database import Ledger
from tidings.ledger.tables import attempts, enrolments, messages, plans
from tidings.model.counts import Breach
from tidings.verbs.deliver import deliver
from tidings.verbs.verify import verify

Break = Callable[[Connection], object]


def _laid(stage: Stage) -> Stage:
    """A flow of three persons that was sent, one of whom is held out."""
    register(stage)
    stage.settings(allow=["*"])
    steps = [{"id": "hello", "send": "email", "template": "letter/hello"}, {"wait": "3d"}]
    steps.append({"id": "again", "send": "email", "template": "letter/hello"})
    stage.add(campaign(steps=steps, approval="none", holdout={"share": 0.3}))
    stage.people([person(number) for number in range(1, 4)])
    stage.plan()
    deliver(stage.project, NOW)
    return stage


def _counts(connection: Connection) -> None:
    connection.execute(text("UPDATE plans SET counts = replace(counts, '\"considered\": 3', '\"considered\": 4')"))


def _lose_a_message(connection: Connection) -> None:
    connection.execute(delete(attempts))
    connection.execute(text("DELETE FROM messages WHERE id = (SELECT min(id) FROM messages WHERE state = 'accepted')"))
    connection.execute(update(messages).where(messages.c.state == "accepted").values(state="in_doubt"))


def _twice_inside(connection: Connection) -> None:
    connection.execute(text("DROP INDEX uq_enrolments_active"))
    row = {
        "campaign": "letter",
        "person_key": key(2**108),
        "customer_id": "C0001",
        "occasion": "other",
        "step": "hello",
    }
    connection.execute(insert(enrolments), row | {"id": key(5), "state": "active", "entered_at": NOW})


BREAKS: dict[str, Break] = {
    "plan_counts": _counts,
    "plan_messages": _lose_a_message,
    "one_enrolment": _twice_inside,
    "accepted": lambda connection: connection.execute(update(attempts).values(outcome="refused")),
    "planned_again": lambda connection: connection.execute(
        update(messages).where(messages.c.state == "accepted").values(state="planned")
    ),
    "expired_lease": lambda connection: connection.execute(
        update(messages).where(messages.c.state == "accepted").values(state="sending", lease_until=1.0)
    ),
}


def test_a_ledger_in_use_is_sound(either: Stage) -> None:
    """Planned, held out, sent: nothing to say, and nothing is written."""  # R04
    found = verify(_laid(either).project)
    assert (True, []) == (found.ok, found.breaches)
    assert found.rules == 1 + len(list(checks.rules()))


@pytest.mark.parametrize("rule", BREAKS)
def test_each_rule_finds_what_breaks_it(either: Stage, rule: str) -> None:
    """It is named, counted, and the ids are of plans, messages or campaigns: never an address (R53)."""  # R04
    _laid(either)
    with either.ledger.write() as connection:
        BREAKS[rule](connection)
    found = {breach.rule: breach for breach in verify(either.project).breaches}
    assert [rule] == list(found)
    assert 0 < len(found[rule].ids) == found[rule].count
    assert "example.com" not in found[rule].model_dump_json()


def _unbound(stage: Stage, act: Break) -> list[Breach]:
    """What is found after something that the database's own rules forbid: SQLite can be told to look away."""
    with stage.ledger.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        act(connection)
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")
    return verify(stage.project).breaches


@pytest.fixture
def sqlite(tmp_path: Path) -> Any:
    """The stage on SQLite alone."""
    copy_sqlite(tmp_path)
    made = bare_project(tmp_path, ledger={"url": SQLITE})
    with Ledger.open(made) as opened:
        yield _laid(Stage.lay(made, opened))


def test_rows_that_point_nowhere_are_found(sqlite: Stage) -> None:
    """Messages without their plan or their person, and what SQLite itself says of it."""
    found = _unbound(sqlite, lambda connection: connection.execute(delete(plans)))
    assert ["database", "message_plan"] == [breach.rule for breach in found]
    assert ["messages: 3 rows"] == found[0].ids
    found = _unbound(sqlite, lambda connection: connection.execute(text("DELETE FROM persons")))
    assert "message_person" in [breach.rule for breach in found]


def test_a_second_message_is_found(tmp_path: Path) -> None:
    """Also where the unique keys themselves are gone, as after a repair by hand."""  # R01
    made = bare_project(tmp_path, ledger={"url": empty_postgres()})
    with Ledger.open(made) as opened:
        stage = _laid(Stage.lay(made, opened))
        names = ", ".join(one.name for one in messages.columns if one.name not in ("id", "send_key"))
        with opened.write() as connection:
            for constraint in inspect(connection).get_unique_constraints("messages"):
                connection.exec_driver_sql(f"ALTER TABLE messages DROP CONSTRAINT {constraint['name']}")
            copied = f"SELECT 99, 'k', {names} FROM messages WHERE state = 'withheld' LIMIT 1"
            connection.exec_driver_sql(f"INSERT INTO messages (id, send_key, {names}) {copied}")
        found = {breach.rule: breach.ids for breach in verify(made).breaches}
        assert [f"letter/{stage.rows()[0]['occasion']}/hello"] * 2 == found["one_each"]


def test_an_old_ledger_is_found(either: Stage) -> None:
    """One that was put back is behind its journal, by so many records."""  # R20a
    put_back = keep(either.ledger)
    _laid(either)
    put_back()
    assert [("journal", 1)] == [(breach.rule, breach.count) for breach in verify(either.project).breaches]
