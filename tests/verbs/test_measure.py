from __future__ import annotations

import pytest

from tests.verbs.commands import answer
from tests.verbs.walk import DAY, LAST, NOW, Walk, walked
from tests.workspace import bare_project
from tidings.errors import TidingsError
from tidings.model.counts import MeasureShape
from tidings.verbs.measure import measure


@pytest.fixture(scope="module")
def walk() -> Walk:
    """The walk, to be read only."""
    return walked()


def test_the_walk_measured(walk: Walk) -> None:
    """Two of the treated bought milk within their window; nobody who was held out did, and tea is no goal."""
    shape = measure(walk.project, "win_back", LAST)
    treated, control = shape.arms
    assert (2, 2, 2500) == (treated.converted, treated.orders, treated.value)
    assert (0, 0, 0) == (control.converted, control.orders, control.value)
    assert treated.persons + control.persons == shape.matured
    assert shape.conversion_lift is not None
    assert shape.conversion_lift.low < 0 < shape.conversion_lift.value < shape.conversion_lift.high


def test_whose_window_is_open_does_not_count(walk: Walk) -> None:
    """On the day after the first messages nobody's fourteen days are over."""
    assert 0 == measure(walk.project, "win_back", NOW + DAY).matured
    # Who was first reached by the nudge of day five has time until day nineteen.
    assert measure(walk.project, "win_back", NOW + 15 * DAY).matured < measure(walk.project, "win_back", LAST).matured


def test_the_json_of_a_measurement(walk: Walk) -> None:
    """`measure --json` is the shape."""
    shape = answer(walk.project, MeasureShape, "measure", "win_back", "--at", LAST.isoformat())
    assert measure(walk.project, "win_back", LAST) == shape


def test_what_cannot_be_measured(walk: Walk) -> None:
    """A misspelt campaign is told with the nearest name."""
    with pytest.raises(TidingsError, match="there is no campaign 'win_bak'; did you mean 'win_back'"):
        measure(walk.project, "win_bak", LAST)


def test_before_the_first_refresh(walk: Walk, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Without a ledger the error says what to run."""
    empty = bare_project(tmp_path_factory.mktemp("empty"))
    empty.campaigns.update(walk.project.campaigns)
    with pytest.raises(TidingsError, match="there is no ledger yet; run `tidings refresh` first"):
        measure(empty, "win_back", LAST)
