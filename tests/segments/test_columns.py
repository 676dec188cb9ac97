from __future__ import annotations

from tidings.segments.columns import condition_column, digest, segment_column


def test_a_bare_name_is_the_segment_s_column() -> None:
    """Planning and refresh agree on the name without asking each other."""
    assert condition_column("slipping_away") == segment_column("slipping_away") == "in__slipping_away"
    assert condition_column(" slipping_away ") == "in__slipping_away"


def test_any_other_condition_has_a_column_by_its_meaning() -> None:
    """Key order does not matter, everything else does."""
    column = condition_column({"bought": {"category": "Milk", "within": "3d"}})
    assert column.startswith("when__")
    assert column == condition_column({"bought": {"within": "3d", "category": "Milk"}})
    others = [{"bought": {"category": "Milk", "within": "4d"}}, "orders >= 3", "orders >= 4", {"not": "orders >= 3"}]
    assert len({column, *map(condition_column, others)}) == 5


def test_no_text_of_a_condition_is_in_its_column() -> None:
    """A column's name is 16 hexadecimal digits, whatever the YAML says (R50)."""
    column = condition_column("level = '\"; DROP TABLE people; --'")
    assert set(column.removeprefix("when__")) <= set("0123456789abcdef")
    assert len(digest("ý")) == 16
