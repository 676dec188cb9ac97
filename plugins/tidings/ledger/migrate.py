"""Bring a database to the newest schema with Alembic."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

SCRIPTS = Path(__file__).parent / "migrations"
VERSION_TABLE = "tidings_schema"
LOCK = int.from_bytes(b"tidings", "big")  # any number that is always the same


def configuration() -> Config:
    """Alembic's configuration without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return config


def revision(engine: Engine) -> str | None:
    """The schema that the database has; None where it has none."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return context.get_current_revision()


@cache
def newest() -> str | None:
    """The schema that this version of the package lays; to know it, Alembic runs every migration's file."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def upgrade(engine: Engine) -> None:
    """Apply what is missing; does nothing, and takes no lock, when the schema is current.

    Of several processes one migrates; the others wait for it and find the work done.
    """
    if revision(engine) == newest():
        return
    config = configuration()
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
