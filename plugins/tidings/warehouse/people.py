"""Who the customers are, as the warehouse says it: contact columns, activity and consents, as frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tidings.warehouse.connection import Warehouse
from tidings.warehouse.reading import fetch

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

Consent = dict[str, Any]

PROFILE = ("customer_id", "email", "phone", "first_name", "last_name", "locale", "timezone", "country", "created_at")
CONSENT = ("customer_id", "channel", "purpose", "state", "recorded_at", "expires_at", "source")


def load_consents(warehouse: Warehouse, tables: Mapping[str, ir.Table]) -> list[Consent]:
    """The company's consent records (CONSENT), those said before `now`; none where it keeps none."""
    if "consents" not in tables:
        return []
    rows: list[Consent] = fetch(warehouse.backend, tables["consents"].select(*CONSENT), "consents").to_pylist()
    return rows


def load_profiles(
    warehouse: Warehouse,
    tables: Mapping[str, ir.Table],
    last_active: pd.DataFrame,
    consents: Iterable[Consent],
    now: datetime,
) -> pd.DataFrame:
    """Profiles as `identity.resolve` takes them; `last_active` has customer_id and last_order_at."""
    rows: pd.DataFrame = fetch(warehouse.backend, tables["customers"].select(*PROFILE), "customers").to_pandas()
    rows = rows.merge(last_active.rename(columns={"last_order_at": "last_active"}), on="customer_id", how="left")
    rows["consenting"] = rows["customer_id"].isin(consenting(consents, now))
    return rows


def consenting(consents: Iterable[Consent], now: datetime) -> set[str]:
    """The customers with at least one consent (a channel and a purpose) that holds at `now`.

    The latest record counts; of two at one moment the withdrawal.
    """
    latest = {
        (row["customer_id"], row["channel"], row["purpose"]): row
        for row in sorted(consents, key=lambda row: (row["recorded_at"], row["state"]))
    }
    return {
        row["customer_id"]
        for row in latest.values()
        if row["state"] == "granted" and (row["expires_at"] is None or row["expires_at"] > now)
    }


def consent_rows(consents: Iterable[Consent], mapping: Mapping[str, str]) -> list[Consent]:
    """The records as the ledger keeps them, by person; those of unknown customers are left out."""
    return [
        {name: value for name, value in row.items() if name != "customer_id"}
        | {"person_key": mapping[row["customer_id"]]}
        for row in consents
        if row["customer_id"] in mapping
    ]


def contact_rows(addresses: pd.DataFrame, channels: Iterable[str]) -> list[dict[str, str]]:
    """Each usable address as the ledger keeps it, once a channel: e-mail uses the address, all others the number."""
    rows = []
    for channel in channels:
        kind = "email" if channel == "email" else "phone"
        usable = addresses[addresses[f"{kind}_problem"].isna()]
        pairs = zip(usable[f"{kind}_key"], usable["person_key"], strict=True)
        rows += [{"channel": channel, "address_key": key, "person_key": person} for key, person in pairs]
    return rows
