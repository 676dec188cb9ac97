"""The gates of a plan, in their order. Each is one question; the first that closes is the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tidings.errors import TidingsError
from tidings.model.seams import Eligibility, Gate

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Flag:
    """Open where a boolean column of the people frame is true."""

    code: str
    column: str

    def open(self, people: pd.DataFrame) -> pd.Series[bool]:
        """The column itself."""
        return people[self.column].astype(bool)


@dataclass
class Address:
    """Open where the chosen channel's address has no problem of one kind."""

    code: str
    problem: str

    def open(self, people: pd.DataFrame) -> pd.Series[bool]:
        """False where `address_problem` is this gate's problem."""
        return ~people["address_problem"].eq(self.problem).fillna(False).astype(bool)


@dataclass
class Known:
    """Open where (person or address, channel) is, or is not, in a set read from the ledger."""

    code: str
    keys: frozenset[tuple[str, str]]
    columns: tuple[str, str]
    wanted: bool

    def open(self, people: pd.DataFrame) -> pd.Series[bool]:
        """Membership of the two columns' pairs."""
        import pandas as pd

        pairs = zip(people[self.columns[0]], people[self.columns[1]], strict=True)
        inside = pd.Series([pair in self.keys for pair in pairs], index=people.index, dtype=bool)
        return inside if self.wanted else ~inside


@dataclass
class FirstOfAddress:
    """Open for the first person of an address at a step: the address gets one message (R01)."""

    code: str = "address_in_plan"

    def open(self, people: pd.DataFrame) -> pd.Series[bool]:
        """False for every later row with the same address."""
        return ~people.duplicated(subset=["address_key"], keep="first")


@dataclass
class Rule:
    """A plugin's eligibility rule, asked about every profile of a person: one no is the person's.

    `profiles` has person_key and the rule's declared columns. The rule sees those only, and its failure closes
    nothing silently.
    """

    rule: Eligibility
    profiles: pd.DataFrame
    code: str = field(init=False)

    def __post_init__(self) -> None:
        self.code = f"plugin:{self.rule.name}"

    def open(self, people: pd.DataFrame) -> pd.Series[bool]:
        """What the rule says, missing values as no; TidingsError naming the plugin where it fails (R55)."""
        asked = self.profiles[self.profiles["person_key"].isin(people["person_key"])]
        try:
            answers = self.rule.allowed(asked[list(self.rule.columns)].copy())
            if not answers.index.equals(asked.index):
                raise ValueError("it answers for other people than it was asked about")
            refused = set(asked.loc[~answers.astype("boolean").fillna(False).astype(bool), "person_key"])
        except Exception as error:
            reason = f"the eligibility rule {self.rule.name!r} failed: {type(error).__name__}: {error}"
            raise TidingsError(reason, "mend the plugin; nothing was planned") from error
        return ~people["person_key"].isin(refused)


@dataclass
class Room:
    """Open while a person's messages on the channel stay below the cap (a forecast; the claim is the law)."""

    caps: dict[str, int]
    sent: dict[tuple[str, str], int]
    code: str = "frequency_cap"

    def open(self, people: pd.DataFrame) -> pd.Series[bool]:
        """False where the person has had as many as the cap allows."""
        import pandas as pd

        pairs = zip(people["person_key"], people["channel"], strict=True)
        counts = [self.sent.get(pair, 0) < self.caps.get(pair[1], 1 << 30) for pair in pairs]
        return pd.Series(counts, index=people.index, dtype=bool)


def first_closed(people: pd.DataFrame, gates: Sequence[Gate]) -> pd.Series[str]:
    """The code of the first closed gate of each row; missing where every gate is open."""
    import pandas as pd

    reasons = pd.Series(pd.NA, index=people.index, dtype="object")
    left = people
    for gate in gates:
        if left.empty:
            break
        opened = gate.open(left)
        reasons.loc[left.index[~opened]] = gate.code
        left = left[opened]
    return reasons
