"""Errors: one line, a place, a fix; several in file order."""

from __future__ import annotations

import pytest

from tidings.errors import ProjectErrors, TidingsError, Where, did_you_mean


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TidingsError("it is wrong"), "it is wrong"),
        (TidingsError("it is wrong", "mend it"), "it is wrong; mend it"),
        (TidingsError("it is wrong", "mend it", Where("a.yaml", 3, 7)), "a.yaml:3:7: it is wrong; mend it"),
        (TidingsError("it is wrong", where=Where("a.yaml", 3)), "a.yaml:3: it is wrong"),
        (TidingsError("it is wrong", where=Where("a.yaml")), "a.yaml: it is wrong"),
    ],
)
def test_an_error_is_one_line(error: TidingsError, said: str) -> None:
    """Place, reason, fix, as far as they are known."""
    assert str(error) == said


def test_several_errors_come_in_file_order() -> None:
    """Those without a place first, those without a line at the head of their file."""
    places = [Where("b", 2, 1), Where("b", 10, 1), None, Where("a", 5), Where("b"), Where("b", 2)]
    errors = ProjectErrors([TidingsError("x", where=place) for place in places])
    assert str(errors).splitlines() == ["x", "a:5: x", "b: x", "b:2: x", "b:2:1: x", "b:10:1: x"]
    assert errors.reason == "6 mistakes in the workspace"
    assert ProjectErrors([TidingsError("x")]).reason == "1 mistake in the workspace"


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [
        ("holdut", ["holdout", "goal"], "did you mean 'holdout'?"),
        ("zzz", ["goal", "aim"], "known: aim, goal"),
        ("zzz", [], "none is defined yet"),
    ],
)
def test_the_nearest_word_is_offered(word: str, known: list[str], said: str) -> None:
    """Or all there are, where none is near."""
    assert did_you_mean(word, known) == said
