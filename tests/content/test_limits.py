"""The filters that stand in for Jinja's own behave like them within their limits."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from tidings.content.limits import (
    MAX_OUTPUT,
    MAX_VALUE,
    LimitError,
    bounded_batch,
    bounded_join,
    bounded_range,
    bounded_replace,
    bounded_round,
    bounded_sum,
    concat_output,
)


def test_output_is_cut_off_with_an_error() -> None:
    """A message may have as many characters as the limit, and not one more. R47"""
    assert MAX_OUTPUT == len(concat_output(["x"] * MAX_OUTPUT))
    with pytest.raises(LimitError, match="larger than 256 KB"):
        concat_output("x" for _ in range(MAX_OUTPUT + 1))


def test_joining_stops_before_it_joins() -> None:
    """The size is known before the text is made. R47"""
    assert "a, b" == bounded_join(["a", "b"], ", ")
    assert "" == bounded_join([])
    with pytest.raises(LimitError, match="joined text"):
        bounded_join(["x"] * 1_000, "y" * 1_000)


def test_joining_escapes_what_stands_beside_markup() -> None:
    """Text that is already escaped stays so, and the rest becomes so."""
    assert "&lt; &amp;" == bounded_join([Markup("&lt;"), "&"], " ")


def test_replacing_stops_before_it_replaces() -> None:
    """The size is known before the text is made. R47"""
    assert "a+b" == bounded_replace("a-b", "-", "+")
    with pytest.raises(LimitError, match="replaced text"):
        bounded_replace("x" * 1_000, "x", "y" * 1_000)
    assert MAX_VALUE == len(bounded_replace("x" * MAX_VALUE, "x", "y"))


def test_numbers_and_rows() -> None:
    """Ranges, rounding, sums and rows give what their names say."""
    assert [0, 2] == list(bounded_range(0, 4, 2))
    assert 2.35 == bounded_round(2.346, 2)
    assert 6 == bounded_sum([1, 2, 3])
    assert 3 == bounded_sum([{"n": 1}, {"n": 2}], "n")
    assert [[1, 2], [3]] == bounded_batch([1, 2, 3], 2)
    assert [] == bounded_batch([], 2)
