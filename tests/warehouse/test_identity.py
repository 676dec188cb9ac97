from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warehouse.workspaces import ago
from tidings.warehouse.identity import MOST_PROFILES, Resolution, resolve

SALT = "0123456789abcdef"
COLUMNS = (
    "customer_id", "email", "phone", "first_name", "last_name", "locale", "timezone", "country", "created_at",
    "last_active", "consenting",
)  # fmt: skip


def keys(start: int = 0) -> Callable[[], str]:
    """Person keys in order."""
    count = itertools.count(start)
    return lambda: f"{next(count):032x}"


def profile(customer_id: str, email: str | None = None, phone: str | None = None, **more: Any) -> dict[str, Any]:
    """A profile as the warehouse gives it."""
    given_ = {"country": "US", "created_at": ago(100), "last_active": None, "consenting": True} | more
    return dict.fromkeys(COLUMNS) | {"customer_id": customer_id, "email": email, "phone": phone} | given_


def frame(profiles: list[dict[str, Any]]) -> pd.DataFrame:
    """The frame that `resolve` takes."""
    moments = dict.fromkeys(("created_at", "last_active"), "datetime64[us, UTC]")
    texts = dict.fromkeys(("customer_id", "email", "phone", "country"), "str")
    return pd.DataFrame(profiles, columns=list(COLUMNS)).astype(moments | texts | {"consenting": bool})


def resolved(profiles: list[dict[str, Any]], before: Resolution | None = None, start: int = 0) -> Resolution:
    """One resolution, perhaps after another one."""
    known = before.mapping if before else {}
    numbers = {key: n for n, key in enumerate(sorted(set(known.values())))}
    return resolve(frame(profiles), known, numbers, salt=SALT, new_key=keys(start or len(numbers)))


def persons(found: Resolution) -> dict[str, str]:
    """customer_id → person_key of the frame's profiles."""
    return dict(zip(found.people["customer_id"], found.people["person_key"], strict=True))


def address(found: Resolution, customer_id: str) -> dict[str, Any]:
    """A profile's row of addresses."""
    row = found.addresses.set_index("customer_id").loc[customer_id].to_dict()
    return {name: None if pd.isna(value) else value for name, value in row.items()}


def test_profiles_that_share_an_address_are_one_person() -> None:
    """By e-mail in any spelling, by number in any spelling, and through a third profile (R65)."""
    found = persons(
        resolved([
            profile("a", "Ana@Corner.example", "(202) 555-0143"),
            profile("b", "ana@corner.EXAMPLE "),
            profile("c", "other@corner.example", "+12025550143"),
            profile("d", "d@corner.example"),
        ])
    )  # fmt: skip
    assert found["a"] == found["b"] == found["c"] != found["d"]


def test_no_address_links_nobody() -> None:
    """Missing and invalid addresses are no common ground."""
    found = persons(
        resolved([profile("a"), profile("b"), profile("c", "n/a", "0"), profile("d", "n/a", "0"), profile("e", "", "")])
    )
    assert len(set(found.values())) == 5


def test_an_address_of_more_than_five_links_nobody_and_belongs_to_its_first_owner() -> None:
    """info@ is usable for whoever had it first; the others cannot be reached by it."""
    crowd = [profile(f"c{n}", "info@corner.example", created_at=ago(100 + n)) for n in range(MOST_PROFILES + 1)]
    found = resolved(crowd)
    assert len(set(persons(found).values())) == MOST_PROFILES + 1
    problems = {row["customer_id"]: address(found, row["customer_id"])["email_problem"] for row in crowd}
    owner = f"c{MOST_PROFILES}"
    assert problems == {row["customer_id"]: None if row["customer_id"] == owner else "shared" for row in crowd}


def test_an_address_of_five_is_a_household() -> None:
    """Up to five profiles on one address are one person, each usable."""
    household = [profile(f"c{n}", "us@corner.example") for n in range(MOST_PROFILES)]
    found = resolved(household)
    assert len(set(persons(found).values())) == 1
    assert found.addresses["email_problem"].isna().all()


def test_problems_say_why_an_address_cannot_be_used() -> None:
    """missing, invalid, shared, or nothing wrong; only a usable or shared address has a key."""
    found = resolved(
        [profile("a", None, "  "), profile("b", "no@", "12"), profile("c", "c@corner.example", "+12025550143")]
    )
    kinds = [(address(found, c)["email_problem"], address(found, c)["phone_problem"]) for c in "abc"]
    assert kinds == [("missing", "missing"), ("invalid", "invalid"), (None, None)]
    assert address(found, "b")["email_key"] is None
    assert address(found, "c")["phone"] == "+12025550143"
    assert len(address(found, "c")["email_key"]) == 32


def test_a_person_keeps_their_key_and_their_profiles() -> None:
    """A changed address neither makes a new person nor takes one apart (R65)."""
    first = resolved([profile("a", "a@corner.example"), profile("b", "a@corner.example")])
    again = resolved([profile("a", "new@corner.example"), profile("b", "old@corner.example")], first)
    assert persons(again) == persons(first)
    assert (again.new, again.merges) == ([], [])


def test_a_merge_keeps_the_older_key() -> None:
    """When two persons turn out to be one, the younger key goes, wherever its profiles are."""
    first = resolved(
        [
            profile("a", "a@corner.example", created_at=ago(9)),
            profile("b", "b@corner.example", created_at=ago(8)),
            profile("gone", "b@corner.example", created_at=ago(7)),
        ]
    )
    older, younger = persons(first)["a"], persons(first)["b"]
    merged = resolved([profile("a", "a@corner.example"), profile("b", "a@corner.example")], first)
    assert merged.merges == [(younger, older)]
    assert set(persons(merged).values()) == {older}
    assert merged.mapping["gone"] == older


