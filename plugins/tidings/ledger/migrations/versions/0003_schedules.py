"""Attempts that can be taken back: under which id, and until when."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two columns that most attempts leave empty, and the way to those that do not."""
    told = "under which the provider can be told to discard the message"
    op.add_column("attempts", sa.Column("batch_id", sa.String(length=250), comment=told))
    let_go = "when the provider lets it go, if it does not at once"
    op.add_column("attempts", sa.Column("leaves_at", sa.DateTime(timezone=True), comment=let_go))
    op.create_index("ix_attempts_scheduled", "attempts", ["leaves_at", "provider", "batch_id"])


def downgrade() -> None:
    """Drop them; what is in doubt then stays so."""
    op.drop_index("ix_attempts_scheduled", "attempts")
    op.drop_column("attempts", "leaves_at")
    op.drop_column("attempts", "batch_id")
