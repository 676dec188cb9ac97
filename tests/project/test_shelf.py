"""A folder of nouns, read as far as each file holds."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.data.mistakes.table import new_workspace
from tidings.errors import TidingsError
from tidings.model.base import Noun
from tidings.model.campaign import Campaign, Offer, Segment
from tidings.model.mistakes import Mistake
from tidings.model.salvage import look_up, remove, salvage
from tidings.project.shelf import STAND_INS, read_shelf
from tidings.yamlfile import read_yaml

FILES = [
    ("config/campaigns/hello.yaml", Campaign),
    ("config/offers/ten_percent.yaml", Offer),
    ("segments/loyal.yaml", Segment),
]


@pytest.mark.parametrize(("file", "model"), FILES)
def test_whatever_stands_in_a_file_something_is_left(tmp_path: Path, file: str, model: type[Noun]) -> None:
    """Each value in turn is something else, or gone: the rest can be looked into all the same."""
    document = read_yaml(new_workspace(tmp_path) / file)
    wrongs: list[Any] = [None, 3, "x y", [], {}, [3], {"a": 1}]
    for place in filter(None, document.values):
        for wrong in wrongs:
            data = deepcopy(document.data)
            look_up(data, place[:-1])[place[-1]] = wrong
            assert salvage(model, data, STAND_INS).noun is not None, (place, wrong)
        data = deepcopy(document.data)
        remove(data, place)
        assert salvage(model, data, STAND_INS).noun is not None, place


def test_mistakes_about_a_stand_in_are_nobody_s(tmp_path: Path) -> None:
    """What is found at a mended place, or below it, was never written; what is found beside it was."""
    root = new_workspace(tmp_path)
    path = root / "config" / "campaigns" / "hello.yaml"
    path.write_text(path.read_text().replace("send: sms", "send: 3").replace("aim: care", "aim: caer"))
    errors: list[TidingsError] = []
    [entry] = read_shelf(root, Path("config/campaigns"), Campaign, "campaign", errors).entries
    assert entry.mended == {("aim",), ("steps", 2, "then", 0, "send")}
    found = [Mistake((*place, "x"), str(place[-1])) for place in sorted(entry.mended, key=str)]
    assert [error.reason for error in entry.placed([*found, Mistake(("steps", 2, "then", 0), "step")])] == ["step"]
    assert len(errors) == 2
