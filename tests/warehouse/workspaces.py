"""Small workspaces with a warehouse of their own, for the tests of the refresh path."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from tidings.project import Project, load_project

NOW = datetime(2026, 11, 1, tzinfo=UTC)
Row = dict[str, Any]
Rows = Mapping[str, Sequence[Row]]

SETTINGS: dict[str, Any] = {
    "workspace": "corner",
    "base_currency": "USD",
    "salt": "0123456789abcdef",
    "brand": {"name": "Corner", "address": "1 Lane", "website": "https://corner.example",
              "support_email": "a@corner.example"},
    "sender": {"email": "news@corner.example", "name": "Corner"},
    "public_url": "https://crm.corner.example",
    "channels": {"email": {"providers": ["outbox"]}, "sms": {"providers": ["outbox"]}},
}  # fmt: skip

TYPES: dict[str, dict[str, pa.DataType]] = {
    "customers": {
        **dict.fromkeys(("customer_id", "email", "phone", "first_name", "last_name"), pa.string()),
        **dict.fromkeys(("locale", "timezone", "country"), pa.string()),
        "created_at": pa.timestamp("us", "UTC"),
    },
    "orders": {
        "order_id": pa.string(),
        "customer_id": pa.string(),
        "ordered_at": pa.timestamp("us", "UTC"),
        "total": pa.decimal128(12, 2),
        **dict.fromkeys(("currency", "status", "channel"), pa.string()),
    },
    "order_lines": {
        "order_id": pa.string(),
        "product_id": pa.string(),
        "quantity": pa.int32(),
        **dict.fromkeys(("unit_price", "discount"), pa.decimal128(12, 2)),
    },
    "products": {
        **dict.fromkeys(("product_id", "name", "category"), pa.string()),
        **dict.fromkeys(("price", "unit_cost"), pa.decimal128(12, 2)),
        "in_stock": pa.bool_(),
        **dict.fromkeys(("url", "image_url"), pa.string()),
    },
    "cases": {
        **dict.fromkeys(("case_id", "customer_id"), pa.string()),
        **dict.fromkeys(("opened_at", "closed_at"), pa.timestamp("us", "UTC")),
    },
    "events": {
        **dict.fromkeys(("event_id", "customer_id", "event"), pa.string()),
        "occurred_at": pa.timestamp("us", "UTC"),
    },
    "consents": {
        **dict.fromkeys(("customer_id", "channel", "purpose", "state", "source"), pa.string()),
        **dict.fromkeys(("recorded_at", "expires_at"), pa.timestamp("us", "UTC")),
    },
    "subscriptions": {
        **dict.fromkeys(("customer_id", "product_id", "end_reason"), pa.string()),
        "quantity": pa.int32(),
        **dict.fromkeys(("started_at", "ended_at", "paused_until"), pa.timestamp("us", "UTC")),
    },
    "activity_costs": {
        **dict.fromkeys(("period", "activity", "driver", "cost_level"), pa.string()),
        "amount": pa.decimal128(12, 2),
    },
    "fx": {"date": pa.date32(), "currency": pa.string(), "rate": pa.decimal128(20, 12)},
}


def ago(days: float) -> datetime:
    """So many days before NOW."""
    return NOW - timedelta(days=days)


def customer(customer_id: str, **more: Any) -> Row:
    """A customer with a good address of their own, unless `more` says otherwise."""
    return {
        "customer_id": customer_id, "email": f"c{customer_id}@corner.example", "phone": None, "first_name": "Ana",
        "last_name": None, "locale": "en", "timezone": "UTC", "country": "US", "created_at": ago(400), **more,
    }  # fmt: skip


def order(order_id: str, customer_id: str, at: datetime, total: Any = "10.00", **more: Any) -> Row:
    """A completed order in dollars."""
    return {
        "order_id": order_id, "customer_id": customer_id, "ordered_at": at,
        "total": None if total is None else Decimal(str(total)), "currency": "USD", "status": "completed",
        "channel": "web", **more,
    }  # fmt: skip


def line(order_id: str, product_id: str, **more: Any) -> Row:
    """One piece of a product."""
    return {
        "order_id": order_id, "product_id": product_id, "quantity": 1, "unit_price": Decimal("2.50"),
        "discount": Decimal("0.00"), **more,
    }  # fmt: skip


def product(product_id: str, category: str | None = "Milk", **more: Any) -> Row:
    """A product in stock that costs half its price."""
    return {
        "product_id": product_id, "name": f"Product {product_id}", "category": category, "price": Decimal("2.50"),
        "unit_cost": Decimal("1.25"), "in_stock": True, "url": f"https://corner.example/{product_id}",
        "image_url": None, **more,
    }  # fmt: skip


def cost(period: str, activity: str, amount: Any, driver: str | None = "orders", level: str = "batch") -> Row:
    """What an activity cost in a period."""
    return {
        "period": period, "activity": activity, "amount": Decimal(str(amount)), "driver": driver, "cost_level": level,
    }  # fmt: skip


def consent(customer_id: str, state: str = "granted", at: datetime | None = None, **more: Any) -> Row:
    """A record of marketing consent for e-mail."""
    return {
        "customer_id": customer_id, "channel": "email", "purpose": "marketing", "state": state,
        "recorded_at": at or ago(300), "expires_at": None, "source": "web form", **more,
    }  # fmt: skip


def event(event_id: str, customer_id: str | None, name: str | None, at: datetime | None, **more: Any) -> Row:
    """Something that a customer did."""
    return {"event_id": event_id, "customer_id": customer_id, "event": name, "occurred_at": at, **more}


def subscription(customer_id: str, started: str, ended: str | None = None, **more: Any) -> Row:
    """Two pieces of the product `p`, from a day to another, both as 2026-11-01."""
    days = {"started_at": started, "ended_at": ended, "paused_until": more.pop("paused", None)}
    moments = {name: day and datetime.fromisoformat(f"{day}T00:00+00:00") for name, day in days.items()}
    return {"customer_id": customer_id, "product_id": "p", "quantity": 2, "end_reason": None, **moments, **more}


def write_table(folder: Path, name: str, rows: Sequence[Row]) -> None:
    """Write `name.parquet` in the contract's types; columns beyond the contract keep what Arrow finds in them."""
    types = dict(TYPES[name])
    others = [column for column in (rows[0] if rows else {}) if column not in types]
    arrays = {column: pa.array([row.get(column) for row in rows], kind) for column, kind in types.items()}
    arrays |= {column: pa.array([row.get(column) for row in rows]) for column in others}
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(arrays), folder / f"{name}.parquet")


