"""The promise under SIGKILL: every point × every fault × both ledgers × both providers, judged by the provider's log.

`make soak` runs the same with at least fifty kills in every cell; docs/reliability.md has its table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.delivery.crash.cells import LANES, Cell, Stop, cells
from tests.delivery.crash.judge import Arrival, Evidence, Silence, findings, in_doubt
from tests.delivery.crash.lane import Lane, Report
from tests.delivery.crash.runs import run_matrix
from tests.planning.campaigns import campaign
from tests.stage import DAY, NOW, Stage, person
from tidings.testing.smtp_sink import SmtpFault, SmtpSink
from tidings.verbs.deliver import deliver
from tidings.verbs.tick import tick

pytestmark = pytest.mark.long
KILLS, RACES, PAIRS, SEED = 2, 25, 3, 20261122


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[str, str], Report]:
    """What became of each lane."""
    return run_matrix(tmp_path_factory.mktemp("crash"), SEED, KILLS, races=RACES, pairs=PAIRS)


@pytest.mark.parametrize("which", LANES, ids="-".join)
def test_no_kill_breaks_the_promise(reports: Mapping[tuple[str, str], Report], which: tuple[str, str]) -> None:
    """Nothing twice, nothing lost, all accounted for, doubt at most a batch a worker: R01, R02, R03, R04, R05, R14.

    A hundred races of two workers on one plan are among it (R11), and a few suppressed addresses in every plan (R24).
    """
    report = reports[which]
    assert [] == report.findings
    assert [] == [cell for cell in cells(which[1]) if report.kills[cell] < KILLS]
    assert report.messages > report.arrived > 0


@pytest.mark.parametrize("which", LANES, ids="-".join)
def test_doubt_ends_with_the_truth(reports: Mapping[tuple[str, str], Report], which: tuple[str, str]) -> None:
    """After truthful events no message that the provider has is in doubt; the others are shown, and not sent (R08)."""
    report = reports[which]
    assert report.in_doubt == report.in_doubt_told + report.never_taken
    assert report.never_taken == report.states["in_doubt"] > 0
    assert set(report.states) <= {"accepted", "in_doubt", "refused", "skipped"}


def test_a_line_that_breaks_after_the_dot(either: Stage, tmp_path: Path) -> None:
    """What Postfix's `smtp-sink -q .` does: each message is taken, none is answered; in doubt, and never sent again."""
    addresses = [f"c{number}@example.com" for number in range(1, 6)]
    with SmtpSink(tmp_path / "inbox", faults=dict.fromkeys(addresses, SmtpFault.DROP_AFTER_BODY)) as sink:
        smtp = {"host": "127.0.0.1", "port": sink.port}
        either.settings(allow=["*"], channels={"email": {"providers": ["smtp"]}}, providers={"smtp": smtp})
        either.add(campaign(approval="none"))
        either.people([person(number) for number in range(1, 6)])
        either.plan()
        assert 5 == deliver(either.project, NOW).in_doubt
        sink.faults = {}
        for days in (0, 1, -1, 9):
            assert 0 == tick(either.project, NOW + days * DAY).delivered.claimed
        assert addresses == sorted(to for entry in sink.accepted() for to in entry["to"])
    assert {"in_doubt"} == {row["state"] for row in either.rows()}


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    """One lane in which mutants are tried one after the other; what they break has nothing to do with the database."""
    with Lane(tmp_path_factory.mktemp("mutants") / "lane", "sqlite", "smtp", SEED) as made:
        yield made


@pytest.mark.parametrize(
    ("mutant", "finding"),
    [
        (None, None),
        ("no_commit_before_the_first_byte", "twice"),
        ("recovery_plans_again", "twice"),
        ("suppression_only_when_planned", "silenced"),
    ],
)
def test_each_mutant_is_convicted(lane: Lane, mutant: str | None, finding: str | None) -> None:
    """The judge that acquits the product finds what each mutation breaks (R15)."""
    lane.begin(mutant)
    lane.plan()
    lane.run([Cell(Stop.ANSWERED, "none")] * 3)
    found = {one.partition(":")[0] for one in lane.finish().findings}
    assert found == ({finding} if finding else set())


def test_counting_before_locking_is_convicted(tmp_path: Path) -> None:
    """Two campaigns for the same people, claimed at the same moments: the product keeps to the cap (R38), a claim that
    counts before it locks does not (R15). On SQLite, where one writes at a time, that order changes nothing.
    """
    with Lane(tmp_path / "lane", "postgresql", "smtp", SEED, cap=1) as lane:
        lane.begin()
        lane.race_for_the_cap()
        report = lane.finish()
        assert [] == report.findings
        assert {"accepted", "skipped"} == set(report.states)
        lane.begin("count_before_lock")
        lane.race_for_the_cap()
        assert ["over_the_cap"] == [one.partition(":")[0] for one in lane.finish().findings]


def _row(key: str, state: str, plan_id: str = "p") -> dict[str, str]:
    return {"send_key": key, "state": state, "plan_id": plan_id}


COUNTS = {"p": {"considered": 2, "planned": 1, "withheld": 0, "reasons": {"no_address": 1}}}
LOG = [Arrival("a", "lan@example.com")]
WRONG = {
    "twice": Evidence(LOG * 2, [_row("a", "accepted")], COUNTS),
    "strangers": Evidence([*LOG, Arrival("b", "x@example.com")], [_row("a", "accepted")], COUNTS),
    "lost": Evidence([], [_row("a", "accepted")], COUNTS),
    "denied": Evidence(LOG, [_row("a", "planned")], COUNTS),
    "unaccounted": Evidence([], [], COUNTS),
    "silenced": Evidence(LOG, [_row("a", "accepted")], COUNTS, silences=[Silence("lan@example.com", 0)]),
    "over_the_cap": Evidence(LOG, [_row("a", "accepted")], COUNTS, cap=0),
    "too_much_doubt": Evidence(LOG, [_row("a", "accepted")], COUNTS, left_open=[(5, 4)]),
}


@pytest.mark.parametrize("name", list(WRONG))
def test_the_judge_sees_each_wrong(name: str) -> None:
    """One broken promise, one finding, by its name."""
    assert [f"{name}: 1"] == findings(WRONG[name])


def test_the_judge_acquits() -> None:
    """What arrived is accepted, what did not is visibly in doubt; suppression counts from its own time on."""
    counts = {"p": COUNTS["p"] | {"considered": 4, "planned": 3}}
    rows = [_row("a", "accepted"), _row("b", "in_doubt"), _row("c", "sending")]
    log = [*LOG, Arrival("c", "minh@example.com")]
    silences = [Silence("lan@example.com", 1), Silence("minh@example.com", 0, 1)]
    evidence = Evidence(log, rows, counts, silences=silences, cap=1, left_open=[(4, 4)])
    assert [] == findings(evidence)
    assert (1, 1) == in_doubt(evidence)
