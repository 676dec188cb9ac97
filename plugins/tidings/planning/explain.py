"""One person's way through the gates: the plan's own gates, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tidings.errors import TidingsError
from tidings.model.counts import Decision
from tidings.model.seams import Gate
from tidings.model.steps import If, Send, Wait
from tidings.planning.decide import Decider
from tidings.planning.frames import records
from tidings.planning.people import load_people
from tidings.planning.program import compile_flow

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Told:
    """Gates in order with whether each was open, and the decision that follows."""

    gates: list[tuple[str, bool]]
    decision: Decision
    reason: str | None


def explain(decider: Decider, person_key: str, occasion: str) -> Told:
    """Entry gates, then the send gates of the first step that sends at once, then limit and arm."""
    people, gates = _ask(decider.prepare_entry(_with_rivals(decider, person_key)), decider.entry_gates(), person_key)
    step = _first_send(decider)
    if (closed := _closed(gates)) or step is None:
        return Told(gates, "no", closed or "enrolled")
    _, asked = _ask(decider.prepare_send(step, people), decider.send_gates(step, occasion), person_key)
    gates += asked
    if closed := _closed(gates):
        return Told(gates, "no", closed)
    rows = records(decider.send(step, people, occasion))
    decision, reason = next((row["decision"], row["reason"]) for row in rows if row["person_key"] == person_key)
    if decision == "planned":
        return Told(gates, "planned", None)
    return Told([*gates, (reason, False)], decision, reason)


def _with_rivals(decider: Decider, person_key: str) -> pd.DataFrame:
    """The person and those who could take their place: who shares an address, and where the run is limited, all."""
    everybody = load_people(decider.project, decider.campaign, decider.snapshot)
    person = everybody[everybody["person_key"] == person_key]
    if person.empty:
        raise TidingsError("the snapshot does not know this person yet", "run `tidings refresh`")
    if decider.left is not None:
        return everybody
    rivals = everybody["person_key"] == person_key
    for column in ("email_key", "phone_key"):
        rivals |= everybody[column].isin(person[column].dropna())
    return everybody[rivals]


def _ask(people: pd.DataFrame, gates: Sequence[Gate], person_key: str) -> tuple[pd.DataFrame, list[tuple[str, bool]]]:
    """Who passes all the gates, and the gates up to the first that closes for the person."""
    told: list[tuple[str, bool]] = []
    for gate in gates:
        people = people[gate.open(people)]
        passed = bool((people["person_key"] == person_key).any())
        told.append((gate.code, passed))
        if not passed:
            break
    return people, told


def _closed(gates: Sequence[tuple[str, bool]]) -> str | None:
    return next((code for code, passed in gates if not passed), None)


def _first_send(decider: Decider) -> Send | None:
    """The step that a new person would be sent at once; None where the flow first waits or branches."""
    program = compile_flow(decider.campaign)
    step = program.nodes[program.first].step
    return None if isinstance(step, (If, Wait)) else step
