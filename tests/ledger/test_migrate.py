from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, make_url

from tests.databases import beside, empty_postgres, somebody_waits
from tests.waiting import wait_until
from tests.workspace import bare_project
from tidings.ledger.database import Ledger
from tidings.ledger.migrate import LOCK, VERSION_TABLE, configuration, revision, upgrade
from tidings.ledger.tables import metadata

OPTIONS = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}


def test_the_migrations_lay_the_tables_that_the_code_uses(ledger: Ledger) -> None:
    """Alembic finds no difference between a migrated database and ledger/tables.py."""
    with ledger.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=OPTIONS)
        assert [] == compare_metadata(context, metadata)


def test_partial_unique_indexes_are_partial(ledger: Ledger) -> None:
    """The two conditional unique keys, which Alembic does not compare, have their condition."""
    found = {
        index["name"]: str(index["dialect_options"][f"{ledger.engine.dialect.name}_where"])
        for table in ("plans", "enrolments")
        for index in inspect(ledger.engine).get_indexes(table)
        if index["unique"] and index["dialect_options"].get(f"{ledger.engine.dialect.name}_where") is not None
    }
    assert {"uq_plans_complete", "uq_enrolments_active"} == set(found)
    assert all(word in found["uq_plans_complete"] for word in ("ready", "released", "closed"))
    assert "active" in found["uq_enrolments_active"]


def test_a_current_schema_is_left_alone(ledger: Ledger) -> None:
    """Upgrading twice is upgrading once: a ledger whose write lock is held opens all the same."""
    with ledger.write():
        upgrade(ledger.engine)
    assert "0004" == revision(ledger.engine)


def test_one_process_migrates_while_the_others_wait() -> None:
    """On PostgreSQL, where two could lay the same table, the second waits for the first and finds the work done."""
    engine = create_engine(make_url(empty_postgres()).set(drivername="postgresql+psycopg"))
    ledger = Ledger(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        second = beside(lambda: upgrade(engine))
        wait_until(lambda: somebody_waits(ledger), 30, what="the second process")
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
    second()
    assert "0004" == revision(engine)
    ledger.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_down_and_up_again(tmp_path: Path, kind: str) -> None:
    """Taking the migrations back leaves no table; applying them again lays all of them."""
    url = "sqlite:///ledger.db" if kind == "sqlite" else empty_postgres()
    with Ledger.open(bare_project(tmp_path, ledger={"url": url})) as ledger:
        config = configuration()
        with ledger.engine.connect() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "base")
            connection.commit()
        assert {VERSION_TABLE} == set(inspect(ledger.engine).get_table_names())
        upgrade(ledger.engine)
        assert {VERSION_TABLE, *metadata.tables} == set(inspect(ledger.engine).get_table_names())
