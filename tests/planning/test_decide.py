"""Every gate of a plan, in its order, with people made so that each is stopped by exactly one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from tests.planning.campaigns import SEND, campaign
from tests.stage import DAY, NOW, Stage, key, person
from tidings.hookspecs import hookimpl
from tidings.ledger import assignments, contacts
from tidings.model.seams import Eligibility
from tidings.planning import arms
from tidings.verbs.plan import plan

RECOMMEND = SEND | {"recommend": {"strategy": "association_rules", "count": 3, "at_least": 2}}


def _reasons(stage: Stage, now: Any = NOW, name: str = "letter") -> dict[str, str | None]:
    """customer_id → the reason of a no, None for who is planned or withheld."""
    rows = plan(stage.project, name, now).shape(rows=True).rows
    return {row.customer: row.reason if row.decision == "no" else None for row in rows}


class _NoCases(Eligibility):
    name = "no_cases"
    columns: Sequence[str] = ("open_cases",)

    def allowed(self, people: pd.DataFrame) -> pd.Series[bool]:
        return people["open_cases"] == 0


def _with_rule(stage: Stage, rule: type[Eligibility] = _NoCases) -> None:
    class Plugin:
        @hookimpl
        def register_eligibility(self) -> list[type[Eligibility]]:
            return [rule]

    stage.project.plugins.manager.register(Plugin())


def test_each_gate_stops_its_person(stage: Stage) -> None:
    """One person for each gate of a broadcast, one for whom all are open: the reasons are theirs, each once."""
    _with_rule(stage)
    stage.settings(caps={"email": {"max": 1, "within": "7d"}})
    stage.add(campaign(audience={"include": "readers", "exclude": ["angry"]}, steps=[RECOMMEND], approval="none"))
    stage.add(campaign(campaign="earlier", approval="none"))
    tired = person(9, segments=("readers",))
    stage.people([tired])
    stage.plan("earlier")
    people = [
        person(1),
        person(2, segments=()),
        person(3, segments=("readers", "angry")),
        person(4, email=None, email_problem="missing"),
        person(5, email_problem="invalid"),
        person(6, email_problem="shared"),
        person(7),
        person(8, consents=("sms",)),
        tired,
        person(10, open_cases=1),
        person(11, products=("P1",)),
        person(12, email="c1@example.com"),
    ]
    stage.people(people)
    with stage.ledger.write() as connection:
        address = stage.project.root / ".tidings/snapshots/addresses.parquet"
        keys = pd.read_parquet(address).set_index("customer_id")["email_key"]
        contacts.suppress(connection, "email", keys["C0007"], NOW, "unsubscribed")
    assert {
        "C0001": None,
        "C0002": "not_in_audience",
        "C0003": "excluded",
        "C0004": "missing_address",
        "C0005": "invalid_address",
        "C0006": "shared_address",
        "C0007": "suppressed",
        "C0008": "no_consent",
        "C0009": "frequency_cap",
        "C0010": "plugin:no_cases",
        "C0011": "too_few_recommendations",
        "C0012": "address_in_plan",
    } == _reasons(stage)


def test_a_stale_source_stops_everybody(stage: Stage) -> None:
    """A snapshot older than the freshness that the warehouse promises plans nobody, and says why."""
    stage.settings(warehouse={"freshness": {"orders": "2d", "customers": "30d"}})
    stage.add(campaign())
    stage.people([person(1)])
    assert {"C0001": None} == _reasons(stage, NOW + 2 * DAY)
    assert {"C0001": "source_stale:orders"} == _reasons(stage, NOW + 2 * DAY + timedelta(seconds=1))


def test_the_limit_of_a_run(stage: Stage) -> None:
    """A run plans as many as its limit, chosen by the hash, others at the next occasion; the rest say `limit`."""
    stage.add(campaign(limits={"per_run": 5}))
    stage.people([person(number) for number in range(1, 41)])
    first, again, later = (_reasons(stage, now) for now in (NOW, NOW + timedelta(hours=1), NOW + DAY))
    assert first == again != later
    for reasons in (first, later):
        assert {None: 5, "limit": 35} == pd.Series(list(reasons.values()), dtype=object).value_counts(
            dropna=False
        ).to_dict()


def test_the_first_usable_channel_is_chosen(stage: Stage) -> None:
    """Of several channels the first that reaches the person; where none does, the first says why."""
    either = SEND | {"send": {"any_of": ["sms", "email"]}}
    stage.add(campaign(steps=[either]))
    people = [
        person(1),
        person(2, phone_problem="invalid"),
        person(3, consents=("email",)),
        person(4, consents=()),
        person(5, phone=None, phone_problem="missing", email_problem="shared"),
        person(6, phone=None, phone_problem="missing", consents=("sms",)),
    ]
    stage.people(people)
    rows = plan(stage.project, "letter", NOW).shape(rows=True).rows
    assert [
        ("sms", None),
        ("email", None),
        ("email", None),
        (None, "no_consent"),
        (None, "missing_address"),
        (None, "missing_address"),
    ] == [(row.channel, row.reason) for row in rows]


def test_the_holdout_is_of_those_who_would_be_sent_to(stage: Stage) -> None:
    """Who is stopped by a gate is in no arm; of the others the hash holds out the share, and the plan says so."""
    held_out = campaign(holdout={"share": "50%"})
    stage.add(held_out)
    stage.people([person(number, consents=("email",) if number % 2 else ()) for number in range(1, 81)])
    rows = plan(stage.project, "letter", NOW).shape(rows=True).rows
    keys = [row.person for row in rows if row.decision != "no"]
    drawn = arms.draw(stage.project.settings.salt, "letter", held_out.holdout, NOW, keys)
    decisions = {"treated": ("planned", None), "control": ("withheld", "holdout")}
    assert [(*decisions[arm], arm) for arm in drawn] == [
        (row.decision, row.reason, row.arm) for row in rows if row.decision != "no"
    ]
    assert {None} == {row.arm for row in rows if row.decision == "no"}
    assert {"treated", "control"} == set(drawn)


def test_a_service_message_asks_for_less(stage: Stage) -> None:
    """Service messages need no consent and know neither caps, nor quiet hours, nor arms; suppression holds."""
    stage.settings(
        caps={"email": {"max": 1, "within": "7d"}},
        quiet_hours={"start": "09:00", "end": "12:00"},
        control_group="100%",
    )
    stage.add(campaign(purpose="service", approval="none"))
    stage.add(campaign(campaign="second", purpose="service", approval="none"))
    stage.people([person(1, consents=())])
    for name in ("letter", "second"):
        [row] = stage.plan(name).shape(rows=True).rows
        assert ("planned", None, NOW) == (row.decision, row.arm, row.send_at)


def test_the_control_group_is_of_all_campaigns(stage: Stage) -> None:
    """The same people are kept from every campaign; they have no arm, and are counted as withheld."""
    stage.settings(control_group="30%")
    stage.add(campaign(holdout={"share": "20%"}))
    stage.add(campaign(campaign="other"))
    stage.people([person(number) for number in range(1, 101)])
    kept = []
    for name in ("letter", "other"):
        rows = stage.plan(name).shape(rows=True).rows
        kept.append({row.customer for row in rows if row.reason == "control_group"})
        assert {None} == {row.arm for row in rows if row.reason == "control_group"}
        assert {"withheld"} == {row.decision for row in rows if row.reason == "control_group"}
    assert kept[0] == kept[1]
    assert 15 < len(kept[0]) < 45


def test_an_arm_is_kept_for_its_epoch(stage: Stage) -> None:
    """Who was drawn keeps the arm in later runs of the epoch, and is logged once, with the probability."""
    stage.add(campaign(holdout={"share": "50%"}, approval="none"))
    stage.people([person(number) for number in range(1, 41)])
    first = {row.person: row.arm for row in stage.plan().shape(rows=True).rows}
    stage.project.settings.__dict__["salt"] = "another-0123456789abcdef"
    second = {row.person: row.arm for row in stage.plan(now=NOW + DAY).shape(rows=True).rows}
    assert first == second
    with stage.ledger.read() as connection:
        logged = assignments.load(connection, "letter")
    assert first == {row["person_key"]: row["arm"] for row in logged}
    assert {(0.5, NOW)} == {(row["probability"], row["anchored_at"]) for row in logged}


def test_a_changed_share_draws_anew(stage: Stage) -> None:
    """A new share is a new epoch: each arm is logged with the probability it was drawn with."""
    stage.add(campaign(holdout={"share": "50%"}, approval="none"))
    stage.people([person(number) for number in range(1, 41)])
    stage.plan()
    stage.add(campaign(holdout={"share": "10%"}, approval="none"))
    stage.plan(now=NOW + DAY)
    with stage.ledger.read() as connection:
        logged = assignments.load(connection, "letter")
    assert 80 == len(logged)
    assert {("0:0.5", 0.5), ("0:0.1", 0.1), ("0:0.1", 0.9)} == {(row["epoch"], row["probability"]) for row in logged}


@pytest.mark.parametrize(
    ("zone", "leaves"),
    [
        ("America/New_York", "2026-11-22T10:00-05:00"),
        ("Asia/Ho_Chi_Minh", "2026-11-23T08:00+07:00"),
        ("Asia/Atlantis", "2026-11-22T10:00-05:00"),
        (None, "2026-11-22T10:00-05:00"),
    ],
)
def test_quiet_hours_are_the_recipients(stage: Stage, zone: str | None, leaves: str) -> None:
    """Ten in the morning here is ten at night there, where it waits; an unknown zone is the workspace's (R28)."""
    stage.settings(timezone="America/New_York", quiet_hours={"start": "21:00", "end": "08:00"})
    stage.add(campaign())
    stage.people([person(1, timezone=zone)])
    [row] = plan(stage.project, "letter", NOW).shape(rows=True).rows
    assert pd.Timestamp(leaves) == row.send_at


def test_two_profiles_are_one_row(stage: Stage) -> None:
    """A person is considered once, by the profile in the audience, and is excluded when any profile is."""
    stage.add(campaign(audience={"include": "readers", "exclude": ["angry"]}))
    people = [
        person(1, segments=()),
        person(2, person_key=person(1)["person_key"], represents=False),
        person(3),
        person(4, person_key=person(3)["person_key"], represents=False, segments=("angry",)),
        person(5, person_key=key(99), represents=False),
        person(6, person_key=key(99)),
    ]
    stage.people(people)
    assert {"C0002": None, "C0003": "excluded", "C0006": None} == _reasons(stage)


def test_a_rule_asks_about_every_profile(stage: Stage) -> None:
    """A complaint on a profile that does not speak for the person keeps the message back all the same."""
    _with_rule(stage)
    stage.add(campaign())
    stage.people([person(1), person(2, person_key=person(1)["person_key"], represents=False, open_cases=1), person(3)])
    assert {"C0001": "plugin:no_cases", "C0003": None} == _reasons(stage)
