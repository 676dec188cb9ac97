"""What was moved to files: the archives, and the last touches of the messages in them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY, WORD = sa.String(length=32), sa.String(length=100)


STATES = "building | ready | released | rejected | recovered | closed"
STATES_BEFORE = "building | ready | released | rejected | closed"


def upgrade() -> None:
    """Two tables; a ledger without `retention` leaves them empty."""
    _comment(STATES)
    op.create_table(
        "archives",
        sa.Column("archive", KEY, nullable=False, comment="name of its Parquet files"),
        sa.Column("plan_id", KEY, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False, comment="in which the messages ended"),
        sa.Column("campaign", WORD, nullable=False),
        sa.Column(
            "month", sa.String(length=7), nullable=False, comment="of the plans, such as 2026-11; folder of its files"
        ),
        sa.Column("number", sa.Integer(), nullable=False, comment="messages of this plan and state"),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.plan_id"], name=op.f("fk_archives_plan_id")),
        sa.PrimaryKeyConstraint("archive", "plan_id", "state", name=op.f("pk_archives")),
    )
    op.create_index(op.f("ix_archives_plan_id"), "archives", ["plan_id"])
    kinds = "received | opened | clicked | opened_by_machine"
    op.create_table(
        "touches",
        sa.Column("person_key", KEY, nullable=False),
        sa.Column("campaign", WORD, nullable=False),
        sa.Column("step", WORD, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False, comment=kinds),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="the last time"),
        sa.ForeignKeyConstraint(["person_key"], ["persons.person_key"], name=op.f("fk_touches_person_key")),
        sa.PrimaryKeyConstraint("person_key", "campaign", "step", "kind", name=op.f("pk_touches")),
    )


def downgrade() -> None:
    """Refused where something was moved: the older version would not know that it was ever sent."""
    if op.get_bind().execute(sa.text("SELECT 1 FROM archives LIMIT 1")).first():
        raise RuntimeError("messages were moved to files; a ledger does not go back")
    op.drop_table("touches")
    op.drop_table("archives")
    _comment(STATES_BEFORE)


def _comment(states: str) -> None:
    """SQLite keeps no comments."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("plans", "state", existing_type=sa.String(length=10), existing_nullable=False, comment=states)
