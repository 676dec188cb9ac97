"""How long a plan takes, beside the same joins written by hand in DuckDB, in one run on the demo shop.

Prints both medians and their ratio; the two must plan the same number of people. `make bench`.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from tidings.demo.shop import build_shop
from tidings.demo.stage import Show
from tidings.ledger.database import Ledger
from tidings.ledger.snapshots import current_snapshot
from tidings.ledger.tables import consents
from tidings.project import Project, load_project
from tidings.verbs.plan import plan
from tidings.verbs.refresh import refresh

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 7
BY_HAND = """
    WITH latest AS (
        SELECT person_key, unnest(arg_max({'state': state, 'expires_at': expires_at}, (recorded_at, state)))
        FROM consents WHERE channel = 'email' AND purpose = 'marketing' AND recorded_at <= $now GROUP BY person_key
    ), people AS (
        SELECT p.person_key, bool_or(p.in__newsletter_readers) AS member,
               arg_max(a.email_key, (p.in__newsletter_readers, p.represents))
                   FILTER (a.email_problem IS NULL) AS address
        FROM read_parquet($people) p LEFT JOIN read_parquet($addresses) a USING (customer_id) GROUP BY p.person_key
    )
    SELECT count(*) FROM people JOIN latest USING (person_key)
    WHERE member AND address IS NOT NULL AND state = 'granted' AND (expires_at IS NULL OR expires_at > $now)
"""


def by_hand(project: Project, show: Show) -> int:
    """The newsletter's audience with a usable address and a valid consent: one query over the same files."""
    import duckdb
    import pandas as pd

    with Ledger.open(project) as ledger, ledger.read() as connection:
        snapshot = current_snapshot(connection, project.root)
        held = pd.DataFrame([dict(row) for row in connection.execute(select(consents)).mappings()])
    with duckdb.connect() as connection:
        held["expires_at"] = pd.to_datetime(held["expires_at"], utc=True)
        connection.register("consents", held)
        values = {"people": str(snapshot.people), "addresses": str(snapshot.addresses), "now": show.history_end}
        (found,) = connection.execute(BY_HAND, values).fetchone() or (0,)
    return int(found)


def median(call: Callable[[], int]) -> tuple[float, int]:
    """Seconds of the middle round, and what the call found."""
    seconds, found = [], 0
    for _ in range(ROUNDS):
        started = time.perf_counter()
        found = call()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds), found


def main() -> None:
    """Build the shop, refresh once, and time the two against each other."""
    warnings.simplefilter("ignore")
    show = Show()
    with tempfile.TemporaryDirectory(prefix="tidings-bench-") as name:
        root = Path(name)
        for folder in ("config", "segments", "templates"):
            shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("local.yaml"))
        build_shop(root / "data", end=show.end)
        project = load_project(root)
        refresh(project, show.history_end)

        def planned() -> int:
            counts = plan(project, "newsletter", show.history_end).counts
            return counts.planned + counts.withheld

        ours, people = median(planned)
        theirs, same = median(lambda: by_hand(project, show))
    sys.stdout.write(f"tidings plan newsletter  {ours * 1000:7.1f} ms  {people:,} people would be sent to\n")
    sys.stdout.write(f"the joins by hand        {theirs * 1000:7.1f} ms  {same:,} people\n")
    sys.stdout.write(f"ratio                    {ours / theirs:7.2f}\n")


if __name__ == "__main__":
    main()
