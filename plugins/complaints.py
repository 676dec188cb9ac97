"""No win-back message to a customer who waits for an answer from us: a company rule in one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidings.hookspecs import hookimpl
from tidings.model.seams import Eligibility

if TYPE_CHECKING:
    import pandas as pd


class OpenComplaint(Eligibility):
    """Whoever has a complaint open is answered first; to them an offer would read as mockery."""

    name = "open_complaint"
    columns = ("open_cases",)
    campaigns = ("win_back",)

    def allowed(self, people: pd.DataFrame) -> pd.Series[bool]:
        """Nothing is known of customers without a row of cases; they have none open."""
        return people["open_cases"].fillna(0) == 0


@hookimpl
def register_eligibility() -> list[type[Eligibility]]:
    """One rule, asked in every plan of win_back."""
    return [OpenComplaint]
