"""Keep what has fallen due for people until they are told, so that one message can say all of it.

Revision ID: 0016_rungs
Revises: 0015_arrived_calls
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016_rungs"
down_revision = "0015_arrived_calls"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "rungs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("origin_kind", sa.String(), nullable=False),
        sa.Column("origin_id", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("message_id", sa.Uuid(), sa.ForeignKey("messages.id"), nullable=True),
        sa.Column("correlation_id", sa.String(), nullable=False),
    )
    op.create_index("ix_rungs_due", "rungs", ["due_at"], postgresql_where=sa.text("message_id IS NULL"))
    op.create_index(
        "ix_rungs_told", "rungs", ["origin_kind", "origin_id"], postgresql_where=sa.text("message_id IS NOT NULL")
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("rungs")
    op.execute("DELETE FROM timers WHERE kind = 'ladder.tell'")
