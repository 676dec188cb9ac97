"""Lanes: a schedule instead of tokens, what was sent today, and what came back lately."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WORD = sa.String(length=100)


def upgrade() -> None:
    """Lay the table anew: nothing has written it before."""
    op.drop_table("lanes")
    op.create_table(
        "lanes",
        sa.Column("provider", WORD, nullable=False),
        sa.Column("domain_group", WORD, nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True)),
        sa.Column("cause", sa.String(length=200)),
        sa.Column("free_at", sa.Float(), server_default="0", nullable=False),
        sa.Column("queue_at", sa.Float(), server_default="0", nullable=False),
        sa.Column("day", sa.String(length=10)),
        sa.Column("today", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sent", sa.Float(), server_default="0", nullable=False),
        sa.Column("bounced", sa.Float(), server_default="0", nullable=False),
        sa.Column("complained", sa.Float(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("provider", "domain_group", name=op.f("pk_lanes")),
    )
    op.add_column("attempts", sa.Column("domain_group", WORD))


def downgrade() -> None:
    """Lay it as it was; pauses are lost with it."""
    op.drop_column("attempts", "domain_group")
    op.drop_table("lanes")
    op.create_table(
        "lanes",
        sa.Column("provider", WORD, nullable=False),
        sa.Column("domain_group", WORD, nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True)),
        sa.Column("cause", sa.String(length=200)),
        sa.Column("rate", sa.Float()),
        sa.Column("tokens", sa.Float(), server_default="0", nullable=False),
        sa.Column("filled_at", sa.Float(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("provider", "domain_group", name=op.f("pk_lanes")),
    )
