from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from math import sqrt

import pytest
from sqlalchemy import select

from tests import stage as on
from tests.planning.campaigns import SEND, campaign
from tests.stage import DAY, Stage, person
from tidings.ledger.persons import merge_persons
from tidings.ledger.tables import assignments
from tidings.model.campaign import Holdout
from tidings.planning.arms import CONTROL, TREATED, choose, draw, epoch, uniform

SALT = "sunrise-arms-5f1c09e47ab2d863"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
KEYS = [blake2b(str(number).encode(), digest_size=16).hexdigest() for number in range(40_000)]


def _holdout(share: str = "10%", rotate: str | None = None) -> Holdout:
    return Holdout.model_validate({"share": share, "rotate": rotate})


def _within_four_errors(found: int, of: int, share: float) -> bool:
    return abs(found - of * share) <= 4 * sqrt(of * share * (1 - share))


def test_a_draw_can_be_made_again() -> None:
    """The same salt, campaign, epoch and person give the same arm, whoever else is asked, in any order."""
    drawn = dict(zip(KEYS[:500], draw(SALT, "letter", _holdout(), NOW, KEYS[:500]), strict=True))
    again = draw(SALT, "letter", _holdout(), NOW, KEYS[400:450][::-1])
    assert [drawn[key] for key in KEYS[400:450][::-1]] == again


def test_a_known_draw() -> None:
    """The first 53 bits of BLAKE2b, keyed by the salt: arms drawn years ago can be recomputed with any library."""
    for key in ("a", "b"):
        digest = blake2b(f"arm|letter|0:0.1|{key}".encode(), key=SALT.encode(), digest_size=8).hexdigest()
        assert int(digest, 16) // 2**11 / 2**53 == uniform(SALT, "arm|letter|0:0.1", [key])[0]
    assert [0.4854, 0.8959] == [round(float(number), 4) for number in uniform(SALT, "arm|letter|0:0.1", ["a", "b"])]


@pytest.mark.parametrize("share", ["1%", "10%", "25%", "50%"])
def test_shares_are_kept(share: str) -> None:
    """Of 40,000 people the share within four standard errors is held out."""
    drawn = draw(SALT, "letter", _holdout(share), NOW, KEYS)
    assert _within_four_errors(drawn.count(CONTROL), len(KEYS), float(share[:-1]) / 100)
    assert {TREATED, CONTROL} == set(drawn)


@pytest.mark.parametrize(("share", "arm"), [("0%", TREATED), ("100%", CONTROL)])
def test_nobody_and_everybody(share: str, arm: str) -> None:
    """A share of 0 % holds nobody out, 100 % everybody."""
    assert {arm} == set(draw(SALT, "letter", _holdout(share), NOW, KEYS[:1000]))


@pytest.mark.parametrize("other", ["campaign", "salt", "epoch"])
def test_draws_are_independent(other: str) -> None:
    """Of those whom one campaign, salt or epoch holds out, another holds out its share: nobody is always left out."""
    here = draw(SALT, "letter", _holdout("20%", "365d"), NOW, KEYS)
    there = draw(
        "another-salt-0123456" if other == "salt" else SALT,
        "other" if other == "campaign" else "letter",
        _holdout("20%", "365d"),
        NOW + timedelta(days=400 if other == "epoch" else 0),
        KEYS,
    )
    both = sum(one == two == CONTROL for one, two in zip(here, there, strict=True))
    assert _within_four_errors(both, here.count(CONTROL), 0.2)


def test_the_epoch_turns() -> None:
    """It turns after `rotate`, and whenever the share changes; without `rotate` it stays."""
    yearly = _holdout(rotate="365d")
    assert epoch(yearly, NOW) == epoch(yearly, NOW + timedelta(days=20))
    assert epoch(yearly, NOW) != epoch(yearly, NOW + timedelta(days=365))
    assert epoch(_holdout(), NOW) == epoch(_holdout(), NOW + timedelta(days=4000))
    assert epoch(_holdout(), NOW) != epoch(_holdout("11%"), NOW)


def test_a_turned_epoch_moves_people() -> None:
    """After the turn other people are held out, so that nobody is kept from a campaign for ever."""
    yearly = _holdout("10%", "365d")
    before, after = (draw(SALT, "letter", yearly, NOW + timedelta(days=days), KEYS) for days in (0, 365))
    assert before != after


def test_variants_share_people_out() -> None:
    """Each variant gets its share within four standard errors, independently of the arm."""
    shares = {"warm": "50%", "direct": "30%", "short": "20%"}
    step = SEND | {"variants": [{"id": name, "share": share} for name, share in shares.items()]}
    variants = campaign(steps=[step]).send_steps[0].variants
    chosen = choose(SALT, "letter", "hello", variants, KEYS)
    arms = draw(SALT, "letter", _holdout("50%"), NOW, KEYS)
    for name, share in shares.items():
        assert _within_four_errors(chosen.count(name), len(KEYS), float(share[:-1]) / 100)
        treated = sum(one == name and arm == TREATED for one, arm in zip(chosen, arms, strict=True))
        assert _within_four_errors(treated, chosen.count(name), 0.5)


def test_variants_are_drawn_a_step() -> None:
    """Another step draws anew; a step without variants has none."""
    step = SEND | {"variants": [{"id": "a", "share": "50%"}, {"id": "b", "share": "50%"}]}
    variants = campaign(steps=[step]).send_steps[0].variants
    assert choose(SALT, "letter", "one", variants, KEYS) != choose(SALT, "letter", "two", variants, KEYS)
    assert [None, None] == choose(SALT, "letter", "one", [], KEYS[:2])


def test_thirds_leave_nobody_without_a_variant() -> None:
    """Shares that do not add up to one in binary give everybody a variant all the same."""
    step = SEND | {"variants": [{"id": name, "share": "33.333333%"} for name in "abc"]}
    assert {"a", "b", "c"} == set(choose(SALT, "letter", "x", campaign(steps=[step]).send_steps[0].variants, KEYS))


def _arms(stage: Stage) -> dict[str, str]:
    with stage.ledger.read() as connection:
        return {row.person_key: row.arm for row in connection.execute(select(assignments))}


def test_an_arm_survives_a_merge(either: Stage) -> None:
    """Sixty profiles turn out to be thirty persons after the first letter: each stays in the older key's arm, whole."""
    keys = [on.key(number * 2**108) for number in range(1, 61)]
    either.add(campaign(approval="none", holdout={"share": "50%"}))
    either.people([person(number) for number in range(1, 61)])
    either.plan()
    before = _arms(either)
    pairs = list(zip(keys[30:], keys[:30], strict=True))
    assert {(CONTROL, TREATED), (TREATED, CONTROL)} < {(before[younger], before[older]) for younger, older in pairs}
    with either.ledger.write() as connection:
        merge_persons(connection, pairs, on.NOW)
    both = [person(number, person_key=keys[(number - 1) % 30], represents=number <= 30) for number in range(1, 61)]
    either.people(both, on.NOW + DAY)
    either.plan(now=on.NOW + DAY)
    assert _arms(either) == before
    rows = either.rows()
    letters = {(row["person_key"], row["occasion"]): row["state"] for row in rows}
    assert len(letters) == len(rows)
    occasions = sorted({occasion for _, occasion in letters})
    for younger, older in pairs:
        first, second = (letters[older, occasion] for occasion in occasions)
        assert first == second == ("withheld" if before[older] == CONTROL else "planned")
        assert (younger, occasions[1]) not in letters
        assert letters[younger, occasions[0]] == ("withheld" if before[younger] == CONTROL else "skipped")
