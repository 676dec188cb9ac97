"""refresh: read the warehouse, say who is who, answer every question, recommend; publish one snapshot."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tidings.errors import TidingsError
from tidings.ledger import persons
from tidings.ledger.consents import save_consents
from tidings.ledger.contacts import save_contacts
from tidings.ledger.database import Ledger
from tidings.ledger.keys import random_key
from tidings.ledger.snapshots import find_current, publish_snapshot, summary
from tidings.model.counts import RefreshShape
from tidings.planning.questions import asked, edited
from tidings.project import Project


def refresh(project: Project, now: datetime, *, new_key: Callable[[], str] = random_key) -> RefreshShape:
    """One new current snapshot, of the warehouse as it is at `now`; `new_key` makes keys for persons not seen before.

    Where anything goes wrong (TidingsError, and whatever a plugin raises) the last good snapshot stays current and
    nothing half-written is left.
    """
    from tidings.recommend.engine import Previous, save_recommendations
    from tidings.segments.answers import save_answers
    from tidings.segments.drift import refuse_drift
    from tidings.segments.features import all_columns
    from tidings.segments.history import load_history
    from tidings.segments.questions import compile_questions
    from tidings.segments.reads import reads
    from tidings.segments.touches import load_touches
    from tidings.warehouse import people
    from tidings.warehouse.building import ADDRESSES, building
    from tidings.warehouse.connection import open_warehouse
    from tidings.warehouse.drift import changes
    from tidings.warehouse.features import last_orders, save_features
    from tidings.warehouse.freshness import stale_sources
    from tidings.warehouse.identity import resolve, shared_addresses
    from tidings.warehouse.tables import open_tables

    snapshot_id, ladder = random_key(), project.settings.ladder
    with (
        Ledger.open(project) as ledger,
        building(project.state / "snapshots", snapshot_id) as made,
        open_warehouse(project) as warehouse,
    ):
        with ledger.read() as connection:
            known, numbers = persons.load_profiles(connection), persons.load_numbers(connection)
            forgotten = persons.load_forgotten(connection)
            touches, last = load_touches(connection, now), find_current(connection, project.root)
            earlier = summary(connection, last.snapshot_id) if last else {}
        tables = open_tables(warehouse, now, made.folder / "quarantine", earlier)
        columns = all_columns(tables["customers"])
        drift = changes(earlier["schema"], warehouse.schema) if "schema" in earlier else []
        refuse_drift(project, now, columns, earlier.get("columns", {}), drift)
        questions = compile_questions(project, now, columns, tables)
        features = made.folder / "features.parquet"
        save_features(warehouse, tables, questions.conditions, now, features, ladder)

        consents = people.load_consents(warehouse, tables)
        profiles = people.load_profiles(warehouse, tables, last_orders(features), consents, now)
        found = resolve(profiles, known, numbers, forgotten, salt=project.settings.salt, new_key=new_key)
        found.addresses.to_parquet(made.folder / ADDRESSES, index=False)

        changed = edited(project, last) if last else []
        history = load_history(last, questions.segments, changed, found.merges, now)
        known_as = found.people.assign(email=found.addresses["email"])
        answers = save_answers(features, known_as, touches, questions, history, made.folder, ladder)
        features.unlink()
        before = Previous(last.folder, earlier["mining"]) if last and earlier.get("mining") else None
        picks = save_recommendations(project, warehouse, tables, found.people, before, now, made.folder)
        old = stale_sources(project.settings.warehouse.freshness, tables.newest, now, now)
        shape = RefreshShape(
            snapshot=snapshot_id, as_of=now, customers=len(found.people), persons=int(found.people["represents"].sum()),
            **vars(answers), edited=changed, recommended=picks.persons, quarantined=dict(tables.quarantined),
            merged=len(found.merges), shared=shared_addresses(found.addresses),
            stale={each.source: each.newest for each in old}, drift=[str(change) for change in drift],
        )  # fmt: skip
        kept: dict[str, Any] = {
            **shape.model_dump(mode="json"), "mining": picks.mining, "questions": asked(project),
            "reads": reads(questions, columns, tables, now),
            "schema": warehouse.schema, "columns": columns,
            **tables.kept,
        }  # fmt: skip
        (made.folder / "summary.json").write_text(json.dumps(kept, indent=2), encoding="utf-8")
        with ledger.write() as connection:
            if persons.load_profiles(connection) != known:
                raise TidingsError("another refresh finished in the meantime", "refresh again")
            persons.save_persons(connection, found.new)
            persons.merge_persons(connection, found.merges, now)
            persons.save_profiles(connection, found.mapping, known)
            save_contacts(connection, people.contact_rows(found.addresses, project.settings.channels))
            save_consents(connection, people.consent_rows(consents, found.mapping))
            publish_snapshot(connection, snapshot_id, now, made.final.relative_to(project.root), kept)
            made.finish()
    return shape
