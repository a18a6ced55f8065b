"""Remember how far the digest of a morning has come.

Revision ID: 0035_morning_digests
Revises: 0033_sorted_lists
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035_morning_digests"
down_revision = "0033_sorted_lists"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "morning_digests",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("up_to", sa.Uuid(), nullable=True),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("day", name="pk_morning_digests"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("morning_digests")
    op.execute("DELETE FROM timers WHERE kind = 'digest.morning'")
