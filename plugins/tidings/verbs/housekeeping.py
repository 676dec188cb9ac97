"""housekeeping: take over providers' suppression lists, archive what is over, remove files that nothing reads."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import datetime

from tidings.delivery.control import suppression_lists
from tidings.errors import ProjectErrors
from tidings.ledger.archive import Archive
from tidings.ledger.database import Ledger
from tidings.ledger.head import refuse_old
from tidings.ledger.journal import Journal
from tidings.ledger.retention import move
from tidings.ledger.snapshots import unneeded
from tidings.model.counts import HousekeepingShape
from tidings.planning.windows import too_short
from tidings.project import Project
from tidings.tracking.suppressed import take_lists


def housekeeping(project: Project, now: datetime) -> HousekeepingShape:
    """Nobody is sent to whom a provider has given up; and what is over goes as `retention` says, without it nothing.

    It may be stopped anywhere and run again.

    ProjectErrors where messages would go that a cap, a goal or `not_again` still looks back to, each at its place.
    """
    if errors := too_short(project):
        raise ProjectErrors(errors)
    kept, archive, journal = project.settings.retention, Archive.of(project), Journal.of(project)
    moved: Counter[str] = Counter()
    removed = pruned = 0
    with Ledger.open(project, create=False) as ledger:
        refuse_old(ledger, journal)
        lists = suppression_lists(project)
        suppressed = take_lists(project, ledger, lists.suppressed, now)
        if kept.messages is not None:
            moved = move(ledger, archive, now - kept.messages)
        if kept.snapshots is not None:
            with ledger.read() as connection:
                folders = [project.root / folder for folder in unneeded(connection, now - kept.snapshots)]
            for folder in filter(lambda folder: folder.is_dir(), folders):
                shutil.rmtree(folder)
                removed += 1
        if kept.journal is not None and journal.name is not None:
            pruned = journal.prune(now - kept.journal)
    return HousekeepingShape(
        suppressed=suppressed,
        unread=lists.unread,
        messages=moved["messages"],
        attempts=moved["attempts"],
        events=moved["events"],
        plans=moved["plans"],
        archive=archive.folder.relative_to(project.root).as_posix(),
        snapshots=removed,
        journal=pruned,
    )
