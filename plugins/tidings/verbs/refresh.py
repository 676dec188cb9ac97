"""refresh: read the warehouse, say who is who, answer every question, recommend; publish one snapshot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tidings.ledger.database import Ledger
from tidings.ledger.keys import random_key
from tidings.model.counts import RefreshShape
from tidings.planning.questions import asked, edited
from tidings.planning.snapshots import load_before, publish
from tidings.project import Project


def refresh(project: Project, now: datetime, *, new_key: Callable[[], str] = random_key) -> RefreshShape:
    """One new current snapshot, of the warehouse as it is at `now`; `new_key` makes keys for persons not seen before.

    Where anything goes wrong (TidingsError, and whatever a plugin raises) the last good snapshot stays current and
    nothing half-written is left.
    """
    from tidings.insight.customers import value_customers
    from tidings.insight.profit import save_profit
    from tidings.recommend.engine import save_recommendations
    from tidings.segments.answers import save_answers
    from tidings.segments.drift import refuse_drift
    from tidings.segments.features import all_columns
    from tidings.segments.history import load_history
    from tidings.segments.questions import compile_questions
    from tidings.segments.reads import reads
    from tidings.warehouse.building import ADDRESSES, building
    from tidings.warehouse.connection import open_warehouse
    from tidings.warehouse.days import today
    from tidings.warehouse.features import last_orders, save_features
    from tidings.warehouse.freshness import stale_sources
    from tidings.warehouse.identity import resolve, shared_addresses
    from tidings.warehouse.people import load_consents, load_profiles
    from tidings.warehouse.tables import open_tables

    settings, ladder, zone = project.settings, project.settings.ladder, project.settings.timezone
    with (
        Ledger.open(project) as ledger,
        building(project.state / "snapshots", random_key()) as made,
        open_warehouse(project) as warehouse,
    ):
        before = load_before(ledger, project, now)
        tables = open_tables(warehouse, now, made.folder / "quarantine", before.kept)
        columns = all_columns(tables["customers"])
        drift = refuse_drift(project, now, columns, before.kept, warehouse.schema)
        questions = compile_questions(project, now, columns, tables)
        features = made.folder / "features.parquet"
        save_features(warehouse, tables, questions.conditions, now, features, ladder, zone)
        value = value_customers(features, today(now, zone), settings.base_currency)
        save_profit(project, ledger, warehouse, tables, now, made.folder)
        consents = load_consents(warehouse, tables)
        profiles = load_profiles(warehouse, tables, last_orders(features), consents, now)
        found = resolve(profiles, *before.persons, salt=settings.salt, new_key=new_key)
        found.addresses.to_parquet(made.folder / ADDRESSES, index=False)
        changed = edited(project, before.last) if before.last else []
        history = load_history(before.last, questions.segments, changed, found.merges, now)
        known_as = found.people.assign(email=found.addresses["email"])
        answers = save_answers(features, known_as, before.touches, questions, history, made.folder, ladder, value.rows)
        features.unlink()
        picks = save_recommendations(project, warehouse, tables, found.people, before.rules, now, made.folder)
        old = stale_sources(settings.warehouse.freshness, tables.newest, now, now)
        shape = RefreshShape(
            snapshot=made.final.name, as_of=now, customers=len(found.people),
            persons=int(found.people["represents"].sum()), **vars(answers), edited=changed,
            recommended=picks.persons, quarantined=dict(tables.quarantined), merged=len(found.merges),
            shared=shared_addresses(found.addresses), value=value.fit,
            stale={each.source: each.newest for each in old}, drift=[str(change) for change in drift],
        )  # fmt: skip
        kept: dict[str, Any] = {
            **shape.model_dump(mode="json"), "mining": picks.mining, "questions": asked(project),
            "reads": reads(questions, columns, tables, now), "schema": warehouse.schema, "columns": columns,
            **tables.kept,
        }  # fmt: skip
        publish(ledger, project, made, before, found, consents, now, kept)
    return shape
