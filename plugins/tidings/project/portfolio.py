"""config/portfolio.yaml: bands that fall, cells that share nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tidings.errors import TidingsError, did_you_mean
from tidings.model.mistakes import Mistake
from tidings.model.portfolio import STATES, Portfolio
from tidings.model.salvage import StandIns, salvage
from tidings.project.shelf import Entry
from tidings.yamlfile import YamlDocument, empty_values, place_mistake, read_yaml

PORTFOLIO = Path("config/portfolio.yaml")
BAND = {"band": "stand_in"}
CELL = {"cell": "stand_in", "bands": ["stand_in"], "states": ["lost"], "aim": "care", "owner": "nobody@example.com"}
STAND_INS = StandIns(
    keys={**BAND, **CELL, "bands": [BAND], "cells": [CELL]},
    items={"bands": BAND, "cells": CELL, "states": "lost"},
)


def read_portfolio(
    root: Path, currency: str, errors: list[TidingsError]
) -> tuple[Portfolio | None, dict[str, YamlDocument]]:
    """What the file says as far as it holds, None where there is none; the document by its name."""
    if not (root / PORTFOLIO).exists():
        return None, {}
    try:
        document = read_yaml(root / PORTFOLIO, root)
        if not isinstance(document.data, dict):
            raise TidingsError("the file is not a mapping", "write `key: value` lines", document.where())
    except TidingsError as error:
        errors.append(error)
        return None, {}
    done = salvage(Portfolio, document.data, STAND_INS)
    found = [place_mistake(mistake, document) for mistake in done.mistakes]
    errors += found + empty_values(document, {error.where for error in found})
    if done.noun is not None:
        entry = Entry(PORTFOLIO.stem, done.noun, document, done.mended)
        errors += entry.placed([*_wrong_bands(done.noun), *_wrong_cells(done.noun, currency)])
    return done.noun, {document.file: document}


def _wrong_bands(portfolio: Portfolio) -> Iterator[Mistake]:
    names = [band.band for band in portfolio.bands]
    last, reached = len(names) - 1, 0.0
    for index, band in enumerate(portfolio.bands):
        if band.band in names[:index]:
            fix = "give each band a name of its own"
            yield Mistake(("bands", index, "band"), f"there are two bands {band.band!r}", fix)
        if index == last and band.top is not None:
            yield Mistake(("bands", index, "top"), "the last band has a `top`", "remove it: the last band is the rest")
        elif index < last and band.top is None:
            fix = "say how far it goes, such as top: 20%"
            yield Mistake(("bands", index), f"the band {band.band!r} has no `top`", fix)
        elif band.top is not None and band.top <= reached:
            fix = "count each from the most valuable customer: 20%, then 50%"
            yield Mistake(("bands", index, "top"), f"`top` of {band.band!r} is not above that of the band before", fix)
        reached = max(reached, band.top or 0.0)


def _wrong_cells(portfolio: Portfolio, currency: str) -> Iterator[Mistake]:
    bands = [band.band for band in portfolio.bands]
    owner: dict[tuple[str, str], str] = {}
    names: list[str] = []
    for index, cell in enumerate(portfolio.cells):
        place = ("cells", index)
        if cell.cell in names:
            yield Mistake((*place, "cell"), f"there are two cells {cell.cell!r}", "give each cell a name of its own")
        names.append(cell.cell)
        for number, band in enumerate(cell.bands):
            if band not in bands:
                yield Mistake((*place, "bands", number), f"there is no band {band!r}", did_you_mean(band, bands))
        for number, state in enumerate(cell.states):
            if state not in STATES[portfolio.by]:
                fix = did_you_mean(state, STATES[portfolio.by])
                yield Mistake((*place, "states", number), f"no {portfolio.by} is called {state!r}", fix)
        for both in sorted({(band, state) for band in cell.bands for state in cell.states}):
            if other := owner.get(both):
                reason = f"{both[0]} × {both[1]} is in the cell {other!r} already"
                yield Mistake(place, reason, "let each customer be in one cell")
                break
            owner[both] = cell.cell
        said = (cell.budget or "").partition(" ")[2]
        if said and said != currency:
            reason = f"the budget is in {said}, the workspace in {currency}"
            yield Mistake((*place, "budget"), reason, f"write it in {currency}")
