from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.databases import dump
from tests.planning.campaigns import SEND, campaign
from tests.stage import DAY, NOW, Stage, person
from tidings.errors import TidingsError
from tidings.planning.plan import Plan, find_campaign
from tidings.verbs.plan import plan

MIXED = [person(1), person(2, segments=()), person(3, consents=()), person(4), person(5, email_problem="invalid")]
VARIANTS = [{"id": "warm", "share": "50%"}, {"id": "direct", "share": "50%", "subject": "Hello"}]


def _plan(stage: Stage, now: Any = NOW) -> Plan:
    return plan(stage.project, "letter", now)


def test_looking_writes_nothing(stage: Stage) -> None:
    """Without `commit` neither a row nor a file comes or goes."""
    stage.add(campaign(holdout={"share": "50%"}))
    stage.people(MIXED)
    files = sorted(stage.project.root.rglob("*"))
    before = dump(stage.ledger)
    _plan(stage)
    assert before == dump(stage.ledger)
    assert files == sorted(stage.project.root.rglob("*"))


def test_everybody_is_accounted_for(stage: Stage) -> None:
    """considered = planned + withheld + the sum of reasons, and each row says which (R04)."""
    stage.add(campaign(holdout={"share": "50%"}))
    stage.people([*MIXED, *(person(number) for number in range(6, 30))])
    shape = _plan(stage).shape(rows=True)
    assert 29 == shape.counts.considered == len(shape.rows)
    assert 29 == shape.counts.planned + shape.counts.withheld + sum(shape.counts.reasons.values())
    assert {"not_in_audience": 1, "no_consent": 1, "invalid_address": 1} == shape.counts.reasons
    assert 0 < shape.counts.withheld < 26
    assert {("planned", "treated"), ("withheld", "control"), ("no", None)} == {
        (row.decision, row.arm) for row in shape.rows
    }


def test_nobody_at_all(stage: Stage) -> None:
    """An empty snapshot is an empty plan, not an error."""
    stage.add(campaign(steps=[SEND | {"recommend": {"strategy": "association_rules"}}]))
    stage.people([person(1, segments=())])
    assert {"not_in_audience": 1} == _plan(stage).shape().counts.reasons


def test_the_hash_does_not_contain_the_clock(stage: Stage) -> None:
    """An hour later, in the same occasion, the plan has other send times and the same hash."""
    stage.settings(quiet_hours={"start": "21:00", "end": "08:00"})
    stage.add(campaign(holdout={"share": "50%"}, steps=[SEND | {"variants": VARIANTS}]))
    stage.people(MIXED)
    early, late = (_plan(stage, NOW + timedelta(hours=hours)).shape(rows=True) for hours in (0, 1))
    assert early.hash == late.hash
    assert [row.send_at for row in early.rows] != [row.send_at for row in late.rows]


@pytest.mark.parametrize("change", ["audience", "consent", "title", "template", "settings"])
def test_the_hash_contains_what_matters(stage: Stage, change: str) -> None:
    """Who is in, why somebody is not, and every word that is sent: a change of any is another hash."""
    stage.add(campaign())
    stage.people(MIXED)
    before = _plan(stage).shape()
    if change == "audience":
        stage.people([*MIXED, person(6)])
    elif change == "consent":
        stage.people([person(9, person_key=person(3)["person_key"], customer_id="C0003"), *MIXED[:2], *MIXED[3:]])
    elif change == "title":
        stage.add(campaign(title="Another letter"))
    elif change == "template":
        (stage.project.root / "templates/letter/hello.en.yaml").write_text(
            "subject: Other\npreheader: x\nhello: y\nleave: z\n"
        )
    else:
        stage.settings(caps={"email": {"max": 9, "within": "7d"}})
    after = _plan(stage).shape()
    assert before.hash != after.hash
    assert (before.definition_hash == after.definition_hash) == (change in ("audience", "consent"))


def test_a_segment_that_no_refresh_has_answered(stage: Stage) -> None:
    """An audience younger than the snapshot asks for a refresh instead of planning nobody."""
    stage.project.segments["newest"] = stage.project.segments["loyal"]
    stage.add(campaign(audience={"include": {"all": ["readers", "newest"]}}))
    stage.people(MIXED)
    with pytest.raises(TidingsError, match=r"the snapshot does not answer .* yet; run `tidings refresh` after an edit"):
        _plan(stage)


def test_a_misspelt_campaign(stage: Stage) -> None:
    """The nearest name is offered."""
    stage.add(campaign())
    with pytest.raises(TidingsError, match=r"there is no campaign 'leter'; did you mean 'letter'\?"):
        find_campaign(stage.project, "leter")


def test_before_the_first_refresh(stage: Stage) -> None:
    """Without a snapshot there is nothing to plan from, and the error says what to run."""
    stage.add(campaign())
    with pytest.raises(TidingsError, match="there is no snapshot yet; run `tidings refresh` first"):
        _plan(stage)


def test_a_typed_occasion_is_another_one(stage: Stage) -> None:
    """A person may name the occasion; what it holds already is not planned again."""
    stage.add(campaign(approval="none"))
    stage.people(MIXED)
    assert ("2026-11-22", 2) == (stage.plan().occasion, stage.plan().counts.planned)
    again = plan(stage.project, "letter", NOW + DAY, occasion="2026-11-22")
    assert (NOW, 2) == (again.now, again.counts.planned)
    assert 2 == plan(stage.project, "letter", NOW, occasion="extra").counts.planned