def test_a_new_profile_of_a_known_person_makes_no_key() -> None:
    """The newcomer with a known number is the one we know."""
    first = resolved([profile("a", None, "+12025550143")])
    again = resolved([profile("a", None, "+12025550143"), profile("z", "z@corner.example", "202-555-0143")], first)
    assert persons(again)["z"] == persons(first)["a"]
    assert again.new == []


@pytest.mark.parametrize(
    ("profiles", "speaker"),
    [
        (
            [
                profile("a", "x@c.example", consenting=False, last_active=ago(1)),
                profile("b", "x@c.example", last_active=ago(9)),
            ],
            "b",
        ),
        ([profile("a", "x@c.example", last_active=ago(9)), profile("b", "x@c.example", last_active=ago(1))], "b"),
        ([profile("a", "x@c.example"), profile("b", "x@c.example", last_active=ago(400))], "b"),
        ([profile("a", "x@c.example", created_at=ago(1)), profile("b", "x@c.example", created_at=ago(2))], "b"),
        ([profile("b", "x@c.example"), profile("a", "x@c.example")], "a"),
    ],
    ids=["consent before activity", "last active", "active at all", "created first", "by id"],
)
def test_the_consenting_then_the_last_active_profile_speaks(profiles: list[dict[str, Any]], speaker: str) -> None:
    """One profile represents each person."""
    found = resolved(profiles)
    assert list(found.people.loc[found.people["represents"], "customer_id"]) == [speaker]


def test_keys_are_asked_for_in_order_of_creation() -> None:
    """The same customers in any order get the same keys from the same generator; the first-comer the first."""
    profiles = [profile(f"c{n}", f"c{n}@corner.example", created_at=ago(n)) for n in range(20)]
    expected = persons(resolved(profiles))
    assert expected["c19"] == f"{0:032x}"
    random.Random(3).shuffle(profiles)
    assert persons(resolved(profiles)) == expected


def test_a_forgotten_person_is_known_by_their_address() -> None:
    """A ledger that was put back knows an address without a profile: whoever has it is that person (R20a)."""
    profiles = [
        profile("a", "ana@corner.example", "+12025550143"),
        profile("b", "bo@corner.example"),
        *(profile(f"role{number}", "office@corner.example") for number in range(MOST_PROFILES + 1)),
    ]
    addresses = resolved(profiles).addresses.set_index("customer_id")
    held = {str(addresses.loc["a", "phone_key"]): "f" * 32, str(addresses.loc["role0", "email_key"]): "e" * 32}
    numbers = {"f" * 32: 1, "e" * 32: 2}
    found = resolve(frame(profiles), {"b": "d" * 32}, numbers, held, salt=SALT, new_key=keys())
    assert ("f" * 32, "d" * 32) == (found.mapping["a"], found.mapping["b"])
    assert MOST_PROFILES + 1 == len(found.new)  # an address of many is nobody's


def test_nobody_is_an_empty_answer() -> None:
    """A shop without customers has no persons."""
    found = resolved([])
    assert found.people.empty
    assert found.addresses.empty
    assert found.mapping == {}


POOL = st.sampled_from([None, "n/a", "a@c.example", "A@c.example", "b@c.example", "d@c.example", "info@c.example"])
PHONES = st.sampled_from([None, "0", "+12025550143", "(202) 555-0143", "+12025550144"])
ROUND = st.dictionaries(st.sampled_from([f"c{n}" for n in range(9)]), st.tuples(POOL, PHONES), max_size=9)


def naive(drawn: dict[str, tuple[str | None, str | None]], linked: dict[str, str]) -> list[set[str]]:
    """Groups of customers, by merging sets until nothing changes."""
    shared: dict[Any, set[str]] = defaultdict(set)
    for who, (email, phone) in drawn.items():
        if email and "@" in email:
            shared[email.lower()].add(who)
        if phone and len(phone) > 1:
            shared["".join(filter(str.isdigit, phone))[-10:]].add(who)
    groups = [group for group in shared.values() if len(group) <= MOST_PROFILES]
    before: dict[str, set[str]] = defaultdict(set)
    for who in drawn:
        if who in linked:
            before[linked[who]].add(who)
    groups += [*before.values(), *({who} for who in drawn)]
    merged = True
    while merged:
        merged = False
        for left, right in itertools.combinations(groups, 2):
            if left & right:
                groups = [group for group in groups if group is not left and group is not right] + [left | right]
                merged = True
                break
    return sorted(groups, key=sorted)


@given(st.lists(ROUND, min_size=1, max_size=3))
def test_persons_are_the_connected_groups_and_never_come_apart(
    rounds: list[dict[str, tuple[str | None, str | None]]],
) -> None:
    """Over several refreshes: groups equal a naive merging of sets, exactly one profile speaks for each, keys are
    kept, never swapped, and a merge leaves the older one (R65).
    """
    before: Resolution | None = None
    for drawn in rounds:
        linked = before.mapping if before else {}
        found = resolved([profile(who, *pair) for who, pair in drawn.items()], before, start=100 * (len(linked) + 1))
        by_person = defaultdict(set)
        for who, key in persons(found).items():
            by_person[key].add(who)
        assert sorted(by_person.values(), key=sorted) == naive(drawn, linked)
        speaking = found.people[found.people["represents"]]
        assert Counter(speaking["person_key"]) == Counter(dict.fromkeys(by_person, 1))
        older = dict(found.merges)
        assert all(younger > kept for younger, kept in older.items())
        assert all(found.mapping[who] == older.get(key, key) for who, key in linked.items())
        assert set(found.new).isdisjoint(linked.values())
        before = found
