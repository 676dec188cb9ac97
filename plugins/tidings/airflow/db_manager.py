"""What Airflow asks of a database beside its own: `airflow db migrate` then migrates the ledger as well.

Named in airflow.cfg: [database] external_db_managers = tidings.airflow.db_manager.LedgerManager. It has the methods
that Airflow calls and not its base class, which takes every database to be Airflow's own.
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from sqlalchemy import MetaData

from tidings.airflow.compat import option
from tidings.airflow.workspace import read_workspace, workspace_root
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger, schema
from tidings.ledger.migrate import SCRIPTS, VERSION_TABLE, newest
from tidings.project import Project

log = logging.getLogger(__name__)


class LedgerManager:
    """The ledger of the workspace that [tidings] workspace names, or the folder above the Dags."""

    # Airflow looks here for tables of ours in its own database. There are none: the ledger has one of its own.
    metadata: ClassVar[MetaData] = MetaData()
    migration_dir: ClassVar[str] = str(SCRIPTS)
    version_table_name: ClassVar[str] = VERSION_TABLE
    revision_heads_map: ClassVar[dict[str, str]] = {}
    supports_table_dropping: ClassVar[bool] = False

    def __init__(self, session: Any) -> None:
        """`session` is Airflow's, and of no use here."""

    def get_current_revision(self) -> str | None:
        """The schema that the ledger has; None where there is none."""
        return schema(_project())

    def check_migration(self) -> bool:
        """Whether there is nothing to do; `airflow db check-migrations` waits for it."""
        return self.get_current_revision() == newest()

    def initdb(self) -> None:
        """Lay the ledger, or migrate the one that is there."""
        self.upgradedb()

    def upgradedb(
        self, to_revision: str | None = None, from_revision: str | None = None, show_sql_only: bool = False
    ) -> None:
        """Bring the ledger to the newest schema; TidingsError for any other, and where it is not ours to open."""
        if to_revision or from_revision or show_sql_only:
            raise TidingsError("the ledger goes to the newest schema, all at once", "leave out the options")
        Ledger.open(_project()).close()
        log.info("the ledger has schema %s", newest())

    def downgrade(self, to_revision: str, from_revision: str | None = None, show_sql_only: bool = False) -> None:
        """Refused: an older version does not know what the newer one wrote."""
        raise TidingsError("a ledger does not go back", "put back a backup, then run `tidings ledger recover`")

    def drop_tables(self, connection: Any) -> None:
        """Nothing: `airflow db reset` empties Airflow's database, and who was sent what is not Airflow's to forget."""

    def resetdb(self, skip_init: bool = False) -> None:
        """Refused: without what it knows, everybody could be sent everything once more."""
        raise TidingsError("a ledger is not reset", "to begin anew, remove it and its journal by hand")


def _project() -> Project:
    return read_workspace(workspace_root(option("core", "dags_folder", "."))).project
