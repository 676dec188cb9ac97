"""What a report is made from: the keys of the mapping that every section is handed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NotRequired, TypedDict

from tidings.model.campaign import Campaign
from tidings.model.counts import MeasureShape, PlanCounts


class PlanFact(TypedDict):
    """One plan record. `states`, where given, holds the states of just this plan's messages."""

    occasion: str
    step: str | None
    counts: PlanCounts
    states: NotRequired[Mapping[str, int]]


class Facts(TypedDict):
    """The facts of one campaign's report.

    `measure` is None for a campaign without a goal; `plans` are oldest first, the last one the report's own;
    `states` counts the campaign's messages by state; `locale` is the reader's language tag, `timezone` the zone that
    times are written in; `brand` holds name, address and colour (#rrggbb). `true_effect`, a difference of shares, is
    known only in the demo. `quarantined` counts source rows set aside by reason. `build_report` adds
    `reader`, the words and formats (tidings.reports.reader.Reader), and `pen`, the same for letters inside
    pictures.
    """

    campaign: Campaign
    measure: MeasureShape | None
    plans: Sequence[PlanFact]
    states: Mapping[str, int]
    currency: str
    locale: str
    timezone: str
    brand: Mapping[str, str]
    as_of: datetime
    true_effect: NotRequired[float | None]
    quarantined: NotRequired[Mapping[str, int]]


def last_accepted(facts: Mapping[str, Any]) -> int | None:
    """How many messages of the last plan a provider accepted; None where plans cannot be told apart."""
    last = facts["plans"][-1]
    # The campaign's states belong to the last plan only where there is no other.
    states = last.get("states", facts["states"] if len(facts["plans"]) == 1 else None)
    return None if states is None else int(states.get("accepted", 0))
