"""The simulated customers: they go on shopping as before, and read, click, leave and buy when they are mailed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tidings.demo.effects import Purchase, caused_purchases
from tidings.ledger.database import Ledger
from tidings.ledger.tables import messages
from tidings.model.counts import TrackShape
from tidings.model.delivery import ProviderEvent
from tidings.planning.arms import uniform
from tidings.planning.links import unsubscribe_url
from tidings.project import Project
from tidings.tracking.record import unsubscribe_event
from tidings.verbs.track import track
from tidings.warehouse.scratch import scratch

DAYS = 21
OPENS, MACHINE, CLICKS, LEAVES, BOUNCES, COMPLAINS = 0.38, 0.08, 0.11, 0.006, 0.004, 0.0005


def write_baseline(folder: Path, start: datetime, seed: int) -> int:
    """Append what everybody buys in the days after `start` without any campaign; returns the orders written.

    Each customer repeats 21 of their own days: the last ones of their history, or those one or two weeks earlier,
    drawn by the seed, moved by whole weeks. Who has not bought for five weeks goes on not buying.
    """
    with scratch() as connection:
        for table in ("orders", "order_lines"):
            connection.read_parquet(str(folder / table / "history.parquet")).create_view(table)
        connection.execute(
            """
            CREATE TABLE moved AS
            SELECT *, INTERVAL 21 DAY + (hash(customer_id || $seed) % 3)::INT * INTERVAL 7 DAY AS gap FROM orders
            """,
            {"seed": f"|{seed}"},
        )
        connection.execute(
            "CREATE TABLE kept AS SELECT * FROM moved WHERE ordered_at + gap >= $first AND ordered_at + gap < $until",
            {"first": start, "until": start + timedelta(days=DAYS)},
        )
        write = "COPY ({}) TO '{}' (FORMAT parquet)"
        changed = "'B-' || order_id AS order_id, ordered_at + gap AS ordered_at"
        orders = f"SELECT * EXCLUDE (gap) REPLACE ({changed}) FROM kept"
        lines = "SELECT * REPLACE ('B-' || order_id AS order_id) FROM order_lines SEMI JOIN kept USING (order_id)"
        connection.execute(write.format(f"{orders} ORDER BY order_id", _path(folder, "orders", "baseline")))
        connection.execute(write.format(f"{lines} ORDER BY ALL", _path(folder, "order_lines", "baseline")))
        found = connection.execute("SELECT count(*) FROM kept").fetchone()
    return int(found[0]) if found else 0


def react(
    project: Project, ledger: Ledger, effects: Mapping[str, float], seed: int, since: datetime, until: datetime
) -> TrackShape:
    """What the messages of [since, until) bring about: events now, and orders in the days to come.

    Run again for the same time it changes nothing: events are known, and the orders are on file.
    """
    purchases: list[Purchase] = []
    for name, effect in sorted(effects.items()):
        campaign = project.campaigns[name]
        purchases += caused_purchases(project, ledger, campaign, effect, seed, since, until)
    if purchases:
        _write_purchases(project.warehouse_folder, since.date().isoformat(), purchases)
    return track(project, _events(project, ledger, seed, since, until), until)


def _events(project: Project, ledger: Ledger, seed: int, since: datetime, until: datetime) -> list[ProviderEvent]:
    here = (messages.c.state == "accepted") & (messages.c.channel == "email")
    during = (messages.c.counted_at >= since) & (messages.c.counted_at < until)
    with ledger.read() as connection:
        rows = connection.execute(select(messages).where(here, during).order_by(messages.c.id)).mappings().all()
    keys = [f"{row['customer_id']}|{row['campaign']}|{row['occasion']}|{row['step']}" for row in rows]
    salt = f"demo customers {seed}"
    fate, reading, after = (uniform(salt, what, keys) for what in ("fate", "reading", "after"))
    found: list[ProviderEvent] = []
    for row, lot, interest, delay in zip(rows, fate, reading, after, strict=True):
        found += _fate(project, row, float(lot), float(interest), timedelta(hours=0.2 + 18 * float(delay)))
    return found


def _fate(
    project: Project, row: Mapping[Any, Any], lot: float, interest: float, delay: timedelta
) -> list[ProviderEvent]:
    """The events of one message: `lot` decides what becomes of it, `interest` whether it is read."""
    sent, key = row["counted_at"], row["send_key"]

    def event(kind: str, at: datetime, **more: Any) -> ProviderEvent:
        values = {"provider": "demo", "event_id": f"{key}:{kind}", "kind": kind, "occurred_at": at, "send_key": key}
        return ProviderEvent.model_validate(values | more)

    if lot < BOUNCES:
        return [event("bounced", sent + timedelta(minutes=2), permanent=True, detail="550 5.1.1 no such user")]
    found = [event("delivered", sent + timedelta(minutes=1))]
    if lot > 1 - MACHINE:
        found.append(event("opened", sent + timedelta(minutes=3), machine=True))
    elif interest < OPENS:
        found.append(event("opened", sent + delay))
    if interest < CLICKS:
        found.append(event("clicked", sent + delay + timedelta(minutes=1)))
    if BOUNCES <= lot < BOUNCES + LEAVES:
        token = unsubscribe_url(project, key, sent).rsplit("/", 1)[1]
        found.append(unsubscribe_event(project, token, sent + delay))
    if BOUNCES + LEAVES <= lot < BOUNCES + LEAVES + COMPLAINS:
        found.append(event("complained", sent + delay))
    return found


def _write_purchases(folder: Path, day: str, purchases: Sequence[Purchase]) -> None:
    """One file a day, in the columns and types of the history; a day already on file stays as it is."""
    if Path(_path(folder, "orders", day)).exists():
        return
    with scratch() as connection:
        for table in ("orders", "order_lines"):
            history = connection.read_parquet(str(folder / table / "history.parquet")).limit(0)
            history.create_view("columns_of", replace=True)
            connection.execute(f"CREATE TABLE {table} AS FROM columns_of")
        connection.executemany(
            "INSERT INTO orders BY NAME SELECT $1 AS order_id, $2 AS customer_id, $3 AS ordered_at, $4 AS total, "
            "'USD' AS currency, 'completed' AS status, 'web' AS channel",
            [(p.order_id, p.customer_id, p.ordered_at, p.product["price"]) for p in purchases],
        )
        connection.executemany(
            "INSERT INTO order_lines BY NAME SELECT $1 AS order_id, $2 AS product_id, 1 AS quantity, "
            "$3 AS unit_price, 0 AS discount",
            [(p.order_id, p.product["product_id"], p.product["price"]) for p in purchases],
        )
        # Lines first: an order is never seen without them.
        for table in ("order_lines", "orders"):
            connection.execute(f"COPY {table} TO '{_path(folder, table, day)}' (FORMAT parquet)")


def _path(folder: Path, table: str, name: str) -> str:
    return str(folder / table / f"{name}.parquet").replace("'", "''")
