"""Alembic's entry: run the migrations on the connection that ledger/migrate.py hands over."""

from alembic import context

from tidings.ledger.migrate import VERSION_TABLE
from tidings.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=False,
)
context.run_migrations()
