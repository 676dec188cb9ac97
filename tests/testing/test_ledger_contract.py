"""The contract finds a database that does not keep its promises."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.databases import SQLITE, copy_sqlite
from tests.workspace import bare_project
from tidings.ledger.database import Ledger
from tidings.testing import ledger_contract
from tidings.testing.ledger_contract import LedgerContract, refused
from tidings.testing.racing import at_once


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A new SQLite ledger, to be broken."""
    copy_sqlite(tmp_path)
    with Ledger.open(bare_project(tmp_path, ledger={"url": SQLITE})) as opened:
        yield opened


def test_a_missing_key_is_found(ledger: Ledger) -> None:
    """Where a unique key is gone the second row is taken, and the contract says so."""
    with ledger.write() as connection:
        connection.exec_driver_sql("DROP INDEX uq_enrolments_active")
    with pytest.raises(AssertionError, match="nothing was refused with IntegrityError"):
        LedgerContract().test_a_person_is_inside_once(ledger)


def test_a_read_that_may_write_is_found(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a read is only a write that is called otherwise."""
    monkeypatch.setattr(Ledger, "read", Ledger.write)
    with pytest.raises(AssertionError, match="nothing was refused with DBAPIError"):
        LedgerContract().test_reading_cannot_write(ledger)


def test_another_error_is_no_refusal() -> None:
    """It is raised as it is."""
    with pytest.raises(ZeroDivisionError), refused():
        _ = 1 / 0


def test_workers_begin_together() -> None:
    """Each has a number of its own, and all have ended when the call returns."""
    seen: list[int] = []
    at_once(*(partial(seen.append, number) for number in range(3)))
    assert [0, 1, 2] == sorted(seen)


def test_the_contract_brings_no_runner() -> None:
    """Whoever inherits it runs it with what they have."""
    assert "import pytest" not in Path(ledger_contract.__file__).read_text(encoding="utf-8")
