"""How segments look at 80 columns, and what bad input is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import AT, Run
from tests.cli.test_commands import readable
from tidings.model.segment_counts import SegmentsShape


def test_segments_are_a_table(refreshed: Path, run: Run) -> None:
    """One line a segment with its figures, the title below it, and how old the snapshot is."""
    ran = run("segments", "--at", AT, "-C", refreshed)
    readable(ran)
    shape = SegmentsShape.model_validate_json(run("segments", "--at", AT, "--json", "-C", refreshed).out)
    lines = ran.out.splitlines()
    assert lines[0].endswith("as of 2026-11-24 17:00 UTC, 3 hours old")
    for segment in shape.segments:
        [line] = [line.split() for line in lines if line.startswith(f"{segment.segment} ")]
        assert line[1] == f"{segment.persons:,}"
        assert line[2:] == [f"{segment.share:.1%}", "-", "-", f"{segment.unknown:,}"]
    assert "  Milk in most of their weeks" in [line.rstrip() for line in lines]
    assert ran.last == "next: tidings segment NAME --explain CUSTOMER"


def test_the_matrix_of_overlaps_fits(refreshed: Path, run: Run) -> None:
    """Eleven segments stand in two blocks of columns; who buys breakfast is a milk lover."""
    ran = run("segments", "--overlap", "--at", AT, "-C", refreshed)
    readable(ran)
    blocks = [line.split() for line in ran.out.splitlines() if line.startswith("2 breakfast ")]
    assert [len(block) for block in blocks] == [3 + 6, 3 + 5]
    assert blocks[0][3 + 5] == "100%"


def test_an_edit_after_the_refresh_is_said(refreshed: Path, tmp_path: Path, run: Run) -> None:
    """Which figures are of an older question, and that a refresh answers it."""
    root = shutil.copytree(refreshed, tmp_path / "shop")
    (root / "segments/loyal.yaml").write_text("segment: loyal\ntitle: Loyal\nwhere: [orders >= 4]\n")
    (root / "segments/zest.yaml").write_text("segment: zest\ntitle: Zest\nwhere: [orders >= 4]\n")
    ran = run("segments", "--at", AT, "-C", root)
    readable(ran)
    assert "edited after this refresh: loyal" in ran.out
    assert "written after this refresh: zest" in ran.out
    assert ran.last == "next: tidings refresh"


def test_a_customer_is_explained(refreshed: Path, run: Run) -> None:
    """The tree with answers and values, then the verdict with the condition it hangs on."""
    ran = run("segment", "big_spenders", "--explain", "C0001", "-C", refreshed)
    readable(ran)
    assert ran.out.startswith("big_spenders: The top fifth by spend")
    assert "spend_90d " in ran.out
    assert " USD" in ran.out
    verdicts = [line for line in ran.out.splitlines() if line.startswith("C0001 is ")]
    assert len(verdicts) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["segment", "loyl", "--explain", "C0001"], "there is no segment 'loyl'; did you mean 'loyal'?"),
        (["segment", "loyal", "--explain", "nobody"], "there is no customer 'nobody'; use a customer_id of the last"),
        (["segment", "loyal"], "Missing option '--explain'"),
        (["segments", "--at", "soon"], "'soon' is not a time"),
    ],
)
def test_arguments_that_make_no_sense(refreshed: Path, run: Run, arguments: list[str], words: str) -> None:
    """Exit code 2 and what would make sense."""
    ran = run(*arguments, "-C", refreshed)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert "Traceback" not in ran.err
