"""How the ledger looks in a terminal."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tidings.cli.printing import columns, heading, next_step, numbers, say

if TYPE_CHECKING:
    from tidings.model.counts import BackupShape, HousekeepingShape, LedgerShape, RecoverShape, VerifyShape

MEGABYTE = 10**6


def ledger_view(shape: LedgerShape) -> None:
    """Messages by campaign and state, then what wants somebody's eye."""
    heading(f"ledger of {shape.environment}", f"{shape.persons:,} persons, {shape.size / MEGABYTE:,.1f} MB")
    rows = [
        [campaign, state, f"{number:,}"]
        for campaign, states in shape.campaigns.items()
        for state, number in states.items()
    ]
    if rows:
        totals = [["all", state, f"{number:,}"] for state, number in sorted(shape.messages.items())]
        columns(["campaign", "state", "messages"], rows + (totals if len(shape.campaigns) > 1 else []), frozenset({2}))
    else:
        say("no message has been planned yet")
    if shape.unapproved:
        say(f"{shape.unapproved:,} of them wait for the approval of their plan: tidings approve CAMPAIGN")
    if shape.oldest_in_doubt:
        say(f"the oldest one in doubt was claimed at {_time(shape.oldest_in_doubt)}")
    if lost := {state: number for state, number in shape.reports.items() if state != "accepted"}:
        say("reports: " + ", ".join(f"{number:,} {state}" for state, number in sorted(lost.items())))
    for lane in shape.paused:
        say(f"{lane} is paused")
    if shape.archived:
        say(f"{shape.archived:,} of them are in the archive")
    if shape.oldest_planned:
        say(f"the oldest one that may leave has been due since {_time(shape.oldest_planned)}")
    if shape.behind:
        say(f"it is {shape.behind:,} records behind its journal: it was put back, and sends nothing")
        next_step("tidings ledger recover")
    else:
        next_step("tidings deliver" if shape.oldest_planned else "tidings plan CAMPAIGN")


def housekeeping_view(done: HousekeepingShape) -> None:
    """What went, and where to."""
    numbers(
        [
            ("addresses suppressed, as their provider does", f"{done.suppressed:,}"),
            ("messages moved to the archive", f"{done.messages:,}"),
            ("attempts and events with them", f"{done.attempts + done.events:,}"),
            ("plans that are closed now", f"{done.plans:,}"),
            ("snapshots removed", f"{done.snapshots:,}"),
            ("files of the journal removed", f"{done.journal:,}"),
        ]
    )
    for name in done.unread:
        say(f"the suppression lists of {name} could not be read")
    say(f"the archive is {done.archive}")
    next_step("tidings ledger")


def verify_view(found: VerifyShape) -> None:
    """Each rule that does not hold, with how often and the first ids."""
    for breach in found.breaches:
        say(f"{breach.rule}: does not hold {breach.count:,} times: {breach.sentence}")
        if breach.ids:
            say("  " + ", ".join(breach.ids))
    say(f"{found.rules} rules, {len(found.breaches) or 'none'} broken")
    next_step("keep a backup, and tell us" if found.breaches else "tidings ledger backup FILE")


def backup_view(done: BackupShape) -> None:
    """Where the copy is."""
    say(f"{done.file}: {done.size / MEGABYTE:,.1f} MB")
    next_step("keep it on another disk than the ledger; the journal stays where it is")


def recover_view(done: RecoverShape) -> None:
    """What the ledger was told."""
    if not done.behind:
        say("the ledger knows all that its journal knows")
    else:
        numbers(
            [
                ("records it did not know", f"{done.behind:,}"),
                ("messages it would have sent again", f"{done.doubted:,}"),
                ("messages it had forgotten", f"{done.added:,}"),
                ("persons it had forgotten", f"{done.persons:,}"),
                ("unsubscribes, complaints and bounces", f"{done.stops:,}"),
                ("reports it would have sent again", f"{done.reports:,}"),
                *([("lines that cannot be read", f"{done.unreadable:,}")] if done.unreadable else []),
            ]
        )
    next_step("tidings refresh" if done.behind else "tidings deliver")


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
