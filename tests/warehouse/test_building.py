from __future__ import annotations

from pathlib import Path

import pytest

from tidings.warehouse.building import ADDRESSES, building


def test_a_finished_snapshot_has_its_name_and_the_addresses_lie_beside(tmp_path: Path) -> None:
    """Two renames: the folder, and the one current addresses file, which replaces the last one."""
    (tmp_path / ADDRESSES).write_text("old")
    with building(tmp_path, "abc") as made:
        (made.folder / "people.parquet").write_text("people")
        (made.folder / ADDRESSES).write_text("new")
        assert not (tmp_path / "abc").exists()
        made.finish()
    assert [path.name for path in (tmp_path / "abc").iterdir()] == ["people.parquet"]
    assert (tmp_path / ADDRESSES).read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["abc", ADDRESSES]


@pytest.mark.parametrize("finished", [False, True])
def test_a_failure_leaves_nothing_of_the_snapshot(tmp_path: Path, finished: bool) -> None:
    """Before the renames and after them; also when the process is interrupted."""

    def interrupted() -> None:
        with building(tmp_path, "abc") as made:
            (made.folder / ADDRESSES).write_text("new")
            if finished:
                made.finish()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not (tmp_path / "abc").exists()
    assert not (tmp_path / ".abc").exists()
