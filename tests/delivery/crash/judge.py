"""The verdict: the provider's own log beside the ledger. What the ledger says of itself is never the proof."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

UNSETTLED = ("sending", "in_doubt")


class Arrival(NamedTuple):
    """One message that the provider took, as its log has it."""

    send_key: str
    to: str


class Silence(NamedTuple):
    """An address that nothing may go to: from one entry of the log, by number, to another."""

    address: str
    since: int
    until: int | None = None


@dataclass
class Evidence:
    """What is known when nobody works any more."""

    log: Sequence[Arrival]
    rows: Sequence[Mapping[str, Any]]
    counts: Mapping[str, Mapping[str, Any]]
    silences: Iterable[Silence] = ()
    cap: int | None = None
    left_open: Sequence[tuple[int, int]] = ()


def findings(evidence: Evidence) -> list[str]:
    """Each way in which the promise was broken, with its number; empty where it was kept."""
    checks = (twice, strangers, lost, denied, unaccounted, silenced, over_the_cap, too_much_doubt)
    return [f"{check.__name__}: {number}" for check in checks if (number := sum(1 for _ in check(evidence)))]


def twice(evidence: Evidence) -> Iterator[str]:
    """Keys that the provider took more than once (R03)."""
    arrived = Counter(entry.send_key for entry in evidence.log)
    return (key for key, number in arrived.items() if number > 1)


def strangers(evidence: Evidence) -> Iterator[str]:
    """Keys that arrived without a row (R01)."""
    known = {row["send_key"] for row in evidence.rows}
    return (entry.send_key for entry in evidence.log if entry.send_key not in known)


def lost(evidence: Evidence) -> Iterator[str]:
    """Messages that count as sent and that the provider never took: lost silently (R04)."""
    arrived = {entry.send_key for entry in evidence.log}
    return (row["send_key"] for row in evidence.rows if row["state"] == "accepted" and row["send_key"] not in arrived)


def denied(evidence: Evidence) -> Iterator[str]:
    """Messages that arrived though the ledger says that they did not, or that they are still to leave."""
    arrived = {entry.send_key for entry in evidence.log}
    open_ = ("accepted", *UNSETTLED)
    return (row["send_key"] for row in evidence.rows if row["send_key"] in arrived and row["state"] not in open_)


def unaccounted(evidence: Evidence) -> Iterator[str]:
    """Plans where considered = planned + withheld + Σ reasons, or planned = Σ states, does not hold (R04)."""
    states: dict[str, Counter[str]] = {plan_id: Counter() for plan_id in evidence.counts}
    for row in evidence.rows:
        states[row["plan_id"]]["withheld" if row["state"] == "withheld" else "planned"] += 1
    for plan_id, counts in evidence.counts.items():
        whole = counts["planned"] + counts["withheld"] + sum(counts["reasons"].values())
        held = states[plan_id]
        if counts["considered"] != whole or (held["planned"], held["withheld"]) != (
            counts["planned"],
            counts["withheld"],
        ):
            yield plan_id


def silenced(evidence: Evidence) -> Iterator[str]:
    """Messages to an address that had been suppressed before they were claimed (R24)."""
    for silence in evidence.silences:
        during = evidence.log[silence.since : silence.until]
        yield from (entry.send_key for entry in during if entry.to == silence.address)


def over_the_cap(evidence: Evidence) -> Iterator[str]:
    """Addresses that got more than their cap, all within its time (R38)."""
    if evidence.cap is not None:
        got = Counter(entry.to for entry in evidence.log)
        yield from (address for address, number in got.items() if number > evidence.cap)


def too_much_doubt(evidence: Evidence) -> Iterator[int]:
    """Kills that left more messages open than workers × batch, which stands beside each number (R14)."""
    return (number for number, bound in evidence.left_open if number > bound)


def in_doubt(evidence: Evidence) -> tuple[int, int]:
    """Messages that nobody knows about: those that the provider has, and those that it never got."""
    arrived = {entry.send_key for entry in evidence.log}
    doubt = [row["send_key"] in arrived for row in evidence.rows if row["state"] in UNSETTLED]
    return sum(doubt), len(doubt) - sum(doubt)
