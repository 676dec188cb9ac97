"""The journal's files: whole lines, the highest number, and nothing lost to a crash while one was written."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.ledger.rows import NOW
from tests.workspace import bare_project
from tidings.errors import TidingsError
from tidings.ledger import journal
from tidings.ledger.journal import Journal


@pytest.fixture
def kept(tmp_path: Path) -> Journal:
    """A journal that was begun."""
    made = Journal(tmp_path / "journal")
    made.begin()
    return made


def _write(kept: Journal, *numbers: int | None) -> None:
    for number in numbers:
        kept.append("send", [{"send_key": f"{number}"}], NOW, number)


def _numbers(kept: Journal, after: int = 0) -> list[int | None]:
    return [record and record["number"] for record in kept.records(after)]


def test_a_journal_is_begun_once(tmp_path: Path) -> None:
    """Whoever comes second finds the first one's name, and an empty folder has none."""
    first, second = Journal(tmp_path / "journal"), Journal(tmp_path / "journal")
    assert (None, 0, []) == (first.name, first.tip(), list(first.records(0)))
    assert first.begin() == second.begin() == second.name


def test_each_environment_has_its_own(tmp_path: Path) -> None:
    """Two ledgers of one workspace do not take each other's records for their own."""
    folders = [Journal.of(bare_project(tmp_path, environment=name)).folder for name in ("dev", "production")]
    assert [tmp_path / ".tidings" / "journal" / name for name in ("dev", "production")] == folders


def test_the_tip_is_the_highest_number_in_whichever_order_they_were_written(kept: Journal) -> None:
    """A worker may write after another one whose number is higher (R20a)."""  # R20a
    _write(kept, 1, 3, 2)
    assert 3 == kept.tip()
    assert [3, 2] == _numbers(kept, after=1)


def test_a_record_without_a_number_comes_after_all(kept: Journal) -> None:
    """What a ledger that was put back says has a place after everything it has forgotten."""
    _write(kept, 7, None)
    assert [7, 8] == _numbers(kept)


def test_a_full_file_is_followed_by_another(kept: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are rotated by size; a file that has no record yet knows the tip of those before it."""
    monkeypatch.setattr(journal, "SEGMENT", 1)
    name = kept.name
    _write(kept, 1, 3, 2)
    assert ["00000001.jsonl", "00000002.jsonl", "00000003.jsonl", "00000004.jsonl"] == [
        file.name for file in kept.files()
    ]
    assert [1, 3, 2] == _numbers(kept)
    kept._start(5, str(name), kept.tip())
    assert (name, 3) == (kept.name, kept.tip())


def test_a_line_longer_than_a_block_is_read_from_the_end(kept: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tip is found without reading the file, however long the last line is."""
    monkeypatch.setattr(journal, "BLOCK", 16)
    for number in (1, 2):
        kept.append("send", [{"send_key": "k" * 500}], NOW, number)
        assert number == kept.tip()


def test_half_a_line_hides_nothing(kept: Journal) -> None:
    """A process that died while it wrote has sent nothing; the next line is whole again (R20a)."""  # R20a
    _write(kept, 1)
    with kept.files()[-1].open("ab") as file:
        file.write(b'{"number":2,"tip":2,"kind":"se')
    assert 1 == kept.tip()
    _write(kept, 3)
    assert [1, None, 3] == _numbers(kept)
    assert 3 == kept.tip()


def test_many_writers_take_turns(kept: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes of several machines lose no line and no file to each other, also where a new file is begun."""
    monkeypatch.setattr(journal, "SEGMENT", 300)
    numbers = range(1, 201)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: _write(Journal(kept.folder), number), numbers))
    assert list(numbers) == sorted(number or 0 for number in _numbers(kept))
    assert 200 == kept.tip()


def test_a_record_is_on_disk_when_it_is_written(kept: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """One synchronisation a record, after its last byte; a new file's name is made to last too (R20a)."""  # R20a
    synced: list[int] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    _write(kept, 1)
    assert [kept.files()[-1].stat().st_size] == synced
    monkeypatch.setattr(journal, "SEGMENT", 1)
    _write(kept, 2)
    assert 4 == len(synced)


def test_a_disk_that_refuses_is_told(kept: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the disk is a mistake with a way out, and the folder that vanished is one."""

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TidingsError, match="the journal cannot be written: No space left on device"):
        _write(kept, 1)
    with pytest.raises(TidingsError, match="the journal cannot be written"):
        Journal(kept.folder / "lock").begin()
    for file in kept.files():
        file.unlink()
    with pytest.raises(TidingsError, match="there is no journal in"):
        _write(kept, 1)


@pytest.mark.parametrize("content", [b"", b"no journal\n", b'{"tip":1}\n'])
def test_a_file_that_is_no_journal_is_refused(kept: Journal, content: bytes) -> None:
    """A damaged beginning is told, never taken for an empty journal."""
    kept.files()[-1].write_bytes(content)
    with pytest.raises(TidingsError, match="does not begin as a journal does"):
        _ = kept.name


def test_a_file_without_a_whole_line_is_refused(kept: Journal) -> None:
    """Where the number cannot be known, it is not guessed."""
    kept.files()[-1].write_bytes(b"\n\n")
    with pytest.raises(TidingsError, match="cannot be read"):
        kept.tip()
