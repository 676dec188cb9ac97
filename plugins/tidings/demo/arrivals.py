"""What arrived at the demo's mail server, counted there and not in our own books: did anything come twice?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from tidings.ledger.database import Ledger
from tidings.ledger.tables import messages, reports
from tidings.project import Project


@dataclass(frozen=True)
class Arrivals:
    """How many messages the server has, how many of them came in this run, and what it has more than once."""

    messages: int
    new: int
    twice: Sequence[str]


def count_arrivals(project: Project, entries: Sequence[Mapping[str, Any]], before: int) -> Arrivals:
    """Count the server's log by send_key, and by recipient × campaign × occasion × step; `before` were there already.

    Keys that the ledger does not know are counted as keys alone.
    """
    with Ledger.open(project) as ledger, ledger.read() as connection:
        sent = {row.send_key: (row.campaign, row.occasion, row.step) for row in connection.execute(select(messages))}
        mailed = connection.execute(select(reports))
        sent |= {row.send_key: (row.campaign, row.occasion, "report") for row in mailed}
    keys = [entry["send_key"] for entry in entries]
    places = [
        (str(to).lower(), *sent[entry["send_key"]])
        for entry in entries
        for to in entry["to"]
        if entry["send_key"] in sent
    ]
    twice = [*_repeated(f"the key {key}" for key in keys), *_repeated(" · ".join(place) for place in places)]
    return Arrivals(messages=len(entries), new=len(entries) - before, twice=twice)


def _repeated(found: Iterable[str]) -> list[str]:
    return [f"{what}: {number} times" for what, number in Counter(found).items() if number > 1]
