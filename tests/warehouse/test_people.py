from __future__ import annotations

from pathlib import Path

import pandas as pd

from tests.warehouse.workspaces import NOW, ago, consent, customer, order, workspace
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.features import last_orders, save_features
from tidings.warehouse.people import CONSENT, consent_rows, consenting, contact_rows, load_consents, load_profiles
from tidings.warehouse.tables import open_tables


def test_the_latest_word_of_a_customer_counts() -> None:
    """Granted and not withdrawn, per channel and purpose; of two at one moment the withdrawal."""
    records = [
        consent("yes"), consent("yes", "withdrawn", ago(400)),
        consent("no"), consent("no", "withdrawn", ago(3)),
        consent("tie"), consent("tie", "withdrawn"),
        consent("other channel", "withdrawn"), consent("other channel", channel="sms"),
        consent("never", "withdrawn"),
    ]  # fmt: skip
    assert consenting(records, NOW) == {"yes", "other channel"}


def test_a_consent_runs_out() -> None:
    """It holds before its expiry and not from it on (R25)."""
    records = [consent("1", expires_at=ago(-1)), consent("2", expires_at=NOW), consent("3", expires_at=ago(1))]
    assert consenting(records, NOW) == {"1"}


def test_records_go_to_the_ledger_by_person() -> None:
    """Profiles become persons; who is not a customer any more is left out."""
    rows = consent_rows([consent("1", expires_at=ago(-9)), consent("2")], {"1": "key"})
    assert rows == [
        {"person_key": "key", "channel": "email", "purpose": "marketing", "state": "granted", "recorded_at": ago(300),
         "expires_at": ago(-9), "source": "web form"}
    ]  # fmt: skip


def test_a_usable_address_is_a_contact_of_every_channel_that_uses_it() -> None:
    """E-mail has the address, all other channels the number; what has a problem is no contact."""
    addresses = pd.DataFrame({
        "person_key": ["p", "q"], "email_key": ["e1", "e2"], "phone_key": ["n1", None],
        "email_problem": [None, "shared"], "phone_problem": [None, "missing"],
    })  # fmt: skip
    rows = contact_rows(addresses, ["email", "sms", "zalo"])
    assert [(row["channel"], row["address_key"], row["person_key"]) for row in rows] == [
        ("email", "e1", "p"), ("sms", "n1", "p"), ("zalo", "n1", "p"),
    ]  # fmt: skip


def test_profiles_know_their_activity_and_consent(tmp_path: Path) -> None:
    """What the resolution ranks profiles by comes with them."""
    tables = {
        "customers": [customer("1"), customer("2")],
        "orders": [order("a", "1", ago(3))],
        "consents": [consent("2"), consent("1", "withdrawn")],
    }
    project = workspace(tmp_path, tables)
    with open_warehouse(project) as warehouse:
        found = open_tables(warehouse, NOW)
        save_features(warehouse, found, [], NOW, tmp_path / "features.parquet")
        consents = load_consents(warehouse, found)
        last = last_orders(tmp_path / "features.parquet")
        rows = load_profiles(warehouse, found, last, consents, NOW).set_index("customer_id")
    assert set(consents[0]) == set(CONSENT)
    assert rows["consenting"].to_dict() == {"1": False, "2": True}
    assert rows.loc["1", "last_active"] == ago(3)
    assert pd.isna(rows.loc["2", "last_active"])


def test_without_a_table_of_consents_nobody_has_said_anything(tmp_path: Path) -> None:
    """The table is optional; the ledger's own consents still count later."""
    with open_warehouse(workspace(tmp_path)) as warehouse:
        assert load_consents(warehouse, open_tables(warehouse, NOW)) == []
