"""Who is who: profiles that share an address are one person, and a person keeps the key they once got.

Pure: frames in, frames out; the verb loads and saves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tidings.warehouse.addresses import address_key, normalise_email, normalise_phone

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MOST_PROFILES = 5
"""An address of more profiles than this is a role's or a dummy: it links nobody."""

KINDS = ("email", "phone")


@dataclass(frozen=True)
class Resolution:
    """`people`: customer_id, person_key, represents; `addresses`: the columns of addresses.parquet.

    `mapping` is customer_id → person_key for every profile ever seen, `new` the keys made now in order of age,
    `merges` pairs (younger key, older key).
    """

    people: pd.DataFrame
    addresses: pd.DataFrame
    mapping: dict[str, str]
    new: list[str]
    merges: list[tuple[str, str]]


def resolve(
    profiles: pd.DataFrame,
    known: Mapping[str, str],
    numbers: Mapping[str, int],
    forgotten: Mapping[str, str] | None = None,
    *,
    salt: str,
    new_key: Callable[[], str],
) -> Resolution:
    """Give every profile a person.

    `profiles`: customer_id (unique), email, phone, first_name, last_name, locale, timezone, country, created_at,
    last_active (UTC or NaT) and consenting (bool). `known` is the mapping so far, `numbers` the age of each key
    (a lower number is older). `forgotten` is address key → key of persons whom the ledger knows by their address
    alone: it was put back to before their first profile. Profiles once linked stay linked. The result depends on
    nothing else but the keys that `new_key` gives, which are asked for in order of the persons' first profile.
    """
    profiles = profiles.sort_values(["created_at", "customer_id"], na_position="last", ignore_index=True)
    addresses = _addresses(profiles, salt)
    groups = [addresses[kind].where(~_crowded(addresses[kind])) for kind in KINDS]
    held = profiles["customer_id"].map(dict(known))
    for kind, address in zip(KINDS, groups, strict=True):
        found = addresses[f"{kind}_key"].where(address.notna()).map(dict(forgotten or {}))
        held = held.where(held.notna(), found)
    groups.append(held)
    label = _components(groups, len(profiles))
    keys, new, merges = _keys(groups[-1], label, numbers, new_key)
    people = profiles[["customer_id"]].assign(person_key=keys)
    people["represents"] = _represents(people["person_key"], profiles)
    older = dict(merges)
    mapping = {customer: older.get(key, key) for customer, key in known.items()}
    mapping |= dict(zip(people["customer_id"], people["person_key"], strict=True))
    addresses.insert(1, "person_key", people["person_key"])
    return Resolution(people, addresses, mapping, new, merges)


def shared_addresses(addresses: pd.DataFrame) -> dict[str, int]:
    """How many profiles may not use their address because it is one of too many: by kind, where there are any."""
    counts = {kind: int(addresses[f"{kind}_problem"].eq("shared").sum()) for kind in KINDS}
    return {kind: count for kind, count in counts.items() if count}


def _addresses(profiles: pd.DataFrame, salt: str) -> pd.DataFrame:
    """Normalised addresses, their keys, and what keeps an address from being used: missing, invalid or shared."""
    import pandas as pd

    texts = {kind: profiles[kind].where(profiles[kind].notna(), "").astype("str").str.strip() for kind in KINDS}
    countries = profiles["country"].where(profiles["country"].notna(), "").astype("str")
    clean = {
        "email": [normalise_email(text) if text else None for text in texts["email"]],
        "phone": [
            normalise_phone(text, country or None) if text else None
            for text, country in zip(texts["phone"], countries, strict=True)
        ],
    }
    out = profiles[["customer_id", "first_name", "last_name", "locale", "timezone", "country"]].copy()
    for kind in KINDS:
        out[kind] = pd.Series(clean[kind], index=out.index, dtype="str")
        hashed = [address_key(salt, kind, address) if address else None for address in clean[kind]]
        out[f"{kind}_key"] = pd.Series(hashed, index=out.index, dtype="str")
        problem = pd.Series(None, index=out.index, dtype="str")
        problem[out[kind].isna()] = "invalid"
        problem[texts[kind] == ""] = "missing"
        # Rows stand in order of creation, so the first of a group is its owner.
        problem[_crowded(out[kind]) & out[kind].duplicated(keep="first")] = "shared"
        out[f"{kind}_problem"] = problem
    return out


def _crowded(address: pd.Series[str]) -> pd.Series[bool]:
    counts = address.map(address.value_counts())
    return (counts.fillna(0) > MOST_PROFILES).astype(bool)


def _components(groups: list[pd.Series[str]], size: int) -> np.ndarray:
    """A number for each row; rows that share a value in any of the groups, through others too, have the same."""
    import numpy as np
    import pandas as pd
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    rows, columns, first = [], [], 0
    for group in groups:
        codes, values = pd.factorize(group)
        held = np.flatnonzero(codes >= 0)
        rows.append(held)
        columns.append(codes[held] + size + first)
        first += len(values)
    left, right = np.concatenate(rows), np.concatenate(columns)
    graph = coo_matrix((np.ones(len(left), dtype=bool), (left, right)), shape=(size + first, size + first))
    labels: np.ndarray = connected_components(graph, directed=False)[1][:size]
    return labels


def _keys(
    held: pd.Series[str], label: np.ndarray, numbers: Mapping[str, int], new_key: Callable[[], str]
) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """The key of each row, the keys made now, and the merges."""
    candidates: dict[int, set[str]] = {}
    for number, key in zip(label.tolist(), held.tolist(), strict=True):
        found = candidates.setdefault(number, set())
        if isinstance(key, str):
            found.add(key)
    chosen: dict[int, str] = {}
    new: list[str] = []
    merges: list[tuple[str, str]] = []
    for number, found in candidates.items():
        if not found:
            new.append(new_key())
            chosen[number] = new[-1]
            continue
        oldest, *younger = sorted(found, key=lambda key: (numbers.get(key, len(numbers) + 1), key))
        chosen[number] = oldest
        merges += [(key, oldest) for key in younger]
    return [chosen[number] for number in label.tolist()], new, merges


def _represents(person: pd.Series[str], profiles: pd.DataFrame) -> pd.Series[bool]:
    """One profile a person: consenting first, then last active, then created first."""
    ranked = profiles.assign(person=person, quiet=~profiles["consenting"].astype(bool))
    ranked = ranked.sort_values(["quiet", "last_active"], ascending=[True, False], na_position="last", kind="stable")
    return ~ranked["person"].duplicated(keep="first").reindex(person.index)
