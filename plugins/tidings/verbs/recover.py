"""recover: tell a ledger that was put back what its journal knows; nothing is sent."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from tidings.ledger import plans, reports
from tidings.ledger.database import Ledger
from tidings.ledger.head import adopt, catch_up, head, hold, refuse_gap, same, stamped
from tidings.ledger.journal import Journal, Record
from tidings.ledger.replay import Replay
from tidings.ledger.snapshots import current_snapshot
from tidings.model.counts import RecoverShape
from tidings.project import Project
from tidings.tracking.record import retake
from tidings.tracking.suppressed import retake_lists


def recover(project: Project, now: datetime, *, new_journal: bool = False) -> RecoverShape:
    """Replay the records that the ledger does not know; a second time changes nothing.

    TidingsError where the journal is not there, unless a `new_journal` is to be begun: what left since the ledger's
    backup is then not known to anybody, and may be sent again.
    """
    with Ledger.open(project, create=False) as ledger:
        journal = Journal.of(project)
        with ledger.write() as connection:
            if not stamped(connection) or (new_journal and journal.name is None):
                adopt(connection, journal)
        same(ledger, journal)
        return ledger.transact(lambda connection: _replay(project, connection, journal, now))


def _replay(project: Project, connection: Connection, journal: Journal, now: datetime) -> RecoverShape:
    hold(connection)
    known, tip = head(connection), journal.tip()
    if tip <= known:
        return RecoverShape(behind=0, doubted=0, added=0, persons=0, stops=0, reports=0, unreadable=0)
    refuse_gap(connection, journal)
    # What stands in an unfinished plan would be discarded with it, and its messages might have left.
    plans.discard_unfinished(connection)
    replay = Replay(connection, current_snapshot(connection, project.root).snapshot_id, now)
    stops: list[Record] = []
    unreadable = told = 0
    for record in journal.records(known):
        if record is None:
            unreadable += 1
        elif record["kind"] == "send":
            replay.sent(record["entries"], datetime.fromisoformat(record["at"]))
        elif record["kind"] == "report":
            told += reports.hold(connection, record["entries"], datetime.fromisoformat(record["at"]))
        else:
            stops += record["entries"]
    replay.finish()
    listed = [entry for entry in stops if "address_key" in entry]
    taken = retake_lists(connection, listed, now)
    taken += retake(connection, project, [entry for entry in stops if "address_key" not in entry], now)
    catch_up(connection, tip)
    return RecoverShape(
        behind=tip - known,
        doubted=replay.doubted,
        added=replay.added,
        persons=replay.persons,
        stops=taken,
        reports=told,
        unreadable=unreadable,
    )
