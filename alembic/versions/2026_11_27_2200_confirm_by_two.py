"""Keep acts that one person asks for and another confirms (F197).

Revision ID: 0026_confirmations
Revises: 0025_api_requests
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026_confirmations"
down_revision = "0025_api_requests"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "confirmations",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("payload_digest", sa.LargeBinary(), nullable=False),
        sa.Column("fields", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("asked_with", sa.String(), nullable=True),
        sa.Column("asked_people", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("policy_version_id", sa.Uuid(), nullable=False),
        sa.Column("card_message_id", sa.Uuid(), sa.ForeignKey("messages.id"), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("answered_by", sa.Uuid(), sa.ForeignKey("people.id"), nullable=True),
        sa.Column("answered_at", TIME, nullable=True),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("via", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("correlation_id", sa.String(), nullable=False),
        sa.CheckConstraint(
            "state IN ('asked', 'confirmed', 'refused', 'withdrawn', 'expired')", name=op.f("ck_confirmations_state")
        ),
    )
    op.create_index("ix_confirmations_asked_by", "confirmations", ["asked_by"])
    op.create_index(
        "ix_confirmations_asked", "confirmations", ["asked_at"], postgresql_where=sa.text("state = 'asked'")
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM timers WHERE kind = 'confirmation.expire'")
    op.drop_table("confirmations")
