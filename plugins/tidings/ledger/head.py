"""The ledger's end of the journal: the last number it gave, and whether the journal knows more than it does."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.journal import Journal
from tidings.ledger.tables import meta

HEAD = "journal_head"
NAME = "journal"
RECOVER = "run `tidings ledger recover`: it reads the journal and sends nothing"


def head(connection: Connection) -> int:
    """The number of the last record that the ledger knows of."""
    return int(_stamp(connection, HEAD) or 0)


def refuse_old(ledger: Ledger, journal: Journal) -> None:
    """TidingsError where the ledger was put back, or its journal is not there; asks before anything is changed."""
    tip = journal.tip()  # before the ledger is asked: a worker beside us may write another record meanwhile
    with ledger.read() as connection:
        _compare(connection, journal, tip)


def advance(connection: Connection, journal: Journal) -> int:
    """The number of the next record, ours alone from here to the end of the transaction.

    Called last in it, so that workers wait for each other as shortly as can be. TidingsError as `refuse_old`.
    """
    hold(connection)
    if not stamped(connection):
        adopt(connection, journal)
    _compare(connection, journal, journal.tip())
    return _set(connection, head(connection) + 1)


def advance_unless_old(connection: Connection, journal: Journal) -> int | None:
    """The same for what must be taken also by a ledger that was put back, or has lost its journal; None for those.

    Its number stays as it is, or it would catch up with the journal by counting and seem to be whole.
    """
    try:
        return advance(connection, journal)
    except TidingsError:
        return None


def refuse_gap(connection: Connection, journal: Journal) -> None:
    """TidingsError where records that the ledger does not know were removed with an old file of the journal."""
    if (known := head(connection)) < (start := journal.start()):
        reason = (
            f"the journal begins after record {start:,} and the ledger ends at {known:,}: what left between is lost"
        )
        raise TidingsError(reason, "put a newer backup back; `retention.journal` says how old one may be")


def same(ledger: Ledger, journal: Journal) -> None:
    """TidingsError where this is not the ledger's journal, or there is none."""
    with ledger.read() as connection:
        _same(_stamp(connection, NAME) or "", journal)


def catch_up(connection: Connection, tip: int) -> None:
    """The ledger knows of every record up to `tip`."""
    _set(connection, tip)


def stamped(connection: Connection) -> bool:
    """Whether the ledger has a journal; it gets one with the first message or the first no."""
    return _stamp(connection, NAME) is not None


def adopt(connection: Connection, journal: Journal) -> None:
    """Stamp the ledger with the name of this journal, whatever it was stamped with before."""
    name = journal.name or journal.begin()
    if connection.execute(update(meta).where(meta.c.key == NAME).values(value=name)).rowcount == 0:
        connection.execute(insert(meta), {"key": NAME, "value": name})


def hold(connection: Connection) -> None:
    """Nobody else gives numbers until the end of the transaction."""
    connection.execute(select(meta.c.value).where(meta.c.key == HEAD).with_for_update())


def _compare(connection: Connection, journal: Journal, tip: int) -> None:
    if (name := _stamp(connection, NAME)) is not None:
        _same(name, journal)
    if (known := head(connection)) < tip:
        reason = f"the ledger is older than its journal: it knows {known:,} of {tip:,} records, so it was put back"
        raise TidingsError(reason, RECOVER)


def _same(name: str, journal: Journal) -> None:
    found = journal.name
    if found is None:
        fix = "let ledger.journal name it; if it is lost, `tidings ledger recover --new-journal`"
        raise TidingsError(f"the ledger's journal is not in {journal.folder}", fix)
    if found != name:
        fix = "let ledger.journal name the folder that all who send from this ledger share"
        raise TidingsError(f"the journal in {journal.folder} is another ledger's", fix)


def _set(connection: Connection, number: int) -> int:
    connection.execute(update(meta).where(meta.c.key == HEAD).values(value=str(number)))
    return number


def _stamp(connection: Connection, key: str) -> str | None:
    return connection.execute(select(meta.c.value).where(meta.c.key == key)).scalar()
