"""Every table and unique key of the ledger (SQLAlchemy Core; SQLite and PostgreSQL)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):
    """A time-zone aware UTC datetime, also on SQLite, which keeps none."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a datetime without a time zone: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer(), "sqlite")
Key = String(32)
Word = String(100)

meta = Table("meta", metadata, Column("key", Word, primary_key=True), Column("value", Text, nullable=False))

persons = Table(
    "persons",
    metadata,
    Column("person_key", Key, primary_key=True),
    Column("number", Id, nullable=False, unique=True, comment="order of creation: a merge keeps the lower"),
    Column("merged_into", Key),
    Column("merged_at", Moment),
)

profiles = Table(
    "profiles",
    metadata,
    Column("customer_id", String(200), primary_key=True),
    Column("person_key", Key, ForeignKey("persons.person_key"), nullable=False, index=True),
)

contacts = Table(
    "contacts",
    metadata,
    Column("channel", Word, primary_key=True),
    Column("address_key", Key, primary_key=True),
    Column("person_key", Key, ForeignKey("persons.person_key"), nullable=False, index=True),
    Column("suppressed_at", Moment),
    Column("cause", Word),
)

consents = Table(
    "consents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person_key", Key, ForeignKey("persons.person_key"), nullable=False),
    Column("channel", Word, nullable=False),
    Column("purpose", Word, nullable=False),
    Column("state", String(10), nullable=False, comment="granted | withdrawn"),
    Column("recorded_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("source", String(200), nullable=False, comment="the evidence: where it was said"),
    UniqueConstraint("person_key", "channel", "purpose", "recorded_at", "state", "source"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("snapshot_id", Key, primary_key=True),
    Column("as_of", Moment, nullable=False),
    Column("folder", Text, nullable=False),
    Column("summary", Text, nullable=False),
)

pointer = Table(
    "pointer",
    metadata,
    Column("name", Word, primary_key=True),
    Column("snapshot_id", Key, ForeignKey("snapshots.snapshot_id"), nullable=False),
)

plans = Table(
    "plans",
    metadata,
    Column("plan_id", Key, primary_key=True),
    Column("campaign", Word, nullable=False),
    Column("occasion", Word, nullable=False),
    Column("snapshot_id", Key, ForeignKey("snapshots.snapshot_id"), nullable=False),
    Column("definition_hash", String(64), nullable=False),
    Column("plan_hash", String(64)),
    Column("state", String(10), nullable=False, comment="building | ready | released | rejected | recovered | closed"),
    Column("counts", Text),
    Column("commit", String(40), comment="git revision of the workspace, recorded, not hashed"),
    Column("dag_id", String(250)),
    Column("run_id", String(250)),
    Column("created_at", Moment, nullable=False),
    Index(
        "uq_plans_complete",
        "campaign",
        "occasion",
        unique=True,
        sqlite_where=text("state IN ('ready', 'released', 'closed')"),
        postgresql_where=text("state IN ('ready', 'released', 'closed')"),
    ),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Id, primary_key=True),
    Column("hash", String(64), nullable=False, index=True),
    Column("kind", String(10), nullable=False, comment="definition | plan | rejected"),
    Column("campaign", Word, nullable=False),
    Column("who", String(200), nullable=False),
    Column("at", Moment, nullable=False),
    Column("comment", Text, nullable=False),
)

enrolments = Table(
    "enrolments",
    metadata,
    Column("id", Key, primary_key=True),
    Column("campaign", Word, nullable=False),
    Column("person_key", Key, ForeignKey("persons.person_key"), nullable=False),
    Column("customer_id", String(200), nullable=False),
    Column("occasion", Word, nullable=False),
    Column("step", Word, nullable=False, comment="where the person stands"),
    Column("due_at", Moment),
    Column("waiting_for", Word),
    Column("state", String(10), nullable=False, comment="active | finished | exited"),
    Column("entered_at", Moment, nullable=False),
    Column("exited_at", Moment),
    Column("reason", Word),
    Index("ix_enrolments_due", "state", "due_at"),
    Index(
        "uq_enrolments_active",
        "campaign",
        "person_key",
        unique=True,
        sqlite_where=text("state = 'active'"),
        postgresql_where=text("state = 'active'"),
    ),
    UniqueConstraint("campaign", "person_key", "occasion"),
)

