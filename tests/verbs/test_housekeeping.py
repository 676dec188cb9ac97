from __future__ import annotations

import pytest

from tests.databases import keep
from tests.planning.campaigns import campaign
from tests.stage import DAY, NOW, Scripted, Stage, person, register
from tidings.errors import ProjectErrors, TidingsError
from tidings.ledger import consents, contacts, journal
from tidings.ledger.journal import Journal
from tidings.model.counts import HousekeepingShape
from tidings.model.delivery import ProviderEvent
from tidings.verbs.deliver import deliver
from tidings.verbs.housekeeping import housekeeping
from tidings.verbs.ledger import ledger
from tidings.verbs.recover import recover
from tidings.verbs.track import track
from tidings.verbs.verify import verify
from tidings.verbs.why import why

LATER = NOW + 401 * DAY
COUNTS = dict.fromkeys(["suppressed", "messages", "attempts", "events", "plans", "snapshots", "journal"], 0)
NOTHING = HousekeepingShape.model_validate(COUNTS | {"unread": [], "archive": ".tidings/archive/dev"})


def _sent(stage: Stage, **retention: str) -> type[Scripted]:
    """Three messages of a plan, sent."""
    kind = register(stage)
    stage.settings(allow=["*"], retention=retention)
    stage.add(campaign(approval="none"))
    stage.people([person(number) for number in range(3)])
    stage.plan()
    deliver(stage.project, NOW)
    return kind


def _no(send_key: str) -> ProviderEvent:
    return ProviderEvent(provider="t", event_id="e", kind="unsubscribed", occurred_at=LATER, send_key=send_key)


def test_without_retention_nothing_goes(stage: Stage) -> None:
    """However old it is."""
    _sent(stage)
    assert NOTHING == housekeeping(stage.project, LATER)


def test_what_is_archived_is_still_told_and_a_late_no_still_counts(either: Stage) -> None:
    """`why` and `ledger` count it, `verify` finds the ledger sound, and who leaves by an old message has left (R24)."""
    kind = _sent(either, messages="400d")
    before = ledger(either.project)
    assert NOTHING == housekeeping(either.project, NOW + 399 * DAY)
    assert {"messages": 3, "attempts": 3, "plans": 1} == {
        name: number for name, number in housekeeping(either.project, LATER).model_dump().items() if number
        and name != "archive"
    }  # fmt: skip
    after = ledger(either.project)
    assert (before.messages, before.campaigns, 3) == (after.messages, after.campaigns, after.archived)
    assert verify(either.project).ok
    told = why(either.project, "C0001", "letter", LATER)
    assert [("accepted", True)] == [(one.state, one.archived) for one in told.messages]

    shape = track(either.project, [_no(kind.given[0].send_key)], LATER)
    assert (1, 0) == (shape.new, shape.unmatched)
    with either.ledger.read() as connection:
        assert 1 == len(contacts.suppressed(connection))
        assert 2 == len({row[0] for row in consents.granted(connection, "marketing", LATER + DAY) if row[1] == "email"})
    assert NOTHING == housekeeping(either.project, LATER)


def test_a_second_plan_of_an_archived_occasion_sends_nothing(either: Stage) -> None:
    """The plan's record keeps it from being made again, when the rows are gone (R01)."""  # R01
    kind = _sent(either, messages="400d")
    housekeeping(either.project, LATER)
    made = either.plan(now=NOW)
    assert "closed" == made.state
    assert 0 == deliver(either.project, LATER).claimed
    assert 3 == len(kind.given)


def test_a_retention_that_somebody_looks_behind_is_refused(stage: Stage) -> None:
    """Before anything moves, with what looks back further."""
    _sent(stage, messages="20d")
    stage.add(campaign(approval="none", goal={"event": "order", "within": "21d"}))
    with pytest.raises(ProjectErrors, match=r"letter.yaml: the goal of letter looks back 21d, .* be 21d or more"):
        housekeeping(stage.project, LATER)
    assert 0 == ledger(stage.project).archived


def test_old_snapshots_go_and_those_that_are_read_stay(either: Stage) -> None:
    """The current one, and that of a campaign's last plan; a folder that is gone already is none to remove."""
    either.settings(retention={"snapshots": "30d"})
    either.add(campaign(approval="none"))
    days = [either.people([person(1)], as_of=NOW - days * DAY) for days in (90, 60)]
    either.plan()
    days += [either.people([person(1)], as_of=NOW - days * DAY) for days in (50, 40)]
    folder = either.project.state / "snapshots"
    assert 2 == housekeeping(either.project, NOW).snapshots
    assert {days[1], days[3]} == {path.name for path in folder.iterdir() if path.is_dir()}
    assert NOTHING == housekeeping(either.project, NOW)


def test_old_files_of_the_journal_go_and_a_backup_older_than_them_is_refused(
    either: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest file stays, whatever its age; what a too old ledger has forgotten is not known any more."""
    monkeypatch.setattr(journal, "SEGMENT", 100)
    either.settings(retention={"journal": "90d"})
    kind = _sent(either, journal="90d")
    put_back = keep(either.ledger)
    for number, one in enumerate(kind.given):
        event = _no(one.send_key).model_copy(update={"event_id": str(number)})
        track(either.project, [event], NOW + number * DAY)
    files = Journal.of(either.project).files()
    assert 4 == len(files)
    assert 0 == housekeeping(either.project, NOW + 89 * DAY).journal
    assert 3 == housekeeping(either.project, NOW + 400 * DAY).journal
    assert files[-1:] == Journal.of(either.project).files()
    assert 0 == recover(either.project, NOW + 400 * DAY).behind
    put_back()
    with pytest.raises(TidingsError, match="the journal begins after record 3 and the ledger ends at 1"):
        recover(either.project, NOW + 400 * DAY)
