"""`airflow db migrate` lays and migrates the ledger too, and no command of Airflow takes it away."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.cli.commands import db_manager_command
from airflow.utils.db_manager import RunDBManager

from tidings.airflow.db_manager import LedgerManager
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger, schema
from tidings.ledger.migrate import newest
from tidings.project import Project, load_project

NAME = "tidings.airflow.db_manager.LedgerManager"


@pytest.fixture
def project(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The workspace that Airflow is told of, without its ledger."""
    monkeypatch.setenv("AIRFLOW__TIDINGS__WORKSPACE", str(workspace))
    monkeypatch.setenv("AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS", NAME)
    for path in (workspace / ".tidings").glob("ledger.db*"):
        path.unlink()
    return load_project(workspace)


def _managers() -> RunDBManager:
    """What Airflow runs, of those that are configured only ours: the others are not under test."""
    managers = RunDBManager()
    managers._managers = [one for one in managers._managers if one is LedgerManager]
    return managers


def test_airflow_lays_the_ledger_and_finds_it_current(project: Project) -> None:
    """`airflow db migrate` on a new installation, then `airflow db check-migrations`."""
    managers = _managers()
    managers.validate()
    assert not managers.check_migration(None)
    managers.initdb(None)
    assert newest() == schema(project) == LedgerManager(None).get_current_revision()
    assert managers.check_migration(None)


def test_airflow_migrates_a_ledger_that_is_behind(project: Project) -> None:
    """`airflow db migrate` after an upgrade of the package; what the ledger holds stays."""
    from alembic import command

    from tidings.ledger.migrate import configuration

    with Ledger.open(project) as ledger, ledger.engine.connect() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        connection.commit()
    assert not _managers().check_migration(None)
    _managers().upgradedb(None)
    assert newest() == schema(project)


def test_the_command_line_of_airflow_finds_it(project: Project) -> None:
    """`airflow db-manager migrate NAME` loads the class by the name in airflow.cfg."""
    assert LedgerManager is db_manager_command._get_db_manager(NAME)


def test_no_command_of_airflow_takes_the_ledger_away(project: Project) -> None:
    """Neither a reset of Airflow's database nor one of ours; nor a step back (R01)."""
    Ledger.open(project).close()
    manager = LedgerManager(None)
    _managers().drop_tables(None, None)
    with pytest.raises(TidingsError, match="a ledger is not reset"):
        manager.resetdb()
    with pytest.raises(TidingsError, match="a ledger does not go back"):
        manager.downgrade("0001")
    for options in ({"to_revision": "0001"}, {"from_revision": "0001"}, {"show_sql_only": True}):
        with pytest.raises(TidingsError, match="all at once; leave out the options"):
            manager.upgradedb(**options)
    assert newest() == schema(project)


def test_another_environments_ledger_is_not_migrated(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stamps are looked at as ever (R63)."""
    Ledger.open(project).close()
    monkeypatch.setenv("TIDINGS_ENV", "staging")
    with pytest.raises(TidingsError, match="belongs to the environment 'dev'"):
        _managers().upgradedb(None)
