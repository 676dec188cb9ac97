"""Where a refresh begins and ends: what the ledger and the last snapshot know, and the new one made current."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tidings.errors import TidingsError
from tidings.ledger import persons
from tidings.ledger.consents import save_consents
from tidings.ledger.contacts import save_contacts
from tidings.ledger.database import Ledger
from tidings.ledger.snapshots import find_current, publish_snapshot, summary
from tidings.model.seams import Snapshot
from tidings.project import Project
from tidings.segments.touches import load_touches

if TYPE_CHECKING:
    import pandas as pd

    from tidings.recommend.engine import Previous
    from tidings.warehouse.building import Building
    from tidings.warehouse.identity import Resolution
    from tidings.warehouse.people import Consent


@dataclass(frozen=True)
class Before:
    """What is known before a refresh.

    `persons` are profiles, numbers and forgotten as `tidings.ledger.persons` loads them, `touches` what passed between
    us and each person, `last` the current snapshot with what its summary `kept`; None and nothing before the first.
    """

    persons: tuple[Mapping[str, str], Mapping[str, int], Mapping[str, str]]
    touches: pd.DataFrame
    last: Snapshot | None
    kept: Mapping[str, Any]

    @property
    def rules(self) -> Previous | None:
        """What the last refresh mined, if anything."""
        from tidings.recommend.engine import Previous

        mining = self.kept.get("mining")
        return Previous(self.last.folder, mining) if self.last and mining else None


def load_before(ledger: Ledger, project: Project, now: datetime) -> Before:
    """All of it as of one moment."""
    with ledger.read() as connection:
        last = find_current(connection, project.root)
        return Before(
            (
                persons.load_profiles(connection),
                persons.load_numbers(connection),
                persons.load_forgotten(connection),
            ),
            load_touches(connection, now),
            last,
            summary(connection, last.snapshot_id) if last else {},
        )


def publish(
    ledger: Ledger,
    project: Project,
    made: Building,
    before: Before,
    found: Resolution,
    consents: Iterable[Consent],
    now: datetime,
    kept: dict[str, Any],
) -> None:
    """Persons, addresses and consents into the ledger, and the snapshot in its place and current: all or nothing.

    `kept` is its summary. TidingsError where another refresh has finished since `before` was loaded.
    """
    from tidings.warehouse import people

    (made.folder / "summary.json").write_text(json.dumps(kept, indent=2), encoding="utf-8")
    known, *_ = before.persons
    with ledger.write() as connection:
        if persons.load_profiles(connection) != known:
            raise TidingsError("another refresh finished in the meantime", "refresh again")
        persons.save_persons(connection, found.new)
        persons.merge_persons(connection, found.merges, now)
        persons.save_profiles(connection, found.mapping, known)
        save_contacts(connection, people.contact_rows(found.addresses, project.settings.channels))
        save_consents(connection, people.consent_rows(consents, found.mapping))
        publish_snapshot(connection, made.final.name, now, made.final.relative_to(project.root), kept)
        made.finish()
