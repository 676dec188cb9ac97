"""Benchmarks compare with something that finds the same; their peers' queries are in the repository as they run."""

from __future__ import annotations

from pathlib import Path

from benchmarks import segments


def test_the_queries_beside_are_the_committed_ones() -> None:
    """`python -m benchmarks.segments --sql` writes them."""
    assert segments.SQL.read_text(encoding="utf-8") == segments.committed()


def test_segments_by_hand_have_the_same_members(tmp_path: Path) -> None:
    """Both stages of a refresh, one query, and one query each: for every kind of segment, over 3,000 customers."""
    asked = segments.ASKED[:48]
    segments.lay(tmp_path, 3000)
    for side in ("ours", "one query", "one each"):
        segments.SIDES[side](tmp_path, asked)
    found = segments.members(tmp_path, "ours", len(asked))
    assert found == segments.members(tmp_path, "one query", len(asked))
    assert found == segments.members(tmp_path, "one each", len(asked))
    assert sum(size > 0 for size, _ in found) > 30
