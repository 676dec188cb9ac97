"""Days by the clocks of a zone, told in the query itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
import pytest

from tidings.warehouse.days import FIRST, local_day, today

NOW = datetime(2026, 11, 1, tzinfo=UTC)
EPOCH = date(1970, 1, 1)


@pytest.mark.parametrize(
    "zone", ["UTC", "Asia/Ho_Chi_Minh", "Europe/Berlin", "America/New_York", "Africa/Casablanca", "Pacific/Apia"]
)
def test_a_moment_lies_on_the_day_that_clocks_say(zone: str) -> None:
    """Every five hours since 2000: through changes of clocks, Ramadan, and a day that was left out."""
    moments = [FIRST + timedelta(hours=hours) for hours in range(0, (NOW - FIRST) // timedelta(hours=1), 5)]
    backend = ibis.duckdb.connect()
    table = backend.create_table("t", pa.table({"at": pa.array(moments, pa.timestamp("us", "UTC"))}))
    found = table.select(day=local_day(table["at"], NOW, zone)).to_pyarrow()["day"].to_pylist()
    backend.disconnect()
    assert found == [(moment.astimezone(ZoneInfo(zone)).date() - EPOCH).days for moment in moments]


def test_today_is_by_the_clocks_of_the_zone() -> None:
    """At midnight UTC it is still yesterday in New York."""
    assert EPOCH + timedelta(days=today(NOW, "America/New_York")) == date(2026, 10, 31)
    assert EPOCH + timedelta(days=today(NOW, "Asia/Ho_Chi_Minh")) == date(2026, 11, 1)
