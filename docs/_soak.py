"""The tables of docs/reliability.md, from what `make soak ARGS="--record docs/output/soak.json"` wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Row = tuple[str, ...]


def read(path: Path) -> dict[str, Any]:
    """The recorded run."""
    return dict(json.loads(path.read_text(encoding="utf-8")))


def sentence(run: dict[str, Any]) -> str:
    """Seed, kills, time and what was wrong."""
    kills = [
        number for lane in run["lanes"].values() for faults in lane["kills"].values() for number in faults.values()
    ]
    wrong = sum(len(each["findings"]) for each in (run["claims"], *run["lanes"].values()))
    return (
        f"Recorded run: seed {run['seed']}, {sum(kills):,} kills, at least {min(kills)} in every cell, "
        f"{run['races']} races of two workers on each pair of ledger and provider, "
        f"{run['claims']['times']:,} claims against another one and against unsubscribes on each ledger, "
        f"{run['seconds'] / 60:.0f} minutes; {wrong or 'no'} promise broken."
    )


def points(run: dict[str, Any]) -> tuple[Row, list[Row]]:
    """Kills by the point of the kill, in the order in which a worker comes there."""
    lanes = run["lanes"]
    names = dict.fromkeys(name for lane in lanes.values() for name in lane["kills"])
    rows = [(name, *(f"{sum(lane['kills'][name].values()):,}" for lane in lanes.values())) for name in names]
    return ("killed", *lanes), rows


def faults(run: dict[str, Any]) -> tuple[Row, list[Row]]:
    """Kills by what the provider did."""
    lanes = run["lanes"]
    names = dict.fromkeys(name for lane in lanes.values() for kinds in lane["kills"].values() for name in kinds)
    rows = [
        (name, *(f"{sum(kinds.get(name, 0) for kinds in lane['kills'].values()):,}" for lane in lanes.values()))
        for name in names
    ]
    return ("the provider", *lanes), rows


def outcomes(run: dict[str, Any]) -> tuple[Row, list[Row]]:
    """What became of the messages."""
    lanes = run["lanes"]
    return ("", *lanes), [(words, *cells_) for words, cells_ in _outcomes(lanes)]


def _outcomes(lanes: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    def count(name: str) -> list[str]:
        return [f"{lane[name]:,}" for lane in lanes.values()]

    def found(name: str) -> list[str]:
        every = ([one.partition(": ") for one in lane["findings"]] for lane in lanes.values())
        return [next((number for key, _, number in each if key == name), "0") for each in every]

    yield "messages planned", count("messages")
    yield "in the provider's log", count("arrived")
    yield "in it twice", found("twice")
    yield "accepted by our ledger and not in it (lost silently)", found("lost")
    yield "in it and denied by our ledger", found("denied")
    yield "in it and not planned", found("strangers")
    yield "in it after their address was suppressed", found("silenced")
    yield "plans that do not add up", found("unaccounted")
    yield "kills that left more than workers × batch in doubt", found("too_much_doubt")
    yield "in doubt at the end", count("in_doubt")
    yield "— of them in the provider's log", count("in_doubt_told")
    yield "in doubt after truthful events", count("never_taken")
    yield "— of them in the provider's log", found("in doubt after truthful events")