assignments = Table(
    "assignments",
    metadata,
    Column("campaign", Word, primary_key=True),
    Column("person_key", Key, ForeignKey("persons.person_key"), primary_key=True),
    Column("epoch", Word, primary_key=True),
    Column("customer_id", String(200), nullable=False),
    Column("arm", Word, nullable=False, comment="treated | control"),
    Column("probability", Float, nullable=False),
    Column("anchored_at", Moment, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("plan_id", Key, ForeignKey("plans.plan_id"), nullable=False, index=True),
    Column("enrolment_id", Key, ForeignKey("enrolments.id"), index=True),
    Column("campaign", Word, nullable=False),
    Column("person_key", Key, ForeignKey("persons.person_key"), nullable=False),
    Column("customer_id", String(200), nullable=False),
    Column("occasion", Word, nullable=False),
    Column("step", Word, nullable=False),
    Column("channel", Word, nullable=False),
    Column("purpose", Word, nullable=False),
    Column("address_key", Key, nullable=False),
    Column("variant", Word),
    Column("offer_code", Word),
    Column("send_key", Key, nullable=False, unique=True),
    Column("not_before", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("state", String(10), nullable=False),
    Column("reason", Word),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("lease_until", Float, comment="seconds since 1970 on the database's clock"),
    Column(
        "counted_at",
        Moment,
        comment="business time that caps count: the claim, or when it would have been sent",
    ),
    UniqueConstraint("campaign", "person_key", "occasion", "step"),
    UniqueConstraint("campaign", "occasion", "step", "address_key"),
    Index("ix_messages_due", "state", "not_before"),
    Index("ix_messages_caps", "person_key", "channel", "counted_at"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("message_id", Id, ForeignKey("messages.id"), nullable=False, index=True),
    Column("provider", Word, nullable=False),
    Column("domain_group", Word),
    Column("dag_id", String(250)),
    Column("run_id", String(250)),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("outcome", String(10), comment="accepted | refused | later | unknown; empty while it is under way"),
    Column("provider_id", String(250)),
    Column("detail", String(500)),
    Column("batch_id", String(250), comment="under which the provider can be told to discard the message"),
    Column("leaves_at", Moment, comment="when the provider lets it go, if it does not at once"),
    Index("ix_attempts_scheduled", "leaves_at", "provider", "batch_id"),
)

events = Table(
    "events",
    metadata,
    Column("provider", Word, primary_key=True),
    Column("event_id", String(250), primary_key=True),
    Column("message_id", Id, ForeignKey("messages.id"), index=True),
    Column("send_key", Key),
    Column("person_key", Key, index=True),
    Column("kind", String(20), nullable=False),
    Column("occurred_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("machine", Boolean, nullable=False),
    Column("detail", String(500)),
)

archives = Table(
    "archives",
    metadata,
    Column("archive", Key, primary_key=True, comment="name of its Parquet files"),
    Column("plan_id", Key, ForeignKey("plans.plan_id"), primary_key=True, index=True),
    Column("state", String(10), primary_key=True, comment="in which the messages ended"),
    Column("campaign", Word, nullable=False),
    Column("month", String(7), nullable=False, comment="of the plans, such as 2026-11; folder of its files"),
    Column("number", Integer, nullable=False, comment="messages of this plan and state"),
)

touches = Table(
    "touches",
    metadata,
    Column("person_key", Key, ForeignKey("persons.person_key"), primary_key=True),
    Column("campaign", Word, primary_key=True),
    Column("step", Word, primary_key=True),
    Column("kind", String(20), primary_key=True, comment="received | opened | clicked | opened_by_machine"),
    Column("at", Moment, nullable=False, comment="the last time"),
)

slots = Table(
    "slots",
    metadata,
    Column("person_key", Key, ForeignKey("persons.person_key"), primary_key=True),
    Column("channel", Word, primary_key=True),
    Column("campaign", Word, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

lanes = Table(
    "lanes",
    metadata,
    Column("provider", Word, primary_key=True),
    Column("domain_group", Word, primary_key=True),
    Column("paused_at", Moment),
    Column("cause", String(200)),
    Column("free_at", Float, nullable=False, server_default="0"),
    Column("queue_at", Float, nullable=False, server_default="0"),
    Column("day", String(10)),
    Column("today", Integer, nullable=False, server_default="0"),
    Column("sent", Float, nullable=False, server_default="0"),
    Column("bounced", Float, nullable=False, server_default="0"),
    Column("complained", Float, nullable=False, server_default="0"),
)

coupons = Table(
    "coupons",
    metadata,
    Column("code", Word, primary_key=True),
    Column("offer", Word, nullable=False, index=True),
    Column("person_key", Key),
    Column("given_at", Moment),
    Column("redeemed_at", Moment),
)

reports = Table(
    "reports",
    metadata,
    Column("id", Id, primary_key=True),
    Column("campaign", Word, nullable=False),
    Column("occasion", Word, nullable=False),
    Column("recipient", String(320), nullable=False),
    Column("send_key", Key, nullable=False, unique=True),
    Column("state", String(10), nullable=False, comment="sending | accepted | refused | in_doubt"),
    Column("lease_until", Float, comment="seconds since 1970 on the database's clock"),
    Column("folder", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("campaign", "occasion", "recipient"),
)