def write_csv(folder: Path, name: str, rows: Sequence[Row]) -> None:
    """Write `name.csv`; nulls are empty."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(
            {key: value.isoformat() if isinstance(value, (date, datetime)) else value for key, value in row.items()}
            for row in rows
        )


def workspace(
    root: Path,
    tables: Rows | None = None,
    *,
    segments: Mapping[str, Any] | None = None,
    campaigns: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Project:
    """A project at `root` with these tables (the four compulsory ones are there in any case), segments by their
    `where`, campaigns by their keys, and settings.
    """
    data = {name: [] for name in ("customers", "orders", "order_lines", "products")} | dict(tables or {})
    for name, rows in data.items():
        write_table(root / "data", name, rows)
    _write(root / "config/tidings.yaml", SETTINGS | settings)
    for name, where in (segments or {}).items():
        _write(root / f"segments/{name}.yaml", {"segment": name, "title": name, "where": where})
    for name, keys in (campaigns or {}).items():
        _write(root / f"config/campaigns/{name}.yaml", {**campaign(name), **keys})
    return load_project(root)


def campaign(name: str) -> dict[str, Any]:
    """A live broadcast to the segment `everybody`."""
    return {
        "campaign": name, "title": name, "aim": "care", "status": "live", "owner": "lan@corner.example",
        "schedule": "0 9 * * *", "audience": {"include": "everybody"},
        "steps": [{"id": "only", "send": "email", "template": f"{name}/only"}],
    }  # fmt: skip


def _write(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
