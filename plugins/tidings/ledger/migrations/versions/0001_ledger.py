"""The ledger's tables and unique keys."""

import sqlalchemy as sa
from alembic import op

from tidings.ledger.tables import Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Lay every table."""
    op.create_table(
        "approvals",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False, comment="definition | plan | rejected"),
        sa.Column("campaign", sa.String(length=100), nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index(op.f("ix_approvals_hash"), "approvals", ["hash"], unique=False)
    op.create_table(
        "coupons",
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("offer", sa.String(length=100), nullable=False),
        sa.Column("person_key", sa.String(length=32), nullable=True),
        sa.Column("given_at", Moment(), nullable=True),
        sa.Column("redeemed_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_coupons")),
    )
    op.create_index(op.f("ix_coupons_offer"), "coupons", ["offer"], unique=False)
    op.create_table(
        "lanes",
        sa.Column("provider", sa.String(length=100), nullable=False),
        sa.Column("domain_group", sa.String(length=100), nullable=False),
        sa.Column("paused_at", Moment(), nullable=True),
        sa.Column("cause", sa.String(length=200), nullable=True),
        sa.Column(
            "rate",
            sa.Float(),
            nullable=True,
            comment="messages a second; empty = as fast as the provider takes them",
        ),
        sa.Column("tokens", sa.Float(), server_default="0", nullable=False),
        sa.Column("filled_at", sa.Float(), server_default="0", nullable=False, comment="database clock"),
        sa.PrimaryKeyConstraint("provider", "domain_group", name=op.f("pk_lanes")),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
    )
    op.create_table(
        "persons",
        sa.Column("person_key", sa.String(length=32), nullable=False),
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="order of creation: a merge keeps the lower",
        ),
        sa.Column("merged_into", sa.String(length=32), nullable=True),
        sa.Column("merged_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("person_key", name=op.f("pk_persons")),
        sa.UniqueConstraint("number", name=op.f("uq_persons_number")),
    )
    op.create_table(
        "reports",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("campaign", sa.String(length=100), nullable=False),
        sa.Column("occasion", sa.String(length=100), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("send_key", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False, comment="sending | accepted | refused | in_doubt"),
        sa.Column("lease_until", sa.Float(), nullable=True, comment="seconds since 1970 on the database's clock"),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("campaign", "occasion", "recipient", name=op.f("uq_reports_campaign_occasion_recipient")),
        sa.UniqueConstraint("send_key", name=op.f("uq_reports_send_key")),
    )
    op.create_table(
        "snapshots",
        sa.Column("snapshot_id", sa.String(length=32), nullable=False),
        sa.Column("as_of", Moment(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", name=op.f("pk_snapshots")),
    )
    op.create_table(
        "assignments",
        sa.Column("campaign", sa.String(length=100), nullable=False),
        sa.Column("person_key", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.String(length=100), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("arm", sa.String(length=100), nullable=False, comment="treated | control"),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("anchored_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["person_key"], ["persons.person_key"], name=op.f("fk_assignments_person_key")),
        sa.PrimaryKeyConstraint("campaign", "person_key", "epoch", name=op.f("pk_assignments")),
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_key", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("purpose", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False, comment="granted | withdrawn"),
        sa.Column("recorded_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.Column("source", sa.String(length=200), nullable=False, comment="the evidence: where it was said"),
        sa.ForeignKeyConstraint(["person_key"], ["persons.person_key"], name=op.f("fk_consents_person_key")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
        sa.UniqueConstraint(
            "person_key",
            "channel",
            "purpose",
            "recorded_at",
            "state",
            "source",
            name=op.f("uq_consents_person_key_channel_purpose_recorded_at_state_source"),
        ),
    )
    op.create_table(
        "contacts",
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("address_key", sa.String(length=32), nullable=False),
        sa.Column("person_key", sa.String(length=32), nullable=False),
        sa.Column("suppressed_at", Moment(), nullable=True),
        sa.Column("cause", sa.String(length=100), nullable=True),
        sa.ForeignKeyConstraint(["person_key"], ["persons.person_key"], name=op.f("fk_contacts_person_key")),
        sa.PrimaryKeyConstraint("channel", "address_key", name=op.f("pk_contacts")),
    )
    op.create_index(op.f("ix_contacts_person_key"), "contacts", ["person_key"], unique=False)
    op.create_table(
        "enrolments",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("campaign", sa.String(length=100), nullable=False),
        sa.Column("person_key", sa.String(length=32), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("occasion", sa.String(length=100), nullable=False),
        sa.Column("step", sa.String(length=100), nullable=False, comment="where the person stands"),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("waiting_for", sa.String(length=100), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False, comment="active | finished | exited"),
        sa.Column("entered_at", Moment(), nullable=False),
        sa.Column("exited_at", Moment(), nullable=True),
        sa.Column("reason", sa.String(length=100), nullable=True),
        sa.ForeignKeyConstraint(["person_key"], ["persons.person_key"], name=op.f("fk_enrolments_person_key")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolments")),
        sa.UniqueConstraint(
            "campaign", "person_key", "occasion", name=op.f("uq_enrolments_campaign_person_key_occasion")
        ),
    )
    op.create_index("ix_enrolments_due", "enrolments", ["state", "due_at"], unique=False)
    op.create_index(
        "uq_enrolments_active",
        "enrolments",
        ["campaign", "person_key"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "plans",
        sa.Column("plan_id", sa.String(length=32), nullable=False),
        sa.Column("campaign", sa.String(length=100), nullable=False),
        sa.Column("occasion", sa.String(length=100), nullable=False),
        sa.Column("snapshot_id", sa.String(length=32), nullable=False),
        sa.Column("definition_hash", sa.String(length=64), nullable=False),
        sa.Column("plan_hash", sa.String(length=64), nullable=True),
        sa.Column(
            "state",
            sa.String(length=10),
            nullable=False,
            comment="building | ready | released | rejected | closed",
        ),
        sa.Column("counts", sa.Text(), nullable=True),
        sa.Column(
            "commit",
            sa.String(length=40),
            nullable=True,
            comment="git revision of the workspace, recorded, not hashed",
        ),
        sa.Column("dag_id", sa.String(length=250), nullable=True),
        sa.Column("run_id", sa.String(length=250), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.snapshot_id"], name=op.f("fk_plans_snapshot_id")),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_plans")),
    )
    op.create_index(
        "uq_plans_complete",
        "plans",
        ["campaign", "occasion"],
        unique=True,
        sqlite_where=sa.text("state IN ('ready', 'released', 'closed')"),
        postgresql_where=sa.text("state IN ('ready', 'released', 'closed')"),
    )
    op.create_table(
        "pointer",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("snapshot_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.snapshot_id"], name=op.f("fk_pointer_snapshot_id")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pointer")),
    )
    op.create_table(
        "profiles",
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("person_key", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["person_key"], ["persons.person_key"], name=op.f("fk_profiles_person_key")),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_profiles")),
    )
    op.create_index(op.f("ix_profiles_person_key"), "profiles", ["person_key"], unique=False)
    op.create_table(
        "slots",
        sa.Column("person_key", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("campaign", sa.String(length=100), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["person_key"], ["persons.person_key"], name=op.f("fk_slots_person_key")),
        sa.PrimaryKeyConstraint("person_key", "channel", name=op.f("pk_slots")),
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("plan_id", sa.String(length=32), nullable=False),
        sa.Column("enrolment_id", sa.String(length=32), nullable=True),
        sa.Column("campaign", sa.String(length=100), nullable=False),
        sa.Column("person_key", sa.String(length=32), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("occasion", sa.String(length=100), nullable=False),
        sa.Column("step", sa.String(length=100), nullable=False),
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("purpose", sa.String(length=100), nullable=False),
        sa.Column("address_key", sa.String(length=32), nullable=False),
        sa.Column("variant", sa.String(length=100), nullable=True),
        sa.Column("offer_code", sa.String(length=100), nullable=True),
        sa.Column("send_key", sa.String(length=32), nullable=False),
        sa.Column("not_before", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.Float(), nullable=True, comment="seconds since 1970 on the database's clock"),
        sa.Column(
            "counted_at",
            Moment(),
            nullable=True,
            comment="business time that caps count: the claim, or when it would have been sent",
        ),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolments.id"], name=op.f("fk_messages_enrolment_id")),
        sa.ForeignKeyConstraint(["person_key"], ["persons.person_key"], name=op.f("fk_messages_person_key")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.plan_id"], name=op.f("fk_messages_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint(
            "campaign",
            "occasion",
            "step",
            "address_key",
            name=op.f("uq_messages_campaign_occasion_step_address_key"),
        ),
        sa.UniqueConstraint(
            "campaign",
            "person_key",
            "occasion",
            "step",
            name=op.f("uq_messages_campaign_person_key_occasion_step"),
        ),
        sa.UniqueConstraint("send_key", name=op.f("uq_messages_send_key")),
    )
    op.create_index("ix_messages_caps", "messages", ["person_key", "channel", "counted_at"], unique=False)
    op.create_index("ix_messages_due", "messages", ["state", "not_before"], unique=False)
    op.create_index(op.f("ix_messages_enrolment_id"), "messages", ["enrolment_id"], unique=False)
    op.create_index(op.f("ix_messages_plan_id"), "messages", ["plan_id"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("provider", sa.String(length=100), nullable=False),
        sa.Column("dag_id", sa.String(length=250), nullable=True),
        sa.Column("run_id", sa.String(length=250), nullable=True),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment(), nullable=True),
        sa.Column(
            "outcome",
            sa.String(length=10),
            nullable=True,
            comment="accepted | refused | later | unknown; empty while it is under way",
        ),
        sa.Column("provider_id", sa.String(length=250), nullable=True),
        sa.Column("detail", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_attempts_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    op.create_index(op.f("ix_attempts_message_id"), "attempts", ["message_id"], unique=False)
    op.create_table(
        "events",
        sa.Column("provider", sa.String(length=100), nullable=False),
        sa.Column("event_id", sa.String(length=250), nullable=False),
        sa.Column("message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("send_key", sa.String(length=32), nullable=True),
        sa.Column("person_key", sa.String(length=32), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("occurred_at", Moment(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("machine", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_events_message_id")),
        sa.PrimaryKeyConstraint("provider", "event_id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_message_id"), "events", ["message_id"], unique=False)
    op.create_index(op.f("ix_events_person_key"), "events", ["person_key"], unique=False)


def downgrade() -> None:
    """Take every table away, with what it holds."""
    for table in reversed(op.get_context().opts["target_metadata"].sorted_tables):
        op.drop_table(table.name, if_exists=True)
